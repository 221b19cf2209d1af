# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The contents of the head object, section by section, as a function of its settings.

Linux v4.17 (arch/x86/xen/xen-head.S) has the entry `startup_xen`, the hypercall
page, and the notes that announce both to Xen; later kernels have direct
hypercalls in place of the page, and the entry of a PVH guest.  emit.py writes
the sections as an object, gas.py as a source file for GNU as.
"""

from __future__ import annotations

from .. import abi
from ..elf import spec
from ..elf.assembler import Instruction
from .config import HeadConfig
from .default_notes import note_section
from .head_names import distinct
from .hypercalls import hypercall_section
from .items import TEXT, Code, HeadSection, Label, UnwindHint
from .pv_entry import startup_xen
from .pvh_entry import pvh_start_xen


def head(config: HeadConfig) -> list[HeadSection]:
    """Return the sections of the head object, in the order of Linux's source.

    Raises XenToolError if a symbol is defined twice, or here and expected of the kernel.
    """
    entries = []
    if config.makes_entry:
        entries.append(startup_xen(config))
    if config.makes_pvh_entry:
        entries.append(pvh_start_xen(config))
    sections = list(entries)
    sections.append(hypercall_section(config))
    if config.stack_validation:
        sections.append(_unwind_hints(config, entries))
    sections.append(note_section(config))
    _check_symbols(sections)
    return [section for section in sections if section.items]


def _check_symbols(sections: list[HeadSection]) -> None:
    """Check the symbols that the sections define and refer to, as distinct() does."""
    items = [item for section in sections for item in section.items]
    code = [each for item in items if isinstance(item, Code) for each in item.instructions]
    distinct(
        defined=(item.name for item in items if isinstance(item, Label)),
        referred=(each.symbol or "" for each in code if isinstance(each, Instruction)),
    )


def _unwind_hints(config: HeadConfig, entries: list[HeadSection]) -> HeadSection:
    """Return hints for objtool: at the entries and in each slot, no stack can be unwound."""
    hints = [UnwindHint(entry.name, 0) for entry in entries]
    if config.makes_page:
        slots = range(0, abi.PAGE_SIZE, abi.HYPERCALL_SLOT_SIZE)
        hints += [UnwindHint(TEXT, offset) for offset in slots]
    return HeadSection(".discard.unwind_hints", spec.SHT_PROGBITS, 0, 1, tuple(hints))
