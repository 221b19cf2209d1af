# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Random source trees: the scanner must find the files that gcc -M lists.

XEN_TOOL_TREES=N tries so many trees; XEN_TOOL_FIRST_TREE=N begins with another.
"""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

import pytest

from cpp.authority import found, gcc_reads, write
from cpp.trees import MAIN, UNKNOWN, VALUES, Generator, Tree

_COUNT = int(os.environ.get("XEN_TOOL_TREES", "120"))
_FIRST = int(os.environ.get("XEN_TOOL_FIRST_TREE", "0"))
_VALUES = [f"-D{name}={body}" for name, body in VALUES.items() if body is not None]
_WORLDS = [
    [f"-D{name}={body}" for name, body in zip(UNKNOWN, bodies, strict=True) if body]
    for bodies in itertools.product(("", "1", "2"), repeat=len(UNKNOWN))
]
"""Every way in which a compiler might define the unknown names."""


@pytest.mark.parametrize("seed", range(_FIRST, _FIRST + _COUNT))
def test_scanner_finds_what_gcc_reads(gcc: str, tmp_path: Path, seed: int) -> None:
    for attempt in itertools.count():
        tree = Generator(f"{seed}.{attempt}").tree()
        top = tmp_path / str(attempt)
        write(top, tree.files)
        worlds = [[]] if tree.decidable else random.Random(seed).sample(_WORLDS, 3)
        read = [gcc_reads(gcc, top, [*_VALUES, *tree.arguments, *w], main=MAIN) for w in worlds]
        # Some trees are no C.
        listed = [files for files in read if files is not None]
        if listed:
            _compare(tree, listed)
            return


def _compare(tree: Tree, listed: list[set[str]]) -> None:
    files = found(tree.files, tree.arguments, VALUES, main=MAIN)
    for expected in listed:
        assert expected <= files
    if tree.decidable:
        assert files == listed[0]
