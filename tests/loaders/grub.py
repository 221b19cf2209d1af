# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run the real GRUB: in one boot, its commands load one image after the other.

ask_pc: under QEMU, whose -kernel starts it, as lnxboot.img makes GRUB's core a bzImage; the images
are on a disk that QEMU makes of a folder.  ask_domain: in a domain of Xen, with the images in its
memdisk.  GRUB starts no image: its command reports whether it accepts the image.  ask_grub_file:
without a boot, whether grub-file recognizes an image as one of a type.
"""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from xen_tool.boot.boot import boot
from xen_tool.boot.boot_settings import BootSettings

SECONDS = 120
_COMMON = ("normal", "echo", "test", "gzio", "xzio", "lzopio")
_PC = ("biosdisk", "part_msdos", "fat", "serial", "terminal", "iorw")
_PC_COMMANDS = ("linux", "multiboot", "multiboot2")
_DOMAIN = ("memdisk", "tar", "halt", "adler32", "gcry_crc")
_DOMAIN_COMMANDS = {"x86_64-xen": ("linux",), "i386-xen": ("linux",), "i386-xen_pvh": _PC_COMMANDS}
_MODES = {
    "x86_64-xen": "xen-pv-domu",
    "i386-xen": "xen-shim-pv32",
    "i386-xen_pvh": "xen-pvh-domu",
}
_EARLY_PC = """set root=(hd0,msdos1)
serial --unit=0
terminal_output serial
normal (hd0,msdos1)/g.cfg
"""
_EARLY_DOMAIN = """set root=(memdisk)
normal (memdisk)/g.cfg
"""
_MIB = 256
_ANSWER = re.compile(r"== n(\d+)\n(?:WARNING: .*\n)?(?:error: (.*?)\.?\n)?(taken|refused)\n")


class Answer(NamedTuple):
    """Whether GRUB accepted an image, and its message if it did not."""

    taken: bool
    words: str


class Asked(NamedTuple):
    """A command of GRUB, such as multiboot2, and the image that it must load."""

    command: str
    image: bytes


def ask_pc(
    asked: Iterable[Asked], qemu: str, mkimage: str, modules: Path, folder: Path
) -> list[Answer]:
    """Return the answers of GRUB on a PC.

    modules: the folder of GRUB's i386-pc; folder: an empty folder for the files of this run.
    """
    disk = folder / "disk"
    disk.mkdir()
    for name, content in _files(list(asked), "outb 0xf4 0").items():
        (disk / name).write_bytes(content)
    core = _core(
        mkimage, modules, folder, _EARLY_PC, "(hd0,msdos1)/", (*_COMMON, *_PC, *_PC_COMMANDS)
    )
    (folder / "grub").write_bytes((modules / "lnxboot.img").read_bytes() + core.read_bytes())
    machine = (qemu, "-nodefaults", "-display", "none", "-no-reboot", "-m", str(_MIB))
    drive = f"format=raw,file=fat:rw:{disk}"
    serial = ("-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4")
    run = subprocess.run(
        (*machine, "-kernel", str(folder / "grub"), "-drive", drive, *serial),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    return _answers(run.stdout.decode("ascii", "replace").replace("\r", ""))


def ask_domain(
    asked: Iterable[Asked], mkimage: str, modules: Path, folder: Path, last: bytes = b""
) -> tuple[list[Answer], Sequence[str]]:
    """Return the answers of GRUB in a domain of Xen, and all lines of its console.

    modules: the folder of GRUB's x86_64-xen, i386-xen or i386-xen_pvh; folder: an empty folder for
    the files of this run; last: a kernel that GRUB starts at the end, or b"" for none.
    """
    end = "linux /last\nboot" if last else "halt"
    files = {**_files(list(asked), end), **({"last": last} if last else {})}
    archive = folder / "memdisk.tar"
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as disk:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            disk.addfile(member, io.BytesIO(content))
    needed = (*_COMMON, *_DOMAIN, *_DOMAIN_COMMANDS[modules.name])
    core = _core(
        mkimage, modules, folder, _EARLY_DOMAIN, "(memdisk)/", ("-m", str(archive), *needed)
    )
    outcome = boot(
        core, mode=_MODES[modules.name], settings=BootSettings(mem=_MIB), timeout=SECONDS
    )
    return _answers("\n".join([*outcome.console, ""])), outcome.console


def ask_grub_file(asked: Iterable[tuple[str, bytes]], program: str, folder: Path) -> list[bool]:
    """Return whether grub-file recognizes each image as one of the type that stands with it."""
    lines = []
    for number, (kind, image) in enumerate(asked):
        (folder / str(number)).write_bytes(image)
        words = shlex.join((program, f"--is-{kind}", str(folder / str(number))))
        lines.append(f"{words} 2>/dev/null; echo $?")
    run = subprocess.run(
        ("sh",),
        input="\n".join(lines),
        stdout=subprocess.PIPE,
        timeout=SECONDS,
        check=False,
        text=True,
    )
    return [status == "0" for status in run.stdout.split()]


def _files(asked: list[Asked], end: str) -> dict[str, bytes]:
    """Return the files of the disk: each image once, and g.cfg, a script that loads them."""
    names = {image: f"{number:03}" for number, image in enumerate({a.image: 0 for a in asked})}
    lines = []
    for number, (command, image) in enumerate(asked):
        lines.append(f"echo == n{number}\nif {command} /{names[image]}")
        lines.append("then echo taken\nelse echo refused\nfi")
    script = "\n".join([*lines, end, ""]).encode()
    return {**{name: image for image, name in names.items()}, "g.cfg": script}


def _core(
    mkimage: str, modules: Path, folder: Path, early: str, prefix: str, more: Iterable[str]
) -> Path:
    (folder / "early.cfg").write_text(early)
    made = ("-d", str(modules), "-O", modules.name, "-p", prefix)
    out = folder / "core.img"
    words = (mkimage, *made, "-c", str(folder / "early.cfg"), "-o", str(out), *more)
    subprocess.run(words, check=True)
    return out


def _answers(console: str) -> list[Answer]:
    found = {int(n): Answer(end == "taken", words) for n, words, end in _ANSWER.findall(console)}
    return [found[n] for n in range(len(found)) if n in found]
