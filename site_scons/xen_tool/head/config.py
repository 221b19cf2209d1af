# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The settings of a head object: symbols of the configuration, and a kernel's names and notes.

Names and notes come from the arguments of env.XenHead(), from options of `xen-tool head`, or from
Kconfig, where XEN_HEAD_STACK is the field `stack` of HeadNames, XEN_NOTE_GUEST_OS the note
GUEST_OS, and XEN_NOTES has notes of any kind, separated by `;`.  Arguments override Kconfig.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .. import abi
from ..abi import Arch, XenElfNote
from ..elf.note_encoding import Desc, Words
from ..errors import XenToolError
from . import note_texts
from .head_names import MEANINGS, HeadNames

_NAME, _NOTE, _NOTES = "XEN_HEAD_", "XEN_NOTE_", "XEN_NOTES"
SYMBOLS = (
    "XEN",
    "XEN_PV",
    "XEN_PVH",
    "XEN_HYPERCALL_PAGE",
    "SMP",
    "KASAN",
    "STACK_VALIDATION",
    "X86_ALIGNMENT_16",
    "PAGE_OFFSET",
    *(f"{_NAME}{name.upper()}" for name in MEANINGS),
    *(f"{_NOTE}{note.name}" for note in XenElfNote),
    _NOTES,
)
"""Every Kconfig symbol that the head object depends on, besides the architecture."""

_TOP_2_GIB = 0xFFFFFFFF80000000
_PVH_ALIGNMENT = 1 << 30
_YES_OR_NO = ("BSD_SYMTAB", "PAE_MODE")
"""Notes whose Kconfig symbols are bool: y is the text "yes", n is no note."""


@dataclass(frozen=True)
class HeadConfig:
    """The part of a configuration that the head object depends on."""

    arch: Arch
    xen_pv: bool
    smp: bool
    kasan: bool
    stack_validation: bool
    x86_alignment_16: bool
    virt_base: int
    """The virtual address of physical address 0."""
    hypercall_page: bool = True
    xen_pvh: bool = False
    names: HeadNames = HeadNames()  # noqa: RUF009
    notes: note_texts.Changes = field(default_factory=dict)

    @classmethod
    def from_symbols(
        cls, arch: Arch, symbols: Mapping[str, str], given: Mapping[str, str] | None = None
    ) -> HeadConfig | None:
        """Return the settings for Kconfig values ("y", "0xc0000000"); None if XEN is not set.

        A missing symbol is n, except XEN_HYPERCALL_PAGE: Linux v4.17 has the page and no such
        symbol.  given: texts by fields of HeadNames and by names of notes, which override Kconfig.

        Raises XenToolError if PAGE_OFFSET is no number on 32-bit, for a name, size or note
        that no head object can have, and as check() does.
        """

        def enabled(name: str) -> bool:
            return symbols.get(name) == "y"

        if not enabled("XEN"):
            return None
        texts = _merged([*_of_symbols(symbols), *(given or {}).items()])
        of_notes = {name: text for name, text in texts.items() if name not in MEANINGS}
        virt_base = _virt_base(arch, symbols.get("PAGE_OFFSET", ""), of_notes)
        config = cls(
            arch=arch,
            xen_pv=enabled("XEN_PV"),
            smp=enabled("SMP"),
            kasan=enabled("KASAN"),
            stack_validation=enabled("STACK_VALIDATION") and arch.bits == 64,
            x86_alignment_16=enabled("X86_ALIGNMENT_16"),
            virt_base=virt_base,
            hypercall_page=symbols.get("XEN_HYPERCALL_PAGE", "y") == "y",
            xen_pvh=enabled("XEN_PVH") and arch.bits == 64,
            names=HeadNames.parse({name: texts[name] for name in texts if name in MEANINGS}),
            notes=note_texts.parse(of_notes, arch, virt_base),
        )
        config.check()
        return config

    @property
    def thread_size(self) -> int:
        """The size of the stack in bytes: THREAD_SIZE, unless the kernel chooses another size."""
        if self.names.stack_size is not None:
            return self.names.stack_size
        return self.arch.kasan_thread_size if self.kasan else self.arch.thread_size

    @property
    def function_alignment(self) -> int:
        """Alignment of the entry, in bytes."""
        if self.x86_alignment_16:
            return abi.FUNCTION_ALIGNMENT_16
        return self.arch.function_alignment

    @property
    def gs_base(self) -> str:
        """The symbol for %gs base; empty if it is not set."""
        if self.names.gs_base is not None:
            return self.names.gs_base
        return "init_per_cpu__irq_stack_union" if self.smp else "irq_stack_union"

    # A kernel that sets one of these three notes itself has its own code or page.

    @property
    def makes_entry(self) -> bool:
        """Whether the object has the PV entry."""
        return self.xen_pv and self._is_ours(XenElfNote.ENTRY)

    @property
    def makes_pvh_entry(self) -> bool:
        """Whether the object has the PVH entry."""
        return self.xen_pvh and self._is_ours(XenElfNote.PHYS32_ENTRY)

    @property
    def makes_page(self) -> bool:
        """Whether the object has the hypercall page."""
        return self.hypercall_page and self._is_ours(XenElfNote.HYPERCALL_PAGE)

    def _is_ours(self, note: XenElfNote) -> bool:
        return (abi.NOTE_OWNER, note) not in self.notes

    def check(self) -> None:
        """Check VIRT_BASE against the entries.

        Raises XenToolError if the entries' code could not run at VIRT_BASE.
        """
        if self.arch.bits == 32:
            return
        where = f"VIRT_BASE is {self.virt_base:#x}"
        if self.makes_pvh_entry and (
            self.virt_base < _TOP_2_GIB or self.virt_base % _PVH_ALIGNMENT
        ):
            raise XenToolError(
                f"{where}: the rule is {_TOP_2_GIB:#x} or {_TOP_2_GIB + _PVH_ALIGNMENT:#x}, which "
                "the PVH entry's page tables map; or name an entry of your own in PHYS32_ENTRY"
            )
        if self.makes_entry and 1 << 31 <= self.virt_base < _TOP_2_GIB:
            raise XenToolError(
                f"{where}: the rule is the lowest or the highest 2 GiB, as the PV entry has "
                "addresses of 32 bits; or name an entry of your own in ENTRY"
            )


def _merged(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the texts by name; of several for the same field or note, the last one counts."""
    return {name if name in MEANINGS else note_texts.canonical(name): text for name, text in pairs}


def _of_symbols(symbols: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield names and texts of the fields and notes that Kconfig symbols set.

    An empty value sets nothing.  Raises XenToolError if a part of XEN_NOTES is not NAME=VALUE.
    """
    for name in MEANINGS:
        if text := symbols.get(f"{_NAME}{name.upper()}"):
            yield name, text
    for note in XenElfNote:
        text = symbols.get(f"{_NOTE}{note.name}", "")
        if note.name in _YES_OR_NO:
            text = {"y": "yes", "n": ""}.get(text, text)
        if text or symbols.get(f"{_NOTE}{note.name}"):
            yield note.name, text
    for part in symbols.get(_NOTES, "").split(";"):
        name, equals, text = part.strip().partition("=")
        if part.strip() and not equals:
            raise XenToolError(f"CONFIG_{_NOTES}: {part.strip()!r} is not NAME=VALUE")
        if name:
            yield name.strip(), text


def _virt_base(arch: Arch, page_offset: str, texts: Mapping[str, str]) -> int:
    """Return the virtual address of physical address 0: the note VIRT_BASE, else Linux's value."""
    if "VIRT_BASE" in texts:
        (desc,) = note_texts.parse({"VIRT_BASE": texts["VIRT_BASE"]}, arch, 0).values()
        # Xen reads a missing note as 0.
        return _number_of(desc) if desc is not None else 0
    if arch.virt_base is not None:
        return arch.virt_base
    try:
        return int(page_offset, 16)
    except ValueError:
        raise XenToolError(
            f"the head object of {arch.name} needs CONFIG_PAGE_OFFSET (is {page_offset!r}): "
            "give it a hex default in Kconfig, as kconfig/Kconfig.x86 does"
        ) from None


def _number_of(desc: Desc) -> int:
    if isinstance(desc, Words) and len(desc.values) == 1:
        return desc.values[0]
    raise XenToolError(
        "note VIRT_BASE: the rule is one number, as the entries' addresses are computed from it"
    )
