# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Each rule has its texts, and `live` marks those that tests compare with a real loader."""

from __future__ import annotations

import pytest

from loaders import test_efi, test_grub, test_kexec
from loaders.cases import CASES, asked_of
from loaders.hypervisor import LIVE_LOADERS, XEN_LOADERS
from loaders.rows import IMAGES
from loaders.test_live_releases import IMAGES_THAT_DIFFER
from project import TOP
from xen_tool.image.container import unwrap
from xen_tool.image.data import Data
from xen_tool.loaders.model.candidate import candidates
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.names import (
    ALL,
    CROSVM,
    DOMU,
    GRUB,
    KEXEC,
    LINUX_LOADER,
    LOADERS,
    PV_DOM0,
    PV_DOMU,
    PVH_DOM0,
    QEMU,
    XEN_EFI,
)
from xen_tool.loaders.rules.libxenguest import probing
from xen_tool.loaders.rules.rule import Effect, Rule
from xen_tool.loaders.verdict import RULES, rules_of

RELEASES = ("4.14", "4.20.2")
"""The releases that get the images on which releases differ."""
EVERY = {id(rule): rule for table in (*RULES.values(), *probing.RULES.values()) for rule in table}


def _asked() -> list[tuple[bytes, tuple[str, ...], Xen]]:
    """Return the images that tests give to real loaders, with these loaders and the release."""
    images = [case.image for case in CASES]
    return [
        *((image, DOMU, Xen()) for image in images),
        *((case.image, (loader,), Xen()) for loader in LIVE_LOADERS for case in asked_of(loader)),
        *((image, (PV_DOMU,), Xen(pv32=True)) for image in images),
        *(
            (IMAGES[name], XEN_LOADERS, Xen.parse(release))
            for name in IMAGES_THAT_DIFFER
            for release in RELEASES
        ),
    ]


def _applied(image: bytes, loaders: tuple[str, ...], xen: Xen) -> set[int]:
    """Return the id() of each rule that finds something in an image, up to the refusing one."""
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


def test_live_rules_are_those_compared_with_real_loaders() -> None:
    live = set().union(*(_applied(*question) for question in _asked()))
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


_TOGETHER = {
    "Xen, for dom0: PV, PVH": (PV_DOM0, PVH_DOM0),
    "libxenguest, for `xl`: PV, PVH": DOMU,
    "QEMU's `-kernel`": (QEMU,),
    "Xen's unified EFI image": (XEN_EFI,),
    "GRUB: pvgrub, PVH, `linux`, `multiboot`, `multiboot2`": GRUB,
    "kexec-tools": (KEXEC,),
    "Firecracker, Cloud Hypervisor, libkrun, crosvm": (*LINUX_LOADER, CROSVM),
}
_HEAD = "rules | live | read | images compared | disagreements |"


def _compared(loader: str) -> int:
    """Return how many images are compared with a real loader, without random ones."""
    if loader in DOMU:
        return len(CASES) * (2 if loader == PV_DOMU else 1)
    if loader == KEXEC:
        return len(test_kexec.ASKED)
    if loader == XEN_EFI:
        return len(test_efi.ASKED)
    if loader in test_grub.ASKED:
        return len(test_grub.ASKED[loader])
    releases = len(IMAGES_THAT_DIFFER) * len(RELEASES) if loader in XEN_LOADERS else 0
    return len(asked_of(loader)) + releases if loader in LIVE_LOADERS else 0


def _random(loaders: tuple[str, ...]) -> int:
    """Return how many random images there are; those for domUs are given to both loaders."""
    if loaders[0] in DOMU:
        return 20_000
    return sum(test_grub.RANDOM.get(loader, 0) for loader in loaders)


def _row(name: str, *loaders: str) -> str:
    """Return the row of a table of counts for these loaders, in Markdown."""
    rules = [rule for loader in loaders for rule in rules_of(loader)]
    live = sum(rule.live for rule in rules)
    compared = sum(map(_compared, loaders))
    images = f"{compared:,}"
    if random := _random(loaders):
        images += f" and {random:,} random"
    wrong = 0 if compared else "-"
    return f"| {name} | {len(rules)} | {live} | {len(rules) - live} | {images} | {wrong} |"


@pytest.mark.parametrize(
    ("document", "first", "rows"),
    [
        ("docs/check.md", "loader", [_row(f"`{loader}`", loader) for loader in ALL]),
        ("README.md", "loaders", [_row(name, *several) for name, several in _TOGETHER.items()]),
    ],
    ids=["check.md", "README.md"],
)
def test_tables_have_the_counts(document: str, first: str, rows: list[str]) -> None:
    lines = (TOP / document).read_text().splitlines()
    start = lines.index(f"| {first} | {_HEAD}") + 2
    assert lines[start : lines.index("", start)] == rows


def test_the_table_of_readme_has_all_loaders() -> None:
    assert sorted(loader for several in _TOGETHER.values() for loader in several) == sorted(ALL)
