# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""With --json the standard output has nothing but the document, whatever is built for it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from project import Project

REST = """
env.Command("made.h", [], "echo '#define MADE' | tee $TARGET; echo told by a command")
env.Default(env.XenImage("k", "a.c", script="k.lds", loaders="none"))
env.XenCheck("check", DEFAULT_TARGETS[0])
env.XenConfigTargets()
print("told by the SConstruct")
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("json"))
    project.write_small(REST)
    project.write("a.c", '#include "made.h"\nint a;\n')
    return project


@pytest.mark.parametrize(
    "words", [["size"], ["check"], ["reproducible"], ["why", "TARGET=k", "A"], ["listconfig"]]
)
def test_standard_output_is_the_document(project: Project, words: list[str]) -> None:
    shutil.rmtree(project.top / "build", ignore_errors=True)
    (project.top / "made.h").unlink(missing_ok=True)
    run = project.run(*words, "--json")
    assert run.status == 0, run.err
    assert isinstance(json.loads(run.out), dict)
    assert "told by the SConstruct" in run.err
    if words[0] in ("size", "check"):
        assert "told by a command" in run.err
        assert "  CC      build/x86_64/a.o\n" in run.err


def test_standard_output_of_sconsw_is_the_document(project: Project) -> None:
    shutil.rmtree(project.top / "build", ignore_errors=True)
    run = project.shell(f"{Path(sys.executable).parent}/xen-tool build size --json")
    assert run.returncode == 0
    assert json.loads(run.stdout)["image"] == "build/x86_64/k"
    assert "scons: done building targets." not in run.stdout
