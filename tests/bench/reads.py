# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compare the files that strace sees steps of many builds read with the recorded ones.

    python tests/bench/reads.py --trees N --seed S --toolchain gcc|clang|zig

Builds the reference kernel, the tree with every way to read a file, and N random trees from
seed S on.  Prints counts, the files that were read and not recorded, those that were not
recorded but of a step that says so and runs again, and those that were recorded and not
read.  Status 1 if a file was missed, or recorded although nothing explains it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "site_scons"))

from project import Project, reference_kernel
from strace.hard import hard, random_tree
from strace.opened import Reads, build
from xen_tool.toolchain.programs import NAMES


def main() -> int:
    """Build, compare and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--trees", type=int, default=20, metavar="N", help="random trees (20)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the first (0)")
    parser.add_argument("--toolchain", choices=NAMES, default="gcc")
    options = parser.parse_args()
    toolchain: str = options.toolchain
    trees: dict[str, Callable[[Path], Project]] = {
        "kernel": reference_kernel,
        "hard": lambda top: hard(top, toolchain),
    }
    for seed in range(options.seed, options.seed + options.trees):
        trees[f"seed {seed}"] = lambda top, seed=seed: random_tree(top, seed, toolchain)  # type: ignore[misc]
    total = Reads()
    for name, make in trees.items():
        with tempfile.TemporaryDirectory() as folder:
            top = make(Path(folder) / "tree").top
            reads = build(top, Path(folder) / "work", toolchain)
        for what, lines in (("missed", reads.missing), ("unexplained", reads.unexplained)):
            for line in lines:
                print(f"{name}: {what}: {line}", flush=True)
        total += reads
    print(f"{toolchain}: {len(trees)} trees, {total.steps} steps, {total.opened} files read")
    print(f"  read and not recorded            {len(total.missing)}")
    print(f"  the same of steps that say so    {len(total.admitted)}")
    print(f"  recorded and not read            {len(total.unopened)}")
    for path, count in Counter(line.partition(": ")[2] for line in total.unopened).most_common(20):
        print(f"    {count:4} {path}")
    return 1 if total.missing or total.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
