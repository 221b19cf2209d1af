# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Each rule has its texts, and `live` marks those that tests compare with a real loader."""

from __future__ import annotations

import pytest

from loaders import test_efi, test_grub, test_kexec
from loaders.cases import CASES
from loaders.hypervisor import LIVE_LOADERS, XEN_LOADERS
from loaders.rows import IMAGES
from loaders.test_live_releases import IMAGES_THAT_DIFFER
from project import TOP
from xen_tool.image.container import unwrap
from xen_tool.image.data import Data
from xen_tool.loaders.model.candidate import candidates
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.names import ALL, DOMU, KEXEC, LOADERS, PV_DOMU, XEN_EFI
from xen_tool.loaders.rules.libxenguest import probing
from xen_tool.loaders.rules.rule import Effect, Rule
from xen_tool.loaders.verdict import RULES, rules_of

RELEASES = ("4.14", "4.20.2")
"""The releases to which the images are given on which releases differ."""
EVERY = {id(rule): rule for table in (*RULES.values(), *probing.RULES.values()) for rule in table}


def _asked() -> list[tuple[bytes, tuple[str, ...], Xen]]:
    """The images that tests give to real loaders, with the loaders and the Xen."""
    images = [case.image for case in CASES]
    return [
        *((image, (*LIVE_LOADERS, *DOMU), Xen()) for image in images),
        *((image, (PV_DOMU,), Xen(pv32=True)) for image in images),
        *(
            (IMAGES[name], XEN_LOADERS, Xen.parse(release))
            for name in IMAGES_THAT_DIFFER
            for release in RELEASES
        ),
    ]


def _applied(image: bytes, loaders: tuple[str, ...], xen: Xen) -> set[int]:
    """The rules that find something of an image, up to the one that refuses it."""
    found: set[int] = set()
    with unwrap("image", Data.of_bytes(image)) as kernel:
        for candidate in candidates(kernel, xen, loaders):
            rules = list(RULES[candidate.loader])
            while rules:
                rule = rules.pop(0)
                if not rule.concerns(xen) or rule.apply(candidate) is None:
                    continue
                found.add(id(rule))
                if rule.probe is not None and candidate.loader in DOMU:
                    rules = list(probing.RULES[probing.taker(rule.probe, candidate)])
                elif rule.effect is Effect.REFUSED or rule.last:
                    break
    return found


def test_live_are_the_rules_that_real_loaders_are_asked_of() -> None:
    live = set().union(*(_applied(*asked) for asked in _asked()))
    wrong = {
        (rule.id, rule.condition.__name__, rule.message, number in live)
        for number, rule in EVERY.items()
        if rule.live != (number in live)
    }
    assert wrong == set()


@pytest.mark.parametrize("rule", EVERY.values(), ids=lambda rule: rule.id)
def test_a_rule_says_what_it_is(rule: Rule) -> None:
    words = rule.condition_in_words
    assert words.endswith(".")
    assert "condition of" not in words
    assert rule.source
    assert set(rule.loaders) <= set(LOADERS)


def _compared(loader: str) -> str:
    if loader in DOMU:
        return f"{len(CASES) * (2 if loader == PV_DOMU else 1)} and 20,000 random"
    if loader == KEXEC:
        return str(len(test_kexec.ASKED))
    if loader == XEN_EFI:
        return str(len(test_efi.ASKED))
    if loader in test_grub.ASKED:
        return str(len(test_grub.ASKED[loader]))
    releases = len(IMAGES_THAT_DIFFER) * len(RELEASES) if loader in XEN_LOADERS else 0
    return str(len(CASES) + releases) if loader in LIVE_LOADERS else "0"


def test_the_table_of_loaders_has_the_counts() -> None:
    rows = []
    for loader in ALL:
        table = rules_of(loader)
        live = sum(rule.live for rule in table)
        compared = _compared(loader)
        wrong = "-" if compared == "0" else "0"
        rows.append(
            f"| `{loader}` | {len(table)} | {live} | {len(table) - live} | {compared} | {wrong} |"
        )
    lines = (TOP / "docs/check.md").read_text().splitlines()
    start = lines.index("| loader | rules | live | read | images compared | disagreements |") + 2
    assert lines[start : lines.index("", start)] == rows
