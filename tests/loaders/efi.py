# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run Xen's EFI binary itself, started by firmware (Debian's OVMF) under QEMU.

The disk is a folder, of which QEMU makes a file system.  The firmware starts EFI/BOOT/BOOTX64.EFI
if that is valid, else the EFI shell, which starts the other images one after the other: an image
without a kernel ends, and the last image starts a guest.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from xen_tool.boot.qemu import COUNTING
from xen_tool.image.data import Data
from xen_tool.image.pe import pe_of
from xen_tool.loaders.model.xen_efi import free_address

SECONDS = 120
_XEN_OPTIONS = "console=com1 com1=115200,8n1"


def config(kernel: str = "") -> str:
    """Return a configuration file of Xen's EFI binary."""
    return f"[global]\ndefault=a\n[a]\noptions={_XEN_OPTIONS}\n{kernel}\n"


def unified(
    xen: Path, sections: Mapping[str, bytes], folder: Path, *, shift: Mapping[str, int] | None
) -> bytes:
    """Return xen.efi with sections that objcopy adds, each behind the others.

    shift: bytes by which a section is put higher; None: objcopy chooses the addresses.
    """
    made = folder / "made.efi"
    made.write_bytes(xen.read_bytes())
    for name, content in sections.items():
        (folder / "content").write_bytes(content)
        words = ["objcopy", "--add-section", f"{name}={folder / 'content'}"]
        if shift is not None or name != ".kernel":
            found = pe_of(Data.of_bytes(made.read_bytes()))
            assert found is not None
            address = free_address(found, name.encode()) + (shift or {}).get(name, 0)
            words += ["--change-section-vma", f"{name}={address:#x}"]
        subprocess.run([*words, str(made)], check=True, capture_output=True)
    return made.read_bytes()


class Boot:
    """A machine whose firmware starts images."""

    def __init__(self, qemu: str, firmware: Path, folder: Path, first: bytes, *then: bytes) -> None:
        disk = folder / "disk"
        (disk / "EFI/BOOT").mkdir(parents=True)
        (disk / "EFI/BOOT/BOOTX64.EFI").write_bytes(first)
        for number, image in enumerate(then):
            (disk / f"{number}.efi").write_bytes(image)
        lines = (f"echo == {number}\r\n{number}.efi\r\n" for number in range(len(then)))
        (disk / "startup.nsh").write_text("".join(lines))
        command = (
            *(qemu, "-nodefaults", "-display", "none", "-vga", "none", "-no-reboot", "-m", "256"),
            *("-icount", COUNTING, "-serial", "stdio", "-bios", str(firmware)),
            *("-drive", f"format=raw,file=fat:rw:{disk}"),
            *("-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
        )
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(folder)},
        )

    def says(self) -> list[str]:
        """Wait for the machine's end; return what it printed for each image, in order."""
        try:
            out, _ = self._process.communicate(timeout=SECONDS)
        finally:
            self._process.kill()
        return out.decode("ascii", "replace").replace("\r", "").split("\n== ")
