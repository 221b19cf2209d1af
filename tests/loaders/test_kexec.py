# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of kexec, compared with what Debian's kexec would load.

The package is unpacked, not installed: installed, it may take over the machine's reboots.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders import kexec
from loaders.cases import CASES
from loaders.rows import IMAGES
from loaders.rows import kexec as rows
from programs import program
from xen_tool.boot.console.console import tell
from xen_tool.debian.packages import fetched, library_path
from xen_tool.errors import XenToolError
from xen_tool.image.container import unwrap
from xen_tool.image.data import Data
from xen_tool.loaders.model.candidate import candidates
from xen_tool.loaders.model.kexec.memory import is_moved, places
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.names import KEXEC
from xen_tool.loaders.rules.rule import Effect
from xen_tool.loaders.verdict import judge, rules_of

pytestmark = pytest.mark.build

_ELF = [case.id for case in CASES if not case.id.startswith(("Z", "Q11-"))]
_HANGS = "G7-tag-size-0"
_NAMES = dict.fromkeys((*_ELF, *rows.IMAGES, *(row.image for row in rows.ROWS)))
ASKED = tuple(name for name in _NAMES if name != _HANGS)
"""kexec knows no container, so only the containers of the rows are tried.

Left out are the images of Q11, of whose gigabytes of zeros kexec computes a hash, and an image on
which kexec hangs.
"""
_TAKEN = "kexec_load failed: Operation not permitted"
_UNSEEN = {"_behind_ram", "_dead", "_entered"}
"""Conditions that kexec does not report: memory of another machine, a guest that cannot run."""


@pytest.fixture(scope="module")
def real_kexec() -> Path:
    """The folder in which Debian's kexec-tools is unpacked."""
    program("bwrap")
    program("strace")
    try:
        return fetched(("kexec-tools",), tell) / "sysroot"
    except XenToolError as error:
        pytest.skip(str(error))


def test_it_agrees(real_kexec: Path, tmp_path: Path) -> None:
    program, libraries = real_kexec / "sbin/kexec", library_path(real_kexec)
    outputs = kexec.ask({name: IMAGES[name] for name in ASKED}, program, libraries, tmp_path)
    wrong, found = [], set()
    for name in ASKED:
        with unwrap(name, Data.of_bytes(IMAGES[name])) as kernel:
            verdict = judge(kernel, KEXEC, Xen())
            (candidate,) = candidates(kernel, Xen(), [KEXEC])
            for rule in rules_of(KEXEC):
                if rule.apply(candidate) is not None:
                    found.add(id(rule))
                    if rule.effect is Effect.REFUSED or rule.last:
                        break
            words = [verdict.message or "", *(e.message for e in verdict.errors if e.id == "J7")]
            if verdict.accepted and not any(w.id == "J4" for w in verdict.warnings):
                there = [
                    f".mem   = {place.start:#x}\n" in outputs[name] for place in places(candidate)
                ]
                if not all(there) and not is_moved(candidate):
                    wrong.append(
                        f"{name}: not all segments are where they should be: {outputs[name]}"
                    )
        agrees = verdict.accepted == (_TAKEN in outputs[name])
        if not agrees or not all(word in outputs[name] for word in words):
            wrong.append(f"{name}: {outputs[name]}, predicted: {verdict}")
    assert wrong == [], "\n".join(wrong)
    seen = {id(r) for r in rules_of(KEXEC) if r.condition.__name__ not in _UNSEEN}
    assert found & seen == {id(rule) for rule in rules_of(KEXEC) if rule.live}
