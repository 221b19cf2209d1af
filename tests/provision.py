# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Install the system programs that the tests need, on Debian, Ubuntu and similar systems.

``provide`` installs what is missing with apt-get if root runs it.  For another user it is unpacked
beside what a boot needs (xen_tool.debian.packages); Python's modules there are found with
python_environment().
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from xen_tool.debian.apt import Say, run_program
from xen_tool.debian.hypervisor import PACKAGES_ROOT_VARIABLE, default_roots
from xen_tool.debian.packages import BOOT, fetched, library_path, offered
from xen_tool.errors import XenToolError


class Need(NamedTuple):
    """A package, and how to know that it is installed.

    package: its name, with {xen} for the version of Xen, such as 4.17.
    programs: names that must be found in PATH.
    files: patterns below / or $XEN_TOOL_PACKAGES_ROOT that must match.
    modules: names that this Python must be able to import, given python_environment().
    """

    package: str
    programs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    @property
    def wanted(self) -> str:
        """Return the part of the package that must exist, for a message."""
        return ", ".join((*self.programs, *self.files, *self.modules))


NEEDS = (
    Need(BOOT[0], programs=("qemu-system-x86_64",)),
    Need(BOOT[1], files=("boot/xen-*-amd64.gz", "boot/xen-*-amd64.efi")),
    Need(
        "xen-utils-{xen}",
        files=("usr/lib/*/libxenguest.so.*", "usr/lib/xen-*/bin/readnotes"),
    ),
    Need("grub-common", programs=("grub-mkimage", "grub-file")),
    Need("grub-pc-bin", files=("usr/lib/grub/i386-pc/lnxboot.img",)),
    Need(
        "grub-xen-bin",
        files=("usr/lib/grub/x86_64-xen/linux.mod", "usr/lib/grub/i386-xen_pvh/linux.mod"),
    ),
    Need("ovmf", files=("usr/share/ovmf/OVMF.fd",)),
    Need("tmux", programs=("tmux",)),
    Need("ninja-build", programs=("ninja",)),
    Need("strace", programs=("strace",)),
    Need("gdb", programs=("gdb",)),
    Need("binutils", programs=("as", "ld", "readelf")),
    Need("cpio", programs=("cpio",)),
    *(Need(name, programs=(name,)) for name in ("gcc", "g++", "clang", "make")),
    Need("lld", programs=("ld.lld",)),
    Need("bubblewrap", programs=("bwrap",)),
    Need("distcc", programs=("distcc", "distccd")),
    Need("rustc", programs=("rustc",)),
    Need("libc6-dev", files=("usr/include/stdio.h",)),
    *(Need(name, programs=(name,)) for name in ("bzip2", "lzop", "lz4", "zstd", "zsh", "fish")),
    Need("xz-utils", programs=("xz",)),
    Need("libxen-dev", files=("usr/include/xenguest.h", "usr/lib/*/libxenguest.so")),
    Need("xvfb", programs=("Xvfb",)),
    Need("xdotool", programs=("xdotool",)),
    Need("chromium-headless-shell", programs=("chromium-headless-shell",)),
    # C kconfig, of the release that config/ is compared with.
    Need("linux-kbuild-6.1", files=("usr/lib/linux-kbuild-6.1/scripts/kconfig/conf",)),
    # A Python that was built without Tk has the package tkinter, but not _tkinter.
    Need("python3-tk", modules=("_tkinter",)),
)


def missing() -> list[Need]:
    """Return the needs that are not met in this process's environment."""
    return [need for need in NEEDS if not _met(need)]


def provide(say: Say) -> dict[str, str]:
    """Install or unpack what is missing; return the environment variables that find it.

    What the archive does not have stays missing.  say() gets a line before each slow step.

    Raises XenToolError if there is no apt-get, or if it fails.
    """
    # Debian's modules are for Debian's Python, not for one that the user built.
    needs = [need for need in missing() if not need.modules or sys.base_prefix == "/usr"]
    if not needs:
        return {}
    if shutil.which("apt-get") and os.geteuid() == 0:
        _install(needs, say)
        return {}
    folder = fetched([need.package for need in needs], say, _finish)
    path = os.environ.get("PATH", os.defpath)
    return {
        "PATH": f"{path}{os.pathsep}{folder / 'bin'}",
        PACKAGES_ROOT_VARIABLE: str(folder / "sysroot"),
    }


def python_environment() -> dict[str, str]:
    """Return the environment variables with which this Python imports unpacked modules."""
    if not (unpacked := os.environ.get(PACKAGES_ROOT_VARIABLE)):
        return {}
    root = Path(unpacked)
    data = {"TCL_LIBRARY": "usr/share/tcltk/tcl8.*", "TK_LIBRARY": "usr/share/tcltk/tk8.*"}
    found = {name: path for name, pattern in data.items() for path in root.glob(pattern)}
    variables = {name: str(path) for name, path in found.items()}
    if folders := [folder for folder in _module_folders(root) if folder.is_dir()]:
        # Files that the cache has are not changed.
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
        variables["PYTHONPATH"] = os.pathsep.join(str(folder) for folder in folders)
        variables["LD_LIBRARY_PATH"] = library_path(root)
        # Tk does not start without a font.
        variables["FONTCONFIG_FILE"] = str(root / "etc/fonts/fonts.conf")
    return variables


def _module_folders(root: Path) -> list[Path]:
    library = root / "usr/lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return [library, library / "lib-dynload"]


def _met(need: Need) -> bool:
    return (
        all(shutil.which(name) for name in need.programs)
        and all(any(any(root.glob(pattern)) for root in default_roots()) for pattern in need.files)
        and all(_importable(name) for name in need.modules)
    )


def _importable(module: str) -> bool:
    if importlib.util.find_spec(module):
        return True
    unpacked = default_roots()[1:]
    folders = [folder for root in unpacked for folder in _module_folders(root)]
    return any(any(folder.glob(f"{module}.*")) for folder in folders)


def _install(needs: Sequence[Need], say: Say) -> None:
    def install(packages: Sequence[str]) -> None:
        say(f"installing with apt-get: {' '.join(packages)}")
        run_program(
            *("apt-get", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"),
            *("install", "--yes", "--no-install-recommends", *packages),
        )

    packages = offered([need.package for need in needs], _system_names())
    if len(packages) == len(needs):
        # Fails if the lists are so old that the archive has other versions by now.
        with contextlib.suppress(XenToolError):
            install(packages)
            return
    say("updating the package lists with apt-get")
    run_program("apt-get", "update")
    if packages := offered([need.package for need in needs], _system_names()):
        install(packages)


def _system_names() -> set[str]:
    return set(run_program("apt-cache", "pkgnames").split())


def _finish(new: Path, folder: Path) -> None:
    """Make files in new that name paths below / name folder, as which new will be renamed."""
    for server in new.glob("sysroot/usr/bin/Xvfb"):
        # Xvfb runs /usr/bin/xkbcomp, whatever PATH says; of a name without a folder it uses PATH.
        server.write_bytes(server.read_bytes().replace(b"\0/usr/bin\0", b"\0\0usr/bin\0"))
        _add_option(new / "bin/Xvfb", "-xkbdir", folder / "sysroot/usr/share/X11/xkb")
    if (debugger := new / "bin/gdb").exists():
        _add_option(debugger, "--data-directory", folder / "sysroot/usr/share/gdb")
    for fonts in new.glob("sysroot/etc/fonts/fonts.conf"):
        text = fonts.read_text()
        there = folder / "sysroot/usr/share/fonts"
        fonts.write_text(text.replace("<dir>/usr/share/fonts</dir>", f"<dir>{there}</dir>"))


def _add_option(starter: Path, option: str, folder: Path) -> None:
    """Have the script that starts a program pass it an option that names the folder of its data."""
    starter.write_text(starter.read_text().replace('"$@"', f'{option} {folder} "$@"'))
