# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""No check of the guest's self-test passes whatever the guest does.

Each is turned red by a change of the guest (mutations.py), on real Xen: one
batch of boots, some at a time.  A file is compiled and the image is linked by
the commands that SCons printed, because a run of SCons for each would take
longer than the boots.
"""

from __future__ import annotations

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
"""How many boots; each waits for some of its time."""


class Build:
    """A built kernel, and how each of its parts was made."""

    def __init__(self, top: Path) -> None:
        project = reference_kernel(top)
        out = project.scons("ARCH=x86_64", "XEN_PVH=1", "V=1").out
        self.top = top
        commands = [shlex.split(line) for line in out.splitlines() if line.startswith("/")]
        self._commands = {command[-1]: command for command in commands if "-o" in command}
        self._link = next(command for command in commands if str(IMAGE) in command)

    def mutated(self, mutation: Mutation, top: Path) -> Path:
        """The image with a mutation, made in the folder top."""
        for folder in ("arch", "build"):
            shutil.copytree(self.top / folder, top / folder)
        source = GUEST / mutation.path
        text = (top / source).read_text()
        (top / source).write_text(text.replace(mutation.old, mutation.new))
        for command in (self._commands[str(source)], self._link):
            subprocess.run(command, cwd=top, check=True, capture_output=True, text=True)
        return top / IMAGE


def _red(build: Build, mutation: Mutation, top: Path) -> set[str]:
    """The names of the checks that fail with a mutation."""
    lines: list[str] = []
    image = build.mutated(mutation, top)
    boot(image, mode=mutation.mode, cpus=mutation.cpus, timeout=60, echo=lines.append)
    shutil.rmtree(top)
    return {match[1] for line in lines if (match := re.match(r"FAIL (\w+):", line))}


@pytest.fixture(scope="module")
def red(
    xen_under_qemu: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, set[str]]:
    """What fails with the mutation of each check that was asked for."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    names = {i.callspec.id for i in items if i.originalname == test_the_check_turns_red.__name__}
    asked = [mutation for mutation in MUTATIONS if mutation.check in names]
    top = tmp_path_factory.mktemp("mutations")
    build = Build(top / "build")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda one: _red(build, one, top / one.check), asked)
        return {mutation.check: names for mutation, names in zip(asked, found, strict=True)}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.check)
def test_the_check_turns_red(red: dict[str, set[str]], mutation: Mutation) -> None:
    assert mutation.check in red[mutation.check]


def test_every_check_has_a_mutation() -> None:
    checks = []
    for path in (TOP / GUEST / "checks").glob("*.c"):
        checks += re.findall(r'^\t\{"(\w+)", \w+\},$', path.read_text(), re.MULTILINE)
    mutated = [mutation.check for mutation in MUTATIONS]
    assert sorted([*mutated, *UNPROVED_32]) == sorted(checks)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.check)
def test_what_is_replaced_stands_once(mutation: Mutation) -> None:
    assert (TOP / GUEST / mutation.path).read_text().count(mutation.old) == 1
