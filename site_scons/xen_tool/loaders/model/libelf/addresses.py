# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compute where libelf puts a kernel, as elf_parse_binary and elf_xen_addr_calc_check do.

The checks of the second function are in rules/libelf/checks.py.  The input is p_paddr and p_memsz
of the segments, and the notes; p_vaddr is never read.  Addresses are 64 bits wide and wrap.
"""

from __future__ import annotations

from ....elf import spec
from ....image.elf import ADDRESS_MASK, Elf
from ....light import NamedTuple
from .parms import UNSET_ADDR, UNSET_ADDR32, Parms

_BSDSYM_SECTIONS = 3


class Addresses(NamedTuple):
    """Addresses by their names in struct elf_binary and struct elf_dom_parms."""

    pstart: int
    pend: int
    palign: int
    """The largest p_align."""
    virt_base: int
    elf_paddr_offset: int
    virt_offset: int
    """The difference between the address at which the kernel runs and p_paddr."""
    virt_kstart: int
    virt_kend: int
    virt_entry: int


def addresses(elf: Elf, parms: Parms, *, hvm: bool) -> Addresses:
    """Return the addresses of a kernel; hvm: as elf_xen_parse has it, whether the domain is PVH."""
    loadable = elf.loadable
    pstart = min((segment.p_paddr for segment in loadable), default=ADDRESS_MASK)
    pend = max(
        (segment.p_paddr + segment.p_memsz & ADDRESS_MASK for segment in loadable), default=0
    )
    virt_base = 0 if hvm or parms.virt_base == UNSET_ADDR else parms.virt_base
    paddr_offset = parms.elf_paddr_offset
    if hvm or paddr_offset == UNSET_ADDR:
        # libelf assumes that p_paddr is p_vaddr in kernels with __xen_guest instead of notes.
        paddr_offset = 0 if hvm or parms.regions else virt_base
    virt_offset = virt_base - paddr_offset & ADDRESS_MASK
    entry = parms.virt_entry
    if hvm or entry == UNSET_ADDR:
        entry = parms.phys_entry if hvm and parms.phys_entry != UNSET_ADDR32 else elf.e_entry
    end = pend
    if parms.bsd_symtab:
        end = _bsd_symtab_end(elf, pend) or pend
    return Addresses(
        pstart=pstart,
        pend=pend,
        palign=max((segment.p_align for segment in loadable), default=0),
        virt_base=virt_base,
        elf_paddr_offset=paddr_offset,
        virt_offset=virt_offset,
        virt_kstart=pstart + virt_offset & ADDRESS_MASK,
        virt_kend=end + virt_offset & ADDRESS_MASK,
        virt_entry=entry,
    )


def has_symtab(elf: Elf) -> bool:
    """Whether elf_init finds the symbols that BSD_SYMTAB requests."""
    return _symtab(elf) is not None


def _symtab(elf: Elf) -> tuple[int, int] | None:
    """Return sh_size and sh_link of the section that elf_init uses as the symbol table."""
    for section in elf.sections:
        if section.number and section.sh_type == spec.SHT_SYMTAB:
            if section.sh_link in range(1, elf.shdr_count):
                return section.sh_size, section.sh_link
            return None
    return None


def _bsd_symtab_end(elf: Elf, pend: int) -> int:
    """Return the end of the symbols behind the kernel, as elf_parse_bsdsyms does; 0: none."""
    symtab = _symtab(elf)
    if symtab is None:
        return 0
    size, link = symtab
    strtab = next((section for section in elf.sections if section.number == link), None)
    if strtab is None or strtab.sh_type != spec.SHT_STRTAB:
        return 0

    def round_up(value: int) -> int:
        unit = elf.bits // 8
        return (value + unit - 1 & ADDRESS_MASK) // unit * unit

    total = round_up(4 + 4 + spec.EHDR_SIZE[64] + _BSDSYM_SECTIONS * spec.SHDR_SIZE[elf.bits])
    total = round_up(round_up(total + size) + strtab.sh_size)
    return round_up(pend) + total & ADDRESS_MASK
