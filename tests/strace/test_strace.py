# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Every file that strace sees a step open is a recorded input, and few other files are."""

from __future__ import annotations

from pathlib import Path

import pytest

from programs import program
from project import reference_kernel
from strace.hard import embedding, hard, random_tree, thin
from strace.opened import Reads, build


@pytest.fixture(autouse=True)
def strace() -> None:
    """The authority on what a program opens."""
    program("strace")


def check(reads: Reads, *, steps: int) -> None:
    assert reads.steps >= steps
    # Each step opens its source at least.
    assert reads.opened >= reads.steps
    assert reads.missing == []
    assert reads.admitted == []
    assert reads.again == []
    assert reads.unexplained == []


def test_the_reference_kernel(tmp_path: Path, toolchain: str) -> None:
    kernel = reference_kernel(tmp_path / "kernel")
    check(build(kernel.top, tmp_path / "work", toolchain), steps=20)


def test_every_way_to_read_a_file(tmp_path: Path, toolchain: str) -> None:
    tree = hard(tmp_path / "tree", toolchain)
    check(build(tree.top, tmp_path / "work", toolchain), steps=12)


@pytest.mark.parametrize("seed", [1, 2])
def test_random_trees(tmp_path: Path, toolchain: str, seed: int) -> None:
    tree = random_tree(tmp_path / "tree", seed, toolchain)
    check(build(tree.top, tmp_path / "work", toolchain), steps=7)


def test_members_of_a_thin_archive(tmp_path: Path, toolchain: str) -> None:
    tree = thin(tmp_path / "tree")
    check(build(tree.top, tmp_path / "work", toolchain), steps=2)


@pytest.mark.parametrize("toolchain", ["zig"], indirect=True)
@pytest.mark.parametrize("name", ['" CONFIG_FW "', 'da" "ta'], ids=["symbol", "joined"])
def test_a_step_whose_reads_are_unknown_says_so(tmp_path: Path, toolchain: str, name: str) -> None:
    tree = embedding(tmp_path / "tree", f'asm(".incbin \\"{name}\\"");\n')
    reads = build(tree.top, tmp_path / "work", toolchain)
    assert (len(reads.missing), len(reads.admitted)) == (0, 1)
