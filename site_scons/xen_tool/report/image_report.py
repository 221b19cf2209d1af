# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A kernel image, its notes and the verdict of every loader, as one document.

document() returns what --json prints:

    {"schema": 1, "image": PATH, "xen": "4.17", "asked": [LOADER],
     "format": "ELF" | "bzImage (zstd)" | ...,
     "elf": {"class": 32 | 64, "machine": "x86_64" | "i386" | "0x28", "entry": "0x..."} | null,
     "unlinked": true (only for an object that is not linked yet: ET_REL),
     "notes": [{"type": 1, "name": "ENTRY", "owner": "Xen",
                "value": "0x...", or text, or the first 16 bytes in hexadecimal digits,
                "desc": bytes in hexadecimal digits, at most 4096 of them,
                "place": "PT_NOTE 3", "offset": "0x...", "read_by": [LOADER]}],
     "xen_guest": [{"key": "LOADER", "value": TEXT, "read_by": [LOADER]}] (only if there is a
                  section __xen_guest, which kernels had before notes),
     "segments": [{"type": "PT_LOAD", "flags": "r-x", "offset": "0x...", "vaddr": "0x...",
                   "paddr": "0x...", "filesz": "0x...", "memsz": "0x...", "align": "0x..."}],
     "verdicts": {LOADER: {"accepted": true, "rule": ID or null, "message": TEXT or null,
                           "fix": TEXT or null, "where": TEXT or null,
                           "reason": TEXT or null (the cause, if the loader does not print it),
                           "errors": [{"id": ID, "message": TEXT, "fix": TEXT, "where": TEXT,
                                       "reason": TEXT}],
                           "warnings": [likewise],
                           "start": {"entry": "0x..." or null (where Linux's boot protocol says),
                                     "mode": TEXT, "registers": TEXT, "source": TEXT}
                                    (only from `inspect`, of a loader that accepts the image)}}}

Numbers that may be addresses are strings of hexadecimal digits.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ..elf import spec
from ..image.container import KernelFile, open_kernel, unwrap
from ..image.data import Data
from ..image.elf import Segment, elf_of
from ..image.symbols import Symbols
from ..light import NamedTuple
from ..loaders.model.releases import Xen
from ..loaders.names import FURTHER, LOADERS
from ..loaders.verdict import Verdict, claimed, verdicts
from .note_lines import SHOWN, GuestLine, NoteLine, guest_lines, note_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..loaders.start import Start

SCHEMA = 1

_MACHINES = {spec.EM_386: "i386", spec.EM_X86_64: "x86_64"}


class Report(NamedTuple):
    """All that is reported of one image; the file may be closed."""

    image: str
    format: str
    xen: Xen
    elf_class: int | None
    """32 or 64; None if the file is not an ELF file."""
    machine: str
    entry: int
    unlinked: bool
    """Whether the file is an object that is not linked yet (ET_REL)."""
    notes: tuple[NoteLine, ...]
    guest: tuple[GuestLine, ...]
    segments: tuple[Segment, ...]
    verdicts: dict[str, Verdict]
    """The verdicts by loader: of LOADERS, in their order, and of other loaders in asked."""
    asked: tuple[str, ...]
    """The loaders that must accept the image: those that the user named, or else those that the
    image claims to support."""
    by_claim: bool
    """Whether the user named no loader, and the claim of the image decides."""
    symbols: Mapping[int, str]
    """Symbols by address, for addresses(); empty unless requested."""
    further: Mapping[str, Verdict]
    """The verdicts of the loaders FURTHER that are not in asked; empty unless requested."""
    starts: Mapping[str, Start]
    """How the loaders that accept the image start it; empty unless requested."""

    @property
    def good(self) -> bool:
        """Whether all loaders in asked accept the image, and the guest can run with each of them.

        False if asked is empty, or if the file is an unlinked object.
        """
        return bool(self.asked) and not self.unlinked and all(map(self.takes, self.asked))

    def takes(self, loader: str) -> bool:
        """Whether a loader accepts the image, and the guest can run as it starts it."""
        return self.verdicts[loader].good

    def with_fixes(self, fixes: Mapping[str, str | None]) -> Report:
        """Return the report with these fixes, by loader, in place of those of the refusals.

        None, and a fix for a loader that accepts the image, have no effect.
        """
        verdicts = dict(self.verdicts)
        for loader, verdict in self.verdicts.items():
            fix = fixes.get(loader)
            if verdict.refusal and fix:
                verdicts[loader] = verdict._replace(refusal=verdict.refusal._replace(fix=fix))
        return self._replace(verdicts=verdicts)

    def addresses(self) -> set[int]:
        """Return the addresses that may have symbols: of the entry, in notes, and in starts."""
        values = (note.value for note in self.notes if isinstance(note.value, int))
        entries = (start.entry for start in self.starts.values() if start.entry is not None)
        return {self.entry, *values, *entries}

    def document(self) -> dict[str, Any]:
        """Return what --json prints."""
        known = self.elf_class is not None
        elf = {"class": self.elf_class, "machine": self.machine, "entry": hex(self.entry)}
        return {
            "schema": SCHEMA,
            "image": self.image,
            "xen": str(self.xen),
            "asked": list(self.asked),
            "format": self.format,
            "elf": elf if known else None,
            **({"unlinked": True} if self.unlinked else {}),
            "notes": [_note_document(note) for note in self.notes],
            **({"xen_guest": [line._asdict() for line in self.guest]} if self.guest else {}),
            "segments": [_segment(segment) for segment in self.segments],
            "verdicts": {
                loader: _verdict_document(verdict) | self._start_document(loader)
                for loader, verdict in self.verdicts.items()
            },
        }

    def _start_document(self, loader: str) -> dict[str, Any]:
        if loader not in self.starts:
            return {}
        start = self.starts[loader]
        entry = None if start.entry is None else hex(start.entry)
        return {"start": {**start._asdict(), "entry": entry}}


def read_report(
    path: str | os.PathLike[str],
    xen: Xen,
    asked: Sequence[str] | None = None,
    *,
    symbols: bool = False,
    further: bool = False,
    starts: bool = False,
) -> Report:
    """Read an image, and return its report, with the verdicts of LOADERS and of those in asked.

    xen: the release whose loaders are modelled.
    asked: the loaders that must accept the image; None: those that it claims to support.
    symbols, further, starts: whether to fill the fields of these names.

    Raises XenToolError if the file cannot be opened or read, or cannot be unpacked for want of a
    library or of space; a file that loaders cannot unpack has a report.
    """
    with open_kernel(path) as kernel:
        report = _report(kernel, xen, asked)
        if further:
            others = [loader for loader in FURTHER if loader not in report.asked]
            report = report._replace(further=verdicts(kernel, xen, others))
        if starts:
            from ..loaders import start

            accepting = [name for name, verdict in report.verdicts.items() if verdict.accepted]
            report = report._replace(starts=start.starts(kernel, xen, accepting))
        payload = kernel.inner.payload
        elf = elf_of(payload) if symbols and payload else None
        return report._replace(symbols=Symbols(elf).at(report.addresses())) if elf else report


def report_of(name: str, content: bytes, xen: Xen, asked: Sequence[str] | None = None) -> Report:
    """Return the report of an image in memory; name stands for its path."""
    with unwrap(name, Data.of_bytes(content)) as kernel:
        return _report(kernel, xen, asked)


def _report(kernel: KernelFile, xen: Xen, asked: Sequence[str] | None) -> Report:
    payload = kernel.inner.payload
    elf = None if payload is None else elf_of(payload)
    must = claimed(kernel) if asked is None else tuple(dict.fromkeys(asked))
    return Report(
        image=kernel.path,
        format=kernel.format,
        xen=xen,
        elf_class=elf.bits if elf else None,
        machine=_MACHINES.get(elf.e_machine, hex(elf.e_machine)) if elf else "",
        entry=elf.e_entry if elf else 0,
        unlinked=elf is not None and elf.e_type == spec.ET_REL,
        notes=tuple(note_lines(elf)) if elf else (),
        guest=tuple(guest_lines(elf, xen)) if elf else (),
        segments=tuple(elf.segments[:SHOWN]) if elf else (),
        verdicts=verdicts(kernel, xen, dict.fromkeys((*LOADERS, *must))),
        asked=must,
        by_claim=asked is None,
        symbols={},
        further={},
        starts={},
    )


def _note_document(note: NoteLine) -> dict[str, Any]:
    fields = note._asdict()
    del fields["shown"]
    return {
        **fields,
        "value": hex(note.value) if isinstance(note.value, int) else note.value,
        "offset": hex(note.offset),
    }


def _verdict_document(verdict: Verdict) -> dict[str, Any]:
    refusal = verdict.refusal
    return {
        "accepted": verdict.accepted,
        "rule": refusal and refusal.id,
        "message": refusal and refusal.message,
        "fix": refusal and refusal.fix,
        "where": refusal and refusal.where,
        "reason": refusal and (refusal.reason or None),
        "errors": [finding._asdict() for finding in verdict.errors],
        "warnings": [finding._asdict() for finding in verdict.warnings],
    }


def _segment(segment: Segment) -> dict[str, str]:
    return {
        "type": segment_type(segment),
        "flags": flags(segment),
        "offset": hex(segment.p_offset),
        "vaddr": hex(segment.p_vaddr),
        "paddr": hex(segment.p_paddr),
        "filesz": hex(segment.p_filesz),
        "memsz": hex(segment.p_memsz),
        "align": hex(segment.p_align),
    }


def segment_type(segment: Segment) -> str:
    """Return the type of a segment, such as PT_LOAD; a number if it has no name."""
    return spec.PT_NAMES.get(segment.p_type, hex(segment.p_type))


def flags(segment: Segment) -> str:
    """Return the flags of a segment, such as "r-x"."""
    return "".join(
        letter if segment.p_flags & flag else "-" for flag, letter in spec.PF_LETTERS.items()
    )
