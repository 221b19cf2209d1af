# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of GRUB's commands multiboot and linux against GRUB itself, in one boot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from loaders import grub
from loaders.rows import IMAGES
from xen_tool.debian.hypervisor import default_roots
from xen_tool.image.container import unwrap
from xen_tool.image.data import Data
from xen_tool.loaders.model.candidate import candidates
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.names import GRUB_LINUX, GRUB_MULTIBOOT, GRUB_XEN
from xen_tool.loaders.verdict import judge, rules_of

pytestmark = pytest.mark.boot

_HANGS = {"Q1-addresses-bss-end"}
"""GRUB itself crashes."""
ASKED = {
    GRUB_MULTIBOOT: [
        *(n for n in IMAGES if n.startswith(("Q1-", "K1-", "G3-")) and n not in _HANGS),
        *("good-both", "Z3-empty"),
    ],
    # GRUB's heap breaks with the tests' other bzImages, whose init_size no machine has.
    GRUB_LINUX: ["good-both", "G4-short", "R10-cut", "Z1-protocol-2.08", "G4-fits"],
}


def test_live_are_the_rules_that_grub_is_asked_of() -> None:
    for loader, names in ASKED.items():
        live = set()
        for name in names:
            with unwrap(name, Data.of_bytes(IMAGES[name])) as kernel:
                (candidate,) = candidates(kernel, Xen(), [loader])
                live.add(next(id(r) for r in rules_of(loader) if r.apply(candidate) is not None))
        assert {id(rule) for rule in rules_of(loader) if rule.live} == live
    assert not any(rule.live for rule in rules_of(GRUB_XEN))


def test_it_agrees(tmp_path: Path) -> None:
    qemu, mkimage = shutil.which("qemu-system-x86_64"), shutil.which("grub-mkimage")
    roots = (root / "usr/lib/grub/i386-pc" for root in default_roots())
    modules = next((root for root in roots if (root / "lnxboot.img").exists()), None)
    if not qemu or not mkimage or not modules:
        pytest.skip("QEMU, or GRUB for a PC (Debian's grub-pc-bin, grub-common) is not installed")
    asked = {
        f"{loader} {name}": (loader.removeprefix("grub-"), IMAGES[name])
        for loader, names in ASKED.items()
        for name in names
    }
    answers = grub.ask(asked, qemu, mkimage, modules, tmp_path)
    assert list(answers) == list(asked)
    wrong = []
    for key, answer in answers.items():
        loader, name = key.split()
        with unwrap(name, Data.of_bytes(IMAGES[name])) as kernel:
            verdict = judge(kernel, loader, Xen())
        # GRUB ends "premature end of file" with the file's name.
        agrees = answer.words.startswith(verdict.message or "")
        if verdict.accepted != answer.taken or not agrees:
            wrong.append(f"{key}: {answer}, predicted: {verdict}")
    assert wrong == [], "\n".join(wrong)
