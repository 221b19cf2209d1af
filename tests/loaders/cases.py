# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""CASES: images that each break one rule of one loader, and valid images.

A case has no expectation: tests compare with the real loaders.  Its id starts with the rule
that it was made for.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from loaders.broken import containers, dom0, elf, notes, others, parms
from loaders.good import good_both, good_pv32, good_pv64, good_pvh
from loaders.images import Broken, Note, number, text
from xen_tool.abi import XenElfNote
from xen_tool.image.container import unwrap
from xen_tool.image.data import Data
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.names import DOM0, QEMU
from xen_tool.loaders.verdict import judge


@dataclass(frozen=True)
class Case:
    """An image and what is broken in it."""

    id: str
    broken: str
    image: bytes


def all_cases() -> tuple[Case, ...]:
    """Return every case, the valid images first; ids are unique."""
    groups = (
        good,
        containers.containers,
        elf.elf,
        notes.walk,
        notes.values,
        parms.notes,
        parms.legacy,
        dom0.pv,
        dom0.pvh,
        others.domu,
        others.qemu,
    )
    cases = tuple(
        Case(name, broken, bytes(image)) for group in groups for name, broken, image in group()
    )
    assert len({case.id for case in cases}) == len(cases)
    return cases


def good() -> Broken:
    yield "good-pv64", "nothing", good_pv64()
    yield "good-pv32", "nothing", good_pv32()
    yield "good-pvh32", "nothing", good_pvh(32)
    yield "good-pvh64", "nothing", good_pvh(64)
    yield "good-both", "nothing", good_both()
    minimal = good_pv64().without(
        XenElfNote.GUEST_OS,
        XenElfNote.PADDR_OFFSET,
        XenElfNote.FEATURES,
        XenElfNote.SUPPORTED_FEATURES,
        XenElfNote.MOD_START_PFN,
        XenElfNote.INIT_P2M,
    )
    yield "good-minimal", "the notes that a PV kernel may leave out are", minimal
    yield (
        "good-no-hypercall-page",
        "it makes its hypercalls itself",
        good_both().without(XenElfNote.HYPERCALL_PAGE),
    )
    yield (
        "good-linux",
        "GUEST_OS is linux, LOADER is absent",
        good_both().without(XenElfNote.LOADER).setting(text(XenElfNote.GUEST_OS, "linux")),
    )
    yield (
        "good-foreign-notes",
        "notes of other owners stand beside Xen's",
        replace(
            good_both(),
            notes=(Note(3, b"\xab" * 20, b"GNU\0"), *good_both().notes, Note(1, b"", b"Linux\0")),
        ),
    )
    yield (
        "good-unknown-note",
        "a type that no Xen knows",
        good_both().adding(number(0x7777, 1)),
    )
    yield (
        "good-no-sections",
        "stripped of its section headers",
        replace(good_both(), sections=False),
    )


CASES = all_cases()


_QEMU_ALONE = {name for name, *_ in (*others.multiboot_images(), *others.memory())}


def asked_of(loader: str) -> list[Case]:
    """Return the cases that are given to a live loader: to Xen not those that only QEMU reads.

    Both builders of dom0 unpack and parse an image by the same functions.  Of the cases that both
    refuse with the same words, each gets one half; XEN_TOOL_ALL_CASES=1 gives all to both.
    """
    if loader == QEMU:
        return list(CASES)
    cases = [case for case in CASES if case.id not in _QEMU_ALONE]
    if os.environ.get("XEN_TOOL_ALL_CASES"):
        return cases
    return [case for case in cases if _halves().get(case.id, loader) == loader]


@functools.cache
def _halves() -> Mapping[str, str]:
    """Return, by id, the one builder of dom0 that gets a case; none for a case for both."""
    by_words: dict[str, list[str]] = {}
    for case in CASES:
        with unwrap(case.id, Data.of_bytes(case.image)) as kernel:
            first, second = (judge(kernel, loader, Xen()) for loader in DOM0)
        if first.refusal and second.refusal and first.message == second.message:
            by_words.setdefault(f"{first.rule} {first.message}", []).append(case.id)
    groups = (ids for ids in by_words.values() if len(ids) > 1)
    return {name: DOM0[number % 2] for ids in groups for number, name in enumerate(ids)}
