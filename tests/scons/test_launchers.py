# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""CC_LAUNCHER=: real ccache and sccache, which must make what the compiler alone makes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from programs import program
from project import Run

from .embedding import CHANGES, change, made, tree

LAUNCHERS = ("ccache", "sccache")
COMPILERS = ("gcc", "clang")


class Launched:
    """A tree, and a launcher with an empty cache of its own."""

    def __init__(self, folder: Path, launcher: str, compiler: str) -> None:
        self.launcher = launcher
        self.project = tree(folder / "tree")
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        self.words = (f"TOOLCHAIN={compiler}",)
        self.environment = {
            "PATH": path,
            "HOME": str(folder),
            "CCACHE_DIR": str(folder / "ccache"),
            "SCCACHE_DIR": str(folder / "sccache"),
            "SCCACHE_SERVER_UDS": str(folder / "socket"),
            "SCCACHE_IDLE_TIMEOUT": "120",
        }

    def scons(self, *words: str, **environment: str) -> Run:
        run = self.project.run(
            f"CC_LAUNCHER={self.launcher}", *self.words, *words, **self.environment, **environment
        )
        assert run.status == 0, run.out + run.err
        return run

    def alone(self, *words: str) -> dict[str, bytes]:
        """Build without a launcher in a folder of its own; return the outputs."""
        run = self.project.run("O=alone", *self.words, *words, **self.environment)
        assert run.status == 0, run.out + run.err
        return self.made("alone")

    def made(self, folder: str = "build/x86_64") -> dict[str, bytes]:
        return made(self.project, folder)

    def again(self) -> Run:
        """Remove all outputs, and build with the launcher and what its cache has."""
        shutil.rmtree(self.project.top / "build")
        return self.scons()

    def hits(self) -> int:
        if self.launcher == "ccache":
            statistics = self.run("ccache", "--print-stats")
            pairs = dict(line.split("\t") for line in statistics.splitlines())
            return int(pairs["direct_cache_hit"]) + int(pairs["preprocessed_cache_hit"])
        statistics = self.run("sccache", "--show-stats", "--stats-format=json")
        return sum(json.loads(statistics)["stats"]["cache_hits"]["counts"].values())

    def run(self, *command: str) -> str:
        environment = {**os.environ, **self.environment}
        program = shutil.which(command[0], path=environment["PATH"])
        assert program
        return subprocess.run(
            [program, *command[1:]], env=environment, capture_output=True, text=True, check=True
        ).stdout


@pytest.fixture(params=[(each, name) for each in LAUNCHERS for name in COMPILERS], ids="-".join)
def launched(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Launched]:
    program(request.param[1])
    found = Launched(tmp_path, *request.param)
    yield found
    if found.launcher == "sccache":
        found.run("sccache", "--stop-server")


@pytest.fixture
def by_ccache(tmp_path: Path, gcc: str) -> Launched:
    return Launched(tmp_path, "ccache", "gcc")


def test_the_same_is_made_whatever_changes(launched: Launched) -> None:
    first = launched.scons()
    assert "seen" in first.out + first.err
    assert launched.made() == launched.alone()
    # A build from nothing takes the objects from the cache, with warnings and their colours.
    run = launched.again()
    assert launched.hits() >= 2
    assert "\x1b[" in run.out + run.err
    assert launched.made() == launched.alone()
    project = launched.project
    for name, text in CHANGES:
        change(project, name, text)
        launched.scons()
        made = launched.made()
        assert made == launched.alone(), name
        launched.again()
        assert launched.made() == made, name
    assert launched.scons().steps == []
    before = launched.made()
    launched.scons("A=1")
    assert launched.made() == launched.alone("A=1") != before


def test_a_change_of_a_launchers_settings_makes_steps_dirty(by_ccache: Launched) -> None:
    by_ccache.scons()
    assert by_ccache.scons().steps == []
    run = by_ccache.scons(CCACHE_COMPILERCHECK="none")
    assert "CC main.o" in run.names
    story = by_ccache.scons("why", "TARGET=main.o", CCACHE_COMPILERCHECK="content").out
    assert "CCACHE_COMPILERCHECK" in story
    by_ccache.scons()
    configuration = Path(by_ccache.environment["CCACHE_DIR"], "ccache.conf")
    configuration.write_text("compiler_check = content\n")
    assert "CC main.o" in by_ccache.scons().names
    assert by_ccache.scons().steps == []


def test_compile_commands_name_the_compiler_without_the_launcher(by_ccache: Launched) -> None:
    by_ccache.scons()
    file = by_ccache.project.top / "build/x86_64/compile_commands.json"
    for entry in json.loads(file.read_text()):
        assert Path(entry["arguments"][0]).name.startswith("gcc")


def test_only_compilations_use_the_launcher(by_ccache: Launched) -> None:
    by_ccache.project.write("pre.h", "#define PRE 1\n")
    by_ccache.project.write("k.lds.S", (by_ccache.project.top / "k.lds").read_text())
    by_ccache.project.edit("SConstruct", 'script="k.lds"', 'script="k.lds.S"')
    by_ccache.project.edit("SConstruct", "objects =", 'env.XenObject("pre.h")\nobjects =')
    shown = by_ccache.scons("V=1", "all").out.splitlines()
    lines = {line.split()[-1]: "ccache" in line for line in shown if "/gcc " in line}
    del lines["blob.S"]
    assert lines == {
        **dict.fromkeys(("main.c", "embed.c", "both.cpp"), True),
        **dict.fromkeys(("k.lds.S", "pre.h"), False),
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["CC_LAUNCHER=nowhere"], "nowhere: no such compiler launcher in PATH"),
        (["CC_LAUNCHER=ccache", "TOOLCHAIN=zig"], "zig has a cache of its own"),
        (["CC_LAUNCHER="], "CC_LAUNCHER= has no value"),
    ],
)
def test_wrong_words(by_ccache: Launched, words: list[str], message: str) -> None:
    run = by_ccache.project.run(*words, **by_ccache.environment)
    assert run.status == 2
    assert message in run.err
