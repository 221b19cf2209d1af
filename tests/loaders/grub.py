# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Asks GRUB itself, under QEMU: one boot, in which its commands load one image after the other.

QEMU's -kernel starts it, as lnxboot.img makes GRUB's core a bzImage; the images are on a disk that
QEMU makes of a folder.  Nothing is booted: a command says whether it takes the image.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

SECONDS = 120
_MODULES = "biosdisk part_msdos fat normal serial terminal echo test iorw multiboot linux"
_EARLY = """set root=(hd0,msdos1)
serial --unit=0
terminal_output serial
normal (hd0,msdos1)/g.cfg
"""
_ANSWER = re.compile(r"== (\w+)\n(?:error: (.*?)\.?\n)?(taken|refused)\n")


class Answer(NamedTuple):
    """Whether GRUB took an image, and its words if it did not."""

    taken: bool
    words: str


def ask(
    asked: Mapping[str, tuple[str, bytes]], qemu: str, mkimage: str, modules: Path, folder: Path
) -> dict[str, Answer]:
    """Return the answers by name; asked has the command and the image of each.

    modules is the folder of GRUB's i386-pc; folder is empty, for files that are made.
    """
    disk = folder / "disk"
    disk.mkdir()
    lines = []
    for number, (command, image) in enumerate(asked.values()):
        (disk / f"{number:03}").write_bytes(image)
        lines.append(f"echo == n{number}\nif {command} /{number:03}")
        lines.append("then echo taken\nelse echo refused\nfi")
    (disk / "g.cfg").write_text("\n".join([*lines, "outb 0xf4 0", ""]))
    (folder / "early.cfg").write_text(_EARLY)
    made = ("-O", "i386-pc", "-p", "(hd0,msdos1)/", "-c", str(folder / "early.cfg"))
    words = (mkimage, "-d", str(modules), *made, "-o", str(folder / "core.img"), *_MODULES.split())
    subprocess.run(words, check=True)
    core = (modules / "lnxboot.img").read_bytes() + (folder / "core.img").read_bytes()
    (folder / "grub").write_bytes(core)
    machine = (qemu, "-nodefaults", "-display", "none", "-no-reboot", "-m", "256")
    drive = f"format=raw,file=fat:rw:{disk}"
    serial = ("-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4")
    run = subprocess.run(
        (*machine, "-kernel", str(folder / "grub"), "-drive", drive, *serial),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    names = list(asked)
    said = run.stdout.decode("ascii", "replace").replace("\r", "")
    return {
        names[int(number[1:])]: Answer(end == "taken", words)
        for number, words, end in _ANSWER.findall(said)
    }
