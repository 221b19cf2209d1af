# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write a kernel of five files to start from (xen-tool new), which builds, passes checks and boots.

templates/ has the files that all kernels share, and a main.c for each kind of kernel.  @WORD@
in a template is replaced.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from ..errors import XenToolError
from ..files import shown, write_if_changed

_TEMPLATES = os.path.join(os.path.dirname(__file__), "templates")
_FILES = ("SConstruct", "Kconfig", "kernel.lds", "README.md")
_INCLUDE = "include"
"""The folder below the build directory that has the header of all symbols."""


class KernelKind(NamedTuple):
    """The differences between kinds of kernels: PV or PVH, of 32 or 64 bits."""

    main: str
    """The file name of the template for main.c."""
    what: str
    """The kind in words, such as "a 64-bit PV kernel"."""
    arch: str
    """The value of ARCH."""
    guest: str
    """The Kconfig symbol of the guest's kind."""
    base: str
    """The virtual address of the physical address 0, by which the linker script computes others."""
    entry: str
    """The ELF entry, as an expression of the linker script."""
    head: str
    """Further arguments of dict() for XenKernel's head_object."""
    kconfig: str
    """Further lines of Kconfig."""
    mode: str
    """The default mode of `scons boot`."""


_BASE_64 = "0xffffffff80000000"
_OURS = 'entry="_start", start="kernel_main"'
_STACK = ', stack="boot_stack", stack_size=0x4000'
_PAGE_OFFSET = """
# Where a 32-bit kernel's addresses begin.
config PAGE_OFFSET
	hex
	default 0xC0000000
"""
_NO_PAGE = """
# A PVH kernel has no use for the page.
config XEN_HYPERCALL_PAGE
	def_bool n
"""
KINDS = {
    (False, 64): KernelKind(
        main="pv64.c",
        what="a 64-bit PV kernel",
        arch="x86_64",
        guest="XEN_PV",
        base=_BASE_64,
        entry="_start",
        head=f'{_OURS}{_STACK}, gs_base=""',
        kconfig="",
        mode="pv",
    ),
    (True, 64): KernelKind(
        main="pvh64.c",
        what="a 64-bit PVH kernel",
        arch="x86_64",
        guest="XEN_PVH",
        base=_BASE_64,
        # A physical address, so that a PV loader does not use it as its entry.
        entry=f"_start - {_BASE_64}",
        head=f'pvh_entry="_start", pvh_start="kernel_main"{_STACK}, gs_base=""',
        kconfig=_NO_PAGE,
        mode="pvh",
    ),
    (False, 32): KernelKind(
        main="pv32.c",
        what="a 32-bit PV kernel",
        arch="i386",
        guest="XEN_PV",
        base="0xc0000000",
        entry="_start",
        head=f"{_OURS}{_STACK}",
        kconfig=_PAGE_OFFSET,
        mode="pv32-shim",
    ),
    (True, 32): KernelKind(
        main="pvh32.c",
        what="a 32-bit PVH kernel",
        arch="i386",
        guest="XEN_PVH",
        base="0",
        entry="_start",
        head="",
        kconfig=_NO_PAGE,
        mode="pvh",
    ),
}
"""Kinds by (is PVH, bits)."""


def create(folder: str, *, pvh: bool, bits: int) -> list[str]:
    """Write the files of a kernel into a folder, which is created if it is missing.

    Return their paths, for people.
    Raises XenToolError if one of the files exists or cannot be written, or if the kernel cannot
    get the folder's name.
    """
    kind = KINDS[pvh, bits]
    name = re.sub(r"[^a-z0-9]+", "-", os.path.basename(os.path.abspath(folder)).lower()).strip("-")
    if not name:
        raise XenToolError(
            f"{shown(folder)}: the kernel gets the folder's name, which must have letters (a to z) "
            "or digits"
        )
    if name == _INCLUDE:
        raise XenToolError(f"{shown(folder)}: the build has a folder {name}: name another folder")
    texts = {file: _text(file) for file in _FILES} | {"main.c": _text(kind.main)}
    for file in texts:
        path = os.path.join(folder, file)
        if os.path.lexists(path):
            raise XenToolError(f"{shown(path)} is there already: name a new folder")
    notes = '"GUEST_OS": "@NAME@", "GUEST_VERSION": "0.1"'
    if kind.main == "pvh32.c":
        # The entry is in main.c, and virtual addresses are physical ones.
        notes += ', "PHYS32_ENTRY": "_start", "VIRT_BASE": None, "PADDR_OFFSET": None'
    words = {
        "NOTES": notes,
        "WHAT": kind.what,
        "ARCH": kind.arch,
        "GUEST": kind.guest,
        "BASE": kind.base,
        "ENTRY": kind.entry,
        "HEAD": f", {kind.head}" if kind.head else "",
        "KCONFIG": kind.kconfig,
        "MODE": kind.mode,
        "NAME": name,
    }
    for file, text in texts.items():
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        write_if_changed(os.path.join(folder, file), text)
    return [shown(os.path.join(folder, file)) for file in texts]


def _text(name: str) -> str:
    """Return the text of a template."""
    with open(os.path.join(_TEMPLATES, name), encoding="utf-8") as file:
        return file.read()
