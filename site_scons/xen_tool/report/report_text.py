# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Format a report as text: verdicts, and tables of notes and segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..abi import NOTE_OWNER, XenElfNote
from ..loaders.model.releases import Xen
from ..loaders.names import PV, XEN_EFI
from ..loaders.rules.rule import Finding
from ..loaders.verdict import Verdict
from ..printable import printable
from .image_report import Report, flags, read_report, segment_type
from .note_lines import NoteLine

_UNLINKED = "It is an unlinked object (ET_REL), no image: link it first."
_WIDTH = 56
"""Largest number of characters of a value in a table."""


def check(report: Report) -> Iterator[str]:
    """Yield the lines of `xen-tool check`: the verdicts of the loaders in report.asked."""
    yield f"{printable(report.image)}: {_kind(report)}; Xen {report.xen}"
    if report.unlinked:
        yield f"  {_UNLINKED}"
    if report.by_claim and not report.asked:
        if report.elf_class is None:
            yield "  No ELF file is found in it; the verdict of each loader:"
        else:
            yield "  It has neither XEN_VERSION with LOADER or GUEST_OS, for PV, nor PHYS32_ENTRY,"
            yield "  for PVH, so it claims no loader; the verdict of each:"
        yield from verdict_lines(report, tuple(report.verdicts))
        yield from hint(report, tuple(report.verdicts))
        yield from _further(report)
        return
    if not report.asked:
        yield "  No loader is checked: the configuration selects none, or none is named."
    yield from verdict_lines(report, report.asked)
    yield from hint(report, report.asked)
    entered = any(n.type == XenElfNote.ENTRY and n.owner == NOTE_OWNER for n in report.notes)
    if report.by_claim and entered and not {*PV, XEN_EFI} & set(report.asked):
        yield "  It has the note ENTRY, but not XEN_VERSION with LOADER or GUEST_OS: so it is"
        yield "  not for PV.  For the verdict of xen-pv-dom0, type --loader xen-pv-dom0."
    yield from _further(report)


def check_briefly(report: Report) -> Iterator[str]:
    """Yield one line if the loaders in report.asked accept the image without a finding.

    Yield the lines of check() otherwise.
    """
    if report.good and not findings_of(report, report.asked):
        yield f"{printable(report.image)}: {_kind(report)}; accepted by {', '.join(report.asked)}"
    else:
        yield from check(report)


def inspect(report: Report) -> Iterator[str]:
    """Yield the lines of `xen-tool inspect`: notes, segments, all verdicts, and starts."""
    yield f"{printable(report.image)}: {_kind(report)}"
    if report.unlinked:
        yield _UNLINKED
    if report.elf_class is not None:
        yield f"entry {report.entry:#x}{_named(report.entry, report.symbols)}"
    yield ""
    yield from notes(report, report.symbols)
    if report.guest:
        yield ""
        yield "Keys of __xen_guest, which counts only without notes of Xen's:"
        keys = ((k.key, _short(f'"{k.value}"'), _readers(k.read_by)) for k in report.guest)
        yield from table(("key", "value", "read by"), keys)
    yield ""
    yield "Segments:" if report.segments else "Segments: none"
    yield from table(
        ("type", "flags", "p_offset", "p_vaddr", "p_paddr", "p_filesz", "p_memsz", "p_align"),
        (
            (
                segment_type(s),
                flags(s),
                *map(hex, (s.p_offset, s.p_vaddr, s.p_paddr, s.p_filesz, s.p_memsz, s.p_align)),
            )
            for s in report.segments
        ),
    )
    yield ""
    yield f"Verdicts of Xen {report.xen}, and of QEMU:"
    yield from verdict_lines(report, tuple(report.verdicts))
    if report.starts:
        yield ""
        yield "How the loaders that accept it start the guest:"
    yield from table(
        ("loader", "entry", "mode", "registers"),
        (
            (
                loader,
                "-" if s.entry is None else f"{s.entry:#x}{_named(s.entry, report.symbols)}",
                s.mode,
                s.registers,
            )
            for loader, s in report.starts.items()
        ),
    )


def notes(report: Report, symbols: Mapping[int, str]) -> Iterator[str]:
    """Yield a table of the notes, a line each; symbols: names by address, for their values."""
    yield "Notes:" if report.notes else "Notes: none"
    rows = (
        (
            f"{note.type:#x}",
            note.name if note.owner == NOTE_OWNER else _other_owner(note),
            _short(note.shown) + _named(note.value, symbols),
            f"{note.place} at {note.offset:#x}",
            _readers(note.read_by),
        )
        for note in report.notes
    )
    yield from table(("type", "name", "value", "where", "read by"), rows)


def verdict_lines(report: Report, loaders: Sequence[str]) -> Iterator[str]:
    """Yield the verdict of each loader with its refusal, errors and warnings.

    Errors and warnings that several of the loaders share come once, after the verdicts.
    """
    found = findings_of(report, loaders)
    width = max(map(len, loaders), default=0)
    for loader in loaders:
        verdict = report.verdicts[loader]
        yield f"  {loader:<{width}}  {summary(verdict)}"
        for line in refusal_lines(verdict):
            yield f"  {'':<{width}}  {line}"
        for (kind, finding), finders in found.items():
            if finders == [loader]:
                for line in finding_lines(kind, finding):
                    yield f"  {'':<{width}}  {line}"
    for (kind, finding), finders in found.items():
        if len(finders) > 1:
            yield f"  {', '.join(finders)}:"
            for line in finding_lines(kind, finding):
                yield f"  {'':<{width}}  {line}"


def hint(report: Report, loaders: Sequence[str]) -> Iterator[str]:
    """Yield a line with the command that explains the first rule that the image breaks, if any."""
    verdicts = [report.verdicts[loader] for loader in loaders]
    rules = [verdict.refusal.id for verdict in verdicts if verdict.refusal]
    rules += [finding.id for verdict in verdicts for finding in verdict.errors]
    if rules:
        yield f"  More of a rule, with an example: xen-tool explain {rules[0]}"


def _further(report: Report) -> Iterator[str]:
    """Yield a line with the loaders in report.further: which take the image, and which do not."""
    takers = [loader for loader, verdict in report.further.items() if verdict.good]
    others = [loader for loader in report.further if loader not in takers]
    words = [f"accepted by {', '.join(takers)}"] * bool(takers)
    words += [f"not by {', '.join(others)}"] * bool(others)
    if words:
        yield f"  Other loaders: {'; '.join(words)} (--loader all)"


def refusal(path: str, xen: Xen, loader: str) -> Iterator[str]:
    """Yield why a loader does not start the image at path; nothing if the guest can run.

    It explains a boot that failed.  Raises XenToolError as read_report() does.
    """
    report = read_report(path, xen, [loader])
    if not report.takes(loader):
        yield f"{would_not_start(printable(path), [loader])}:"
        yield from verdict_lines(report, [loader])


def would_not_start(image: str, loaders: Sequence[str]) -> str:
    """Return the message that loaders refuse an image, or start it so that it cannot run.

    image: its name, made printable.
    """
    return f"{image} would not start with {' and '.join(loaders)}"


def findings_of(report: Report, loaders: Sequence[str]) -> dict[tuple[str, Finding], list[str]]:
    """Return the loaders that have each finding; the keys are as findings() yields them."""
    found: dict[tuple[str, Finding], list[str]] = {}
    for loader in loaders:
        for each in findings(report.verdicts[loader]):
            found.setdefault(each, []).append(loader)
    return found


def findings(verdict: Verdict) -> Iterator[tuple[str, Finding]]:
    """Yield the errors and warnings of a verdict, each with its kind: "error" or "warning"."""
    for finding in verdict.errors:
        yield "error", finding
    for finding in verdict.warnings:
        yield "warning", finding


def refusal_lines(verdict: Verdict) -> Iterator[str]:
    """Yield the message, cause, place and fix of a refusal; nothing if the image is accepted."""
    if verdict.refusal:
        yield f"  says: {verdict.refusal.message}"
        yield from _details(verdict.refusal)


def finding_lines(kind: str, finding: Finding) -> Iterator[str]:
    """Yield the kind, rule and message, cause, place and fix of an error or warning."""
    yield f"{kind} {finding.id}: {finding.message}"
    yield from _details(finding)


def _details(finding: Finding) -> Iterator[str]:
    if finding.reason:
        yield f"  why:  {finding.reason}"
    if finding.where:
        yield f"  at:   {finding.where}"
    yield f"  fix:  {finding.fix}"


def summary(verdict: Verdict) -> str:
    """Return the verdict in a few words."""
    if verdict.refusal:
        return f"refused ({verdict.refusal.id})"
    return "accepted, but the guest cannot run" if verdict.errors else "accepted"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the head and the rows in aligned columns; nothing if there are no rows."""
    lines = [tuple(row) for row in rows]
    if not lines:
        return
    lines.insert(0, tuple(head))
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        yield (
            "  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)).rstrip()
        )


def _kind(report: Report) -> str:
    """Return the format of the file, and the class and machine of the ELF file in it."""
    if report.elf_class is None:
        return report.format if report.format != "raw" else "an unknown format"
    inner = f"ELF{report.elf_class}, {report.machine}"
    return inner if report.format == "ELF" else f"{report.format}, in it {inner}"


def _other_owner(note: NoteLine) -> str:
    """Return the owner of a note that is not Xen's; and "Xen", if it seems to be meant for Xen."""
    is_meant = not note.owner or NOTE_OWNER.lower() in note.owner.lower()
    return f'of owner "{note.owner}"' + f', must be "{NOTE_OWNER}"' * is_meant


def _readers(loaders: Sequence[str]) -> str:
    return " ".join(loader.removeprefix("xen-") for loader in loaders) or "no loader"


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def _named(address: int | str, symbols: Mapping[int, str]) -> str:
    """Return the symbol at an address as " <NAME>"; "" if it is unknown, or no address."""
    return f" <{symbols[address]}>" if isinstance(address, int) and address in symbols else ""
