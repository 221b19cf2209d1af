# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rule U10: the table by which libxenguest identifies a raw image, before it looks for an ELF file.

Source: tools/libs/guest/xg_dom_binloader.c of Xen.  The table is in the first 8 KiB of the file:
three 32-bit words whose sum is 0 (magic, flags, checksum), and four addresses.
"""

from __future__ import annotations

from ....abi import PAGE_SIZE
from ....image.elf import MASK_32
from ...model import multiboot
from ...model.candidate import Candidate
from ...names import DOMU
from ..rule import Effect, Fields, Rule
from .building import (
    OTHER_GUEST_TYPE,
    UNALIGNED,
    XC_DOM_ALLOC_PAD,
    XC_DOM_COMPAT_CHECK,
)

_MAGIC = 0x336EC578
_FLAGS = 0x00010000
"""The flags that must be set: the table has addresses."""
_FLAGS_FREE = 0x0000C001
"""The flags that may have any value."""
_PAE_SHIFT = 14
PAE_64 = 2
"""The value of pae_mode() of a 64-bit kernel."""
_SEARCH = 8192
_TABLE_SIZE = 32


def find_table(candidate: Candidate) -> tuple[int, int] | None:
    """Return the file offset and the flags of the table, or None, as find_table does."""
    file = candidate.image.found.file
    end = _SEARCH if file.size > _SEARCH + _TABLE_SIZE else file.size - _TABLE_SIZE
    return multiboot.find(file, _MAGIC, end) if end > 0 else None


def pae_mode(flags: int) -> int:
    """Return the bits of the flags for the width of a kernel: PAE_64, or other values if 32-bit."""
    return flags >> _PAE_SHIFT & 3


def entry_of(candidate: Candidate, offset: int) -> int:
    """Return the virtual address of the entry by the table at an offset."""
    return multiboot.entry_addr(candidate.image.found.file, offset)


def _at(candidate: Candidate, offset: int) -> str:
    unzipped = "unzipped " * (candidate.image.found.file is not candidate.kernel.file)
    return f"at offset {offset:#x} of the {unzipped}file"


def _other_flags(candidate: Candidate) -> Fields | None:
    """The file has a table of magic 0x336ec578 with other flags than 0x10000."""
    table = find_table(candidate)
    if table is None:
        return None
    offset, flags = table
    flags &= ~_FLAGS_FREE
    if flags == _FLAGS:
        return None
    return {
        "required": _FLAGS,
        "flags": flags,
        "where": f"the table of magic {_MAGIC:#x} {_at(candidate, offset)}",
    }


def _other_guest_type(candidate: Candidate) -> Fields | None:
    """The flags of the table mean a 32-bit guest, and Xen has no CONFIG_PV32."""
    table = find_table(candidate)
    if table is None:
        return None
    offset, flags = table
    pae = pae_mode(flags)
    if pae == PAE_64 or (pae and candidate.xen.pv32):
        return None
    guest_type = "xen-3.0-x86_32" + "p" * (pae == 1)
    place = _at(candidate, offset)
    return {
        "guest_type": guest_type,
        "where": f"flags = {flags:#x} in the table of magic {_MAGIC:#x} {place}",
    }


def _other_addresses(candidate: Candidate) -> Fields | None:
    """The addresses of the table contradict each other, or exceed the file."""
    field = _wrong_address(candidate)
    return None if field is None else {**_where(candidate), "field": field}


def _wrong_address(candidate: Candidate) -> str | None:
    """Return the field that xc_dom_parse_bin_kernel refuses; None: it accepts all."""
    table = find_table(candidate)
    if table is None:
        return None
    offset = table[0]
    header, load, load_end, bss_end = _addresses(candidate, offset)
    if header < load or offset < header - load:
        return "header_addr"
    start = header - offset & MASK_32
    end = start + candidate.image.found.file.size
    load_end = load_end or end & MASK_32
    if end < load_end:
        return "load_end_addr"
    return "bss_end_addr" if bss_end and bss_end < load_end else None


def _addresses(candidate: Candidate, offset: int) -> list[int]:
    file = candidate.image.found.file
    return [file.unsigned(offset + 12 + 4 * i, 4) or 0 for i in range(4)]


def _unaligned(candidate: Candidate) -> Fields | None:
    """The load address of the table is not page aligned."""
    table = find_table(candidate)
    if table is None:
        return None
    load = _addresses(candidate, table[0])[1]
    return {**_where(candidate), "start": load} if load % PAGE_SIZE else None


def _taken_as_binary(candidate: Candidate) -> Fields | None:
    """The file has a valid table of magic 0x336ec578."""
    return _where(candidate) if find_table(candidate) else None


def _where(candidate: Candidate) -> Fields:
    table = find_table(candidate)
    assert table is not None
    return {"where": f"the table of magic {_MAGIC:#x} {_at(candidate, table[0])}"}


_NO_TABLE = (
    "keep the word 0x336ec578, with a checksum, out of the file's first 8 KiB: libxenguest "
    "takes it for the header of another format"
)

_XC_DOM_PARSE_BIN_KERNEL = "tools/libs/guest/xg_dom_binloader.c, xc_dom_parse_bin_kernel"

RULES = (
    Rule(
        "U10",
        DOMU,
        _other_flags,
        "xc_dom_parse_bin_kernel: xen_bin_image_table flags required 0x{required:08x} "
        "found 0x{flags:08x}: Invalid kernel",
        _NO_TABLE,
        source=_XC_DOM_PARSE_BIN_KERNEL,
        live=True,
    ),
    Rule(
        "U10",
        DOMU,
        _other_addresses,
        "xc_dom_parse_bin_kernel: Invalid {field}.: Invalid kernel",
        _NO_TABLE,
        source=_XC_DOM_PARSE_BIN_KERNEL,
        live=True,
    ),
    Rule(
        "U10",
        DOMU,
        _other_guest_type,
        OTHER_GUEST_TYPE,
        _NO_TABLE,
        source=XC_DOM_COMPAT_CHECK,
        live=True,
    ),
    Rule(
        "U10",
        DOMU,
        _unaligned,
        UNALIGNED,
        _NO_TABLE,
        source=XC_DOM_ALLOC_PAD,
        live=True,
    ),
    Rule(
        "U10",
        DOMU,
        _taken_as_binary,
        "the file is loaded as a raw image, by the table that libxenguest found in it",
        _NO_TABLE,
        Effect.ERROR,
        last=True,
        source="tools/libs/guest/xg_dom_binloader.c, xc_dom_probe_bin_kernel",
        live=True,
    ),
)
"""The rules of the loader of raw images, which libxenguest tries first."""
