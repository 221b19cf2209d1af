# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The differences between two images: in their notes, segments and verdicts.

document() returns what `xen-tool diff --json` prints:

    {"schema": 1, "images": [A, B], "differences": [
        {"what": "note XEN_VERSION", "before": TEXT or null, "after": TEXT or null}]}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ..image.elf import Segment
from ..light import NamedTuple
from ..loaders.rules.rule import Finding
from ..loaders.verdict import Verdict
from ..printable import printable
from .image_report import SCHEMA, Report, flags, segment_type
from .note_lines import NoteLine
from .report_text import findings, summary


class Difference(NamedTuple):
    """One fact that differs; before or after is None if that image does not have it."""

    what: str
    before: str | None
    after: str | None


def differences(before: Report, after: Report) -> list[Difference]:
    """Return all differences between two images, in the order of _facts()."""
    of_before, of_after = dict(_facts(before)), dict(_facts(after))
    nothing: dict[str, str] = {}
    return [
        Difference(name, old.get(name), new.get(name))
        for part in dict.fromkeys((*of_before, *of_after))
        for old, new in [(of_before.get(part, nothing), of_after.get(part, nothing))]
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]


def document(before: Report, after: Report) -> dict[str, Any]:
    """Return what --json prints."""
    return {
        "schema": SCHEMA,
        "images": [before.image, after.image],
        "differences": [difference._asdict() for difference in differences(before, after)],
    }


def lines(before: Report, after: Report) -> Iterator[str]:
    """Yield the lines of `xen-tool diff`: - of the first image, + of the second."""
    found = differences(before, after)
    if found:
        yield f"--- {printable(before.image)}"
        yield f"+++ {printable(after.image)}"
    for difference in found:
        yield difference.what
        if difference.before is not None:
            yield f"  - {difference.before}"
        if difference.after is not None:
            yield f"  + {difference.after}"


def _facts(report: Report) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each part of a report, and what is compared in it: values by their names.

    The parts are the file, its notes, __xen_guest, its segments, and each loader.
    """
    yield "file", _of_file(report)
    # Offsets are not compared: a note that moved in the file is the same note.
    notes = ((f"note {note.owner} {note.name}", _note(note)) for note in report.notes)
    yield "notes", _numbered(notes)
    keys = ((f"__xen_guest {line.key}", f'"{line.value}"') for line in report.guest)
    yield "__xen_guest", _numbered(keys)
    yield "segments", {f"segment {s.number}": _segment(s) for s in report.segments}
    for loader, verdict in report.verdicts.items():
        found = [(f"{kind} {f.id} of {loader}", _finding(f)) for kind, f in findings(verdict)]
        yield loader, {f"verdict of {loader}": _verdict(verdict), **_numbered(found)}


def _of_file(report: Report) -> dict[str, str]:
    if report.elf_class is None:
        return {"format": report.format}
    return {
        "format": report.format,
        "class": f"ELF{report.elf_class}",
        "machine": report.machine,
        "entry": hex(report.entry),
    }


def _numbered(facts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return values by their names; from the second of a name on, it is "NAME, number N"."""
    result: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for name, fact in facts:
        seen[name] += 1
        result[name if seen[name] == 1 else f"{name}, number {seen[name]}"] = fact
    return result


def _note(note: NoteLine) -> str:
    # The shown value may be cut.
    value = f"bytes {note.desc}" if note.shown.endswith("...") else note.shown
    return f"{value} ({len(note.desc) // 2} bytes in {note.place.split()[0]})"


def _segment(segment: Segment) -> str:
    return (
        f"{segment_type(segment)} {flags(segment)} p_vaddr {segment.p_vaddr:#x} "
        f"p_paddr {segment.p_paddr:#x} p_filesz {segment.p_filesz:#x} "
        f"p_memsz {segment.p_memsz:#x} p_align {segment.p_align:#x}"
    )


def _verdict(verdict: Verdict) -> str:
    return summary(verdict) + (f": {verdict.refusal.message}" if verdict.refusal else "")


def _finding(finding: Finding) -> str:
    return f"{finding.message} ({finding.where})" if finding.where else finding.message
