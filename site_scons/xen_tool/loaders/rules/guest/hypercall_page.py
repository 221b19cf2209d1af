# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules X1, X2, X4 and XSA-466: the hypercall page.

Xen writes the page that the note HYPERCALL_PAGE names, and does not check what is there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice

from ....abi import HYPERCALL_SLOT_SIZE, PAGE_SIZE, XenElfNote
from ....image.symbols import Symbols
from ...model import where
from ...model.candidate import Candidate
from ...model.libelf.parms import UNSET_ADDR, UNSET_ADDR32
from ...names import PV, PV_DOM0, PV_DOMU
from .. import common
from ..rule import Effect, Fields, Rule

_PIECES = 16
"""The number of segments to search for bytes of the page; further segments overlap others."""

_GNU_PROPERTY = b"GNU\0"
_NT_GNU_PROPERTY_TYPE_0 = 5
_GNU_PROPERTY_X86_FEATURE_1_AND = 0xC0000002
_GNU_PROPERTY_X86_FEATURE_1_IBT = 1

_MITIGATIONS = {
    ".return_sites": "return thunks",
    ".ibt_endbr_seal": "IBT",
    ".cfi_sites": "FineIBT",
}
"""The mitigation that Linux was built with, by the name of a section that it adds."""


def _page_of_pv_only(candidate: Candidate) -> Fields | None:
    """A PV-only kernel has the symbol hypercall_page, but not the note HYPERCALL_PAGE."""
    return _not_announced(candidate) if candidate.parms.phys_entry == UNSET_ADDR32 else None


def _page_of_both(candidate: Candidate) -> Fields | None:
    """A kernel for PV and PVH has the symbol hypercall_page, but not the note HYPERCALL_PAGE."""
    return _not_announced(candidate) if candidate.parms.phys_entry != UNSET_ADDR32 else None


def _not_announced(candidate: Candidate) -> Fields | None:
    if candidate.parms.virt_hypercall != UNSET_ADDR:
        return None
    if not Symbols(candidate.elf).defines("hypercall_page"):
        return None
    return {"where": "the symbol hypercall_page; no note HYPERCALL_PAGE"}


def _unaligned(candidate: Candidate) -> Fields | None:
    """HYPERCALL_PAGE is not page aligned."""
    page = candidate.parms.virt_hypercall
    if page == UNSET_ADDR or page % PAGE_SIZE == 0:
        return None
    return {"where": where.of_type(candidate, XenElfNote.HYPERCALL_PAGE)}


def _shared_page(candidate: Candidate) -> Fields | None:
    """The hypercall page contains the entry point, or bytes whose 32-byte slots differ."""
    page = candidate.parms.virt_hypercall
    if page == UNSET_ADDR or page % PAGE_SIZE:
        return None
    entry = candidate.addresses.virt_entry
    if page <= entry < page + PAGE_SIZE:
        return {"what": f"the entry {entry:#x}", "where": _hypercall_page(candidate)}
    for offset, content in islice(_file_bytes(candidate, page), _PIECES):
        slots = range(0, len(content) - HYPERCALL_SLOT_SIZE + 1, HYPERCALL_SLOT_SIZE)
        if len({content[at : at + HYPERCALL_SLOT_SIZE] for at in slots}) > 1:
            what = f"something else {where.at(candidate, offset)}"
            return {"what": what, "where": _hypercall_page(candidate)}
    return None


def _file_bytes(candidate: Candidate, page: int) -> Iterator[tuple[int, bytes]]:
    """Yield file offset and content of the bytes that segments load into a page, from a slot on."""
    for segment in candidate.elf.loadable:
        skipped = page - candidate.address(segment)
        begin = skipped if skipped >= 0 else skipped % HYPERCALL_SLOT_SIZE
        end = min(segment.p_filesz, skipped + PAGE_SIZE)
        if begin < end:
            offset = segment.p_offset + begin
            yield offset, candidate.data.read(offset, end - begin)


def _hypercall_page(candidate: Candidate) -> str:
    return where.of_type(candidate, XenElfNote.HYPERCALL_PAGE)


def _page_and_mitigations(candidate: Candidate) -> Fields | None:
    """A kernel built with return thunks, IBT or FineIBT has the note HYPERCALL_PAGE."""
    if candidate.parms.virt_hypercall == UNSET_ADDR:
        return None
    found = [_MITIGATIONS[name] for name in candidate.elf.named_sections(_MITIGATIONS)]
    if not found and _has_ibt(candidate):
        found = ["IBT"]
    if not found and Symbols(candidate.elf).defines("__x86_return_thunk"):
        found = ["return thunks"]
    if not found:
        return None
    return {"what": " and ".join(found), "where": _hypercall_page(candidate)}


def _has_ibt(candidate: Candidate) -> bool:
    """Whether the linker wrote the property IBT: every object was built with -fcf-protection."""
    section = candidate.elf.section(".note.gnu.property")
    if section is None:
        return False
    note = candidate.data.read(section.sh_offset, 16)
    if note[8:] != struct.pack("<I", _NT_GNU_PROPERTY_TYPE_0) + _GNU_PROPERTY:
        return False
    properties = candidate.data.read(section.sh_offset + 16, min(section.sh_size, PAGE_SIZE))
    position = 0
    while position + 12 <= len(properties):
        kind, size, bits = struct.unpack_from("<III", properties, position)
        if kind == _GNU_PROPERTY_X86_FEATURE_1_AND:
            return bool(bits & _GNU_PROPERTY_X86_FEATURE_1_IBT)
        position += 8 + (size + 7) // 8 * 8
    return False


_ANNOUNCE = (
    "add the note HYPERCALL_PAGE with the address of hypercall_page, or drop the page and "
    "make hypercalls with stubs of the kernel's own"
)

_ALIGN = "align the hypercall page: .balign 4096"
_INIT_HYPERCALL_PAGE = "xen/arch/x86/domain.c, init_hypercall_page"

RULES = (
    Rule(
        "X1",
        PV,
        _page_of_pv_only,
        "the kernel has a hypercall page, but Xen is not told of it, and does not fill it",
        _ANNOUNCE,
        Effect.ERROR,
        source=common.NOT_CHECKED,
    ),
    Rule(
        "X1",
        PV,
        _page_of_both,
        "the kernel has a hypercall page, which Xen does not fill by itself",
        _ANNOUNCE + ", unless only the PVH entry uses it",
        Effect.WARNING,
        source=common.NOT_CHECKED,
    ),
    Rule(
        "X2",
        (PV_DOM0,),
        _unaligned,
        "Xen writes from there on, over what follows the page",
        _ALIGN,
        Effect.ERROR,
        source=_INIT_HYPERCALL_PAGE,
        live=True,
    ),
    Rule(
        "X2",
        (PV_DOMU,),
        _unaligned,
        "Xen writes to the page in which it begins, and every slot moves",
        _ALIGN,
        Effect.ERROR,
        source=_INIT_HYPERCALL_PAGE,
        live=True,
    ),
    Rule(
        "X4",
        PV,
        _shared_page,
        "Xen writes over {what}, which is in the hypercall page",
        "keep the hypercall page for itself: .balign 4096 before it, .skip 4096 as its contents",
        Effect.ERROR,
        source=_INIT_HYPERCALL_PAGE,
    ),
    Rule(
        "XSA-466",
        PV,
        _page_and_mitigations,
        "Xen's code in the hypercall page has plain returns and no ENDBR: {what} are undone",
        "omit HYPERCALL_PAGE and make hypercalls with stubs of the kernel's own (XSA-466)",
        Effect.WARNING,
        source="Xen Security Advisory 466",
    ),
)
