# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Explain the rules of the loaders: the output of `xen-tool explain`, and docs/rules.md.

A rule is shown with its condition, the loaders and releases that have it, its message, its fix, its
source, how it was verified, and an example: the smallest image that violates it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import XenToolError
from ..image.container import unwrap
from ..image.data import Data
from ..light import NamedTuple
from ..loaders.model.releases import CHANGES, POINTS, Change, Xen
from ..loaders.names import (
    ALL,
    DOM0,
    DOMU,
    LINUX_LOADER,
    LOADERS,
    PV,
    PV_DOM0,
    PV_DOMU,
    PVH_DOM0,
    PVH_DOMU,
    QEMU,
    XEN,
)
from ..loaders.rules.libxenguest import probing
from ..loaders.rules.rule import Rule
from ..loaders.verdict import judge, rules_of
from .report_text import finding_lines, findings, refusal_lines

EXAMPLES = Path(__file__).with_name("examples.txt")
"""A line RULE LOADER XEN IMAGE WORDS for each example; IMAGE is compressed by zlib, in base64."""

_FAMILIES = {
    "Z": "Containers: what is unpacked before the ELF file is read",
    "E": "The ELF file: its header, its program headers, its segments",
    "N": "Notes, one by one",
    "F": "Features that a kernel requires",
    "C": "What the notes must say",
    "A": "Where the notes put the kernel",
    "D": "The hypervisor, for a PV dom0",
    "H": "The hypervisor, for a PVH dom0",
    "P": "Xen's EFI binary, a PE file, with dom0's kernel as a section",
    "U": "libxenguest, for a domU",
    "V": "libxenguest, for a PVH domU",
    "Q": "QEMU -kernel",
    "R": "rust-vmm's linux-loader, for Firecracker, Cloud Hypervisor and libkrun",
    "K": "crosvm",
    "J": "kexec-tools",
    "G": "GRUB: pvgrub, and the commands linux, multiboot and multiboot2",
    "X": "Faults that no loader checks, and that end the guest",
}
"""The titles of the rules by the first letter of their ids, in the order of docs/rules.md."""
_GROUPS = {
    LOADERS: "every loader of Xen's, and QEMU -kernel",
    LINUX_LOADER: "firecracker, cloud-hypervisor and libkrun",
    XEN: "every loader of Xen's",
    DOM0: "dom0, PV and PVH",
    DOMU: "domU, PV and PVH",
    PV: "PV, dom0 and domU",
    (PVH_DOM0, PVH_DOMU): "PVH, dom0 and domU",
    (PV_DOM0,): "a PV dom0",
    (PVH_DOM0,): "a PVH dom0",
    (PV_DOMU,): "a PV domU",
    (PVH_DOMU,): "a PVH domU",
    (QEMU,): "QEMU -kernel",
}
"""The words for the loaders that have a rule; other loaders are listed by name."""


class Example(NamedTuple):
    """The smallest image that violates a rule."""

    loader: str
    """A loader that has the rule."""
    xen: Xen
    """A release in which it has the rule."""
    image: bytes
    words: str
    """A description of the image."""


def rules() -> dict[str, tuple[Rule, ...]]:
    """Return all rules by id, in the order of _FAMILIES and then of numbers.

    Rules with the same id are variants of one rule, for other loaders, releases or causes.
    """
    found: dict[str, list[Rule]] = {}
    seen: set[int] = set()
    for table in (*map(rules_of, ALL), *probing.RULES.values()):
        for rule in table:
            if id(rule) not in seen:
                seen.add(id(rule))
                found.setdefault(rule.id, []).append(rule)
    return {name: tuple(found[name]) for name in sorted(found, key=_order)}


def _order(name: str) -> tuple[int, int, str]:
    """Return the key by which ids are sorted."""
    number = re.search(r"\d+", name)
    return [*_FAMILIES].index(name[0]), int(number[0]) if number else 0, name


def example(name: str) -> Example | None:
    """Return the example of the rule with an id; None if there is none."""
    import base64
    import zlib

    for line in EXAMPLES.read_text().splitlines():
        if line.startswith(f"{name} "):
            _, loader, xen, packed, words = line.split(" ", 4)
            image = zlib.decompress(base64.b64decode(packed))
            return Example(loader, Xen.parse(xen), image, words)
    return None


def explain(name: str) -> Iterator[str]:
    """Yield the lines of `xen-tool explain ID`; raise XenToolError if no rule has the id."""
    known = rules()
    if name not in known:
        raise XenToolError(f"{name!r} is no rule; there are {', '.join(known)}")
    for rule in known[name]:
        yield f"{name}: {rule.condition_in_words}"
        for what, words in _facts(rule):
            yield f"  {what + ':':<8} {words}"
    shown = example(name)
    if shown is None:
        return
    yield ""
    yield f"The smallest example: {shown.words} ({len(shown.image)} bytes);"
    yield f"  xen-tool explain {name} --image FILE writes it.  {shown.loader} of Xen {shown.xen}:"
    verdict = judge(unwrap("example", Data.of_bytes(shown.image)), shown.loader, shown.xen)
    if verdict.refusal:
        yield f"  refused ({verdict.refusal.id})"
        for line in refusal_lines(verdict):
            yield f"  {line}"
    for kind, finding in findings(verdict):
        if finding.id == name:
            for line in finding_lines(kind, finding):
                yield f"  {line}"


def document() -> Iterator[str]:
    """Yield the lines of docs/rules.md."""
    yield "<!-- SPDX-License-" + "Identifier: GPL-2.0-only OR MIT"
    yield "     Made by `xen-tool explain --all`. -->"
    yield "# The rules by which loaders accept kernels"
    yield ""
    yield "Each rule of each loader that `xen-tool check` models, with the loader's words."
    yield "`xen-tool explain C3` prints one, with an example.  A rule is known `live` if a"
    yield "test gives the real loader an image that breaks it, else it was `read` in the source."
    yield "Words in <> are filled in.  The loaders from xen-efi on are checked by name only:"
    yield "`xen-tool check --loader xen-efi`, or `--loader all`."
    yield ""
    yield "It covers the releases of Xen from {}.{}.0 to {}.{}.{}.".format(
        *min(POINTS), *max(POINTS), POINTS[max(POINTS)]
    )
    yield "[check.md](check.md#how-the-rules-are-known) has how many each loader has, and"
    yield "of how many images the loader itself was asked."
    family = ""
    for name, several in rules().items():
        if name[0] != family:
            family = name[0]
            yield ""
            yield f"## {family}: {_FAMILIES[family]}"
        yield ""
        yield f"### {name}"
        for rule in several:
            yield ""
            yield _markdown(rule.condition_in_words)
            yield ""
            for what, words in _facts(rule):
                yield f"- {what}: {_markdown(words)}"
        shown = example(name)
        if shown is not None:
            yield ""
            yield f"Example: {_markdown(shown.words)}."
    yield ""
    yield "## What changed among releases"
    yield ""
    yield "| change | commit of Xen's | in |"
    yield "|---|---|---|"
    for change in CHANGES:
        yield f"| {_markdown(change.what)} | {change.commit} | {_first(change)} |"


def _facts(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield what is shown of a rule below its condition: titles, and texts for them."""
    yield "loaders", _GROUPS.get(rule.loaders, ", ".join(rule.loaders)) + _when(rule)
    yield (
        "says",
        _filled(rule.message) or "nothing of its own; Xen ends with: Could not construct ...",
    )
    yield "effect", rule.effect.value
    if rule.fix:
        depends = "it depends on the image: xen-tool check prints it"
        yield "fix", depends if rule.fix == "{fix}" else _filled(rule.fix)
    yield "source", rule.source
    yield "known", "live" if rule.live else "read"


def _when(rule: Rule) -> str:
    """Return the releases that have a rule, such as ", since 4.16.0"; "" if all have it."""
    since = f", since {_first(rule.since)}" if rule.since else ""
    return since + (f", before {_first(rule.before)}" if rule.before else "")


def _first(change: Change) -> str:
    """Return the first point release of each series that has a change."""
    return ", ".join("{}.{}.{}".format(*first) for first in change.first)


def _filled(text: str) -> str:
    """Write the replacement fields of a text, {NAME} or {NAME:FORMAT}, as <NAME>."""
    return re.sub(r"\{(\w+)(?::[^}]*)?\}", r"<\1>", text)


def _markdown(text: str) -> str:
    """Escape the characters of a text that Markdown would interpret."""
    return re.sub(r"([<>|*_`])", r"\\\1", text)
