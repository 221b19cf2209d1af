# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What is different between two images: in their notes, segments and verdicts.

document() of the difference gives what `xen-tool diff --json` prints:

    {"schema": 1, "images": [A, B], "differences": [
        {"what": "note XEN_VERSION", "before": TEXT or null, "after": TEXT or null}]}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..loaders.rules import Finding
from ..loaders.verdict import Verdict
from .report import SCHEMA, Report, flags, segment_type


class Difference(NamedTuple):
    """One thing that is not the same; None where it is not there."""

    what: str
    before: str | None
    after: str | None


def differences(before: Report, after: Report) -> list[Difference]:
    """All of them, in the order in which a report has them."""
    old, new = _facts(before), _facts(after)
    names = list(dict.fromkeys((*old, *new)))
    return [Difference(n, old.get(n), new.get(n)) for n in names if old.get(n) != new.get(n)]


def document(before: Report, after: Report) -> dict[str, Any]:
    """What --json prints."""
    return {
        "schema": SCHEMA,
        "images": [before.image, after.image],
        "differences": [difference._asdict() for difference in differences(before, after)],
    }


def lines(before: Report, after: Report) -> Iterator[str]:
    """The same for people: - of the first image, + of the second."""
    for difference in differences(before, after):
        yield difference.what
        if difference.before is not None:
            yield f"  - {difference.before}"
        if difference.after is not None:
            yield f"  + {difference.after}"


def _facts(report: Report) -> dict[str, str]:
    """Names and values of what is compared."""
    facts = {"format": report.format}
    if report.elf_class is not None:
        facts |= {
            "class": f"ELF{report.elf_class}",
            "machine": report.machine,
            "entry": hex(report.entry),
        }
    seen: Counter[str] = Counter()
    for note in report.notes:
        # A note that moved in the file is the same note.
        name = f"note {note.owner} {note.name}"
        seen[name] += 1
        key = name if seen[name] == 1 else f"{name}, number {seen[name]}"
        facts[key] = f"{note.shown} ({len(note.desc) // 2} bytes in {note.place.split()[0]})"
    for segment in report.segments:
        facts[f"segment {segment.number}"] = (
            f"{segment_type(segment)} {flags(segment)} p_vaddr {segment.p_vaddr:#x} "
            f"p_paddr {segment.p_paddr:#x} p_filesz {segment.p_filesz:#x} "
            f"p_memsz {segment.p_memsz:#x} p_align {segment.p_align:#x}"
        )
    for loader, verdict in report.verdicts.items():
        facts[f"verdict of {loader}"] = _verdict(verdict)
        for kind, found in (("error", verdict.errors), ("warning", verdict.warnings)):
            for finding in found:
                facts[f"{kind} {finding.id} of {loader}"] = _finding(finding)
    return facts


def _verdict(verdict: Verdict) -> str:
    if verdict.accepted:
        return "accepted"
    return f"refused ({verdict.rule}): {verdict.message}"


def _finding(finding: Finding) -> str:
    return f"{finding.message} ({finding.where})" if finding.where else finding.message
