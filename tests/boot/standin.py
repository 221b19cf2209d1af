# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A stand-in for QEMU, whose output and exit a test sets, and stand-ins for Xen and dom0."""

from __future__ import annotations

import gzip
import os
import select
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from xen_tool.boot.boot import boot
from xen_tool.boot.result.outcome import Outcome

ELF = b"\x7fELF stands in for an image."
XEN = ELF + struct.pack("<3I", 0x1BADB002, 0, -0x1BADB002 & 0xFFFFFFFF)


class Machine:
    """A folder with an image, a hypervisor and a program that takes QEMU's place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.image = folder / "vmlinux"
        self.image.write_bytes(ELF)
        self.xen = folder / "xen-4.17-amd64.gz"
        self.xen.write_bytes(gzip.compress(XEN))
        self.qemu = folder / "qemu"
        self.pid = folder / "pid"
        self.program("")

    def program(self, body: str) -> None:
        """Set what the stand-in runs: Python, in which say(text or bytes) prints on the console."""
        script = self.folder / "qemu.py"
        script.write_text(
            "import os, sys, time\n"
            f"open({str(self.pid)!r}, 'w').write(str(os.getpid()))\n"
            "def say(text):\n"
            "    os.write(1, text if isinstance(text, bytes) else text.encode())\n" + body
        )
        self.qemu.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
        self.qemu.chmod(0o755)

    def boot(
        self, body: str, timeout: float = 30.0, echo: Callable[[str], None] | None = None
    ) -> Outcome:
        self.program(body)
        xen = str(self.xen)
        return boot(self.image, timeout=timeout, qemu=str(self.qemu), xen=xen, echo=echo)

    def end(self) -> select.poll:
        """Return an object whose poll() finds that the process of the stand-in has ended."""
        found = select.poll()
        found.register(os.pidfd_open(int(self.pid.read_text())), select.POLLIN)
        return found

    def is_running(self) -> bool:
        try:
            os.kill(int(self.pid.read_text()), 0)
        except ProcessLookupError:
            return False
        return True
