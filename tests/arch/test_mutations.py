# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Every check of the guest's self-test fails for a mutation of the guest (mutations.py).

The mutated guests boot on real Xen.  One boot tests several mutations: a check that proves nothing
passes in spite of all of them.  A mutation whose check did not fail is tried again alone,
as an earlier check may have ended the guest.  The commands that SCons printed compile the files and
link the image, because a run of SCons takes longer than a boot.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arch.mutations import MUTATIONS, UNPROVED_32, Mutation
from booted import boot
from project import TOP, reference_kernel

GUEST = Path("arch/x86/xen")
IMAGE = Path("build/x86_64/vmlinux.unchecked")

AT_ONCE = 2 * (os.cpu_count() or 1)
"""How many boots run at once; each of them waits for a part of its time."""
LIMIT = 30
"""Seconds until a boot counts as a hang, which a mutation may cause after its check has failed."""
TOGETHER = 8
"""The most mutations in one boot."""

Group = list[Mutation]


class Build:
    """A built kernel, and the command that made each of its outputs."""

    def __init__(self, top: Path) -> None:
        project = reference_kernel(top)
        out = project.scons("ARCH=x86_64", "XEN_PVH=1", "V=1").out
        self.top = top
        commands = [shlex.split(line) for line in out.splitlines() if line.startswith("/")]
        self._commands = {command[-1]: command for command in commands if "-o" in command}
        self._link = next(command for command in commands if str(IMAGE) in command)

    def mutated(self, mutations: Group, top: Path) -> Path:
        """Return the image with these mutations, linked in the folder top."""
        for folder in ("arch", "build"):
            shutil.copytree(self.top / folder, top / folder)
        for path, text in _applied(mutations).items():
            (top / path).write_text(text)
        changed = {str(GUEST / mutation.path) for mutation in mutations}
        for command in [*(self._commands[source] for source in sorted(changed)), self._link]:
            subprocess.run(command, cwd=top, check=True, capture_output=True, text=True)
        return top / IMAGE


def _applied(mutations: Group) -> dict[Path, str]:
    """Return the changed files; raise ValueError if a text that is replaced is not there once."""
    texts: dict[Path, str] = {}
    for one in mutations:
        path = GUEST / one.path
        before, old, after = texts.get(path, (TOP / path).read_text()).partition(one.old)
        if not old or one.old in after:
            raise ValueError(one.check)
        texts[path] = before + one.new + after
    return texts


def _groups(mutations: Group) -> list[Group]:
    """Group mutations of the same mode and number of CPUs that do not change the same text."""
    groups: list[Group] = []
    for one in mutations:
        for number, group in enumerate(groups):
            same = (group[0].mode, group[0].cpus) == (one.mode, one.cpus)
            if same and len(group) < TOGETHER:
                with contextlib.suppress(ValueError):
                    _applied([*group, one])
                    groups[number] = [*group, one]
                    break
        else:
            groups.append([one])
    return groups


class _AllFailed(Exception):  # noqa: N818 - ends a boot
    """All checks have failed whose mutations are in the guest, so that the boot can end."""


def _red(build: Build, group: Group, top: Path) -> set[str]:
    """Return the names of the checks that fail with these mutations."""
    failed: set[str] = set()

    def echo(line: str) -> None:
        if match := re.match(r"FAIL (\w+):", line):
            failed.add(match[1])
            if failed.issuperset(one.check for one in group):
                raise _AllFailed

    first, image = group[0], build.mutated(group, top)
    with contextlib.suppress(_AllFailed):
        boot(image, mode=first.mode, cpus=first.cpus, timeout=LIMIT, echo=echo)
    shutil.rmtree(top)
    return failed


@pytest.fixture(scope="module")
def red(
    xen_under_qemu: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> set[str]:
    """The names of the checks that fail for the mutations of all selected tests."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    names = {
        i.callspec.id
        for i in items
        if i.originalname == test_the_check_fails_for_its_mutation.__name__
    }
    selected = [mutation for mutation in MUTATIONS if mutation.check in names]
    top = tmp_path_factory.mktemp("mutations")
    build = Build(top / "build")

    def failing(groups: list[Group]) -> set[str]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda group: _red(build, group, top / group[0].check), groups)
            return set[str]().union(*found)

    failed = failing(_groups(selected))
    return failed | failing([[one] for one in selected if one.check not in failed])


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.check)
def test_the_check_fails_for_its_mutation(red: set[str], mutation: Mutation) -> None:
    assert mutation.check in red


def test_every_check_has_a_mutation() -> None:
    checks = []
    for path in (TOP / GUEST / "checks").glob("*.c"):
        checks += re.findall(r'^\t\{"(\w+)", \w+\},$', path.read_text(), re.MULTILINE)
    mutated = [mutation.check for mutation in MUTATIONS]
    assert sorted([*mutated, *UNPROVED_32]) == sorted(checks)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.check)
def test_the_replaced_text_occurs_once(mutation: Mutation) -> None:
    assert (TOP / GUEST / mutation.path).read_text().count(mutation.old) == 1
