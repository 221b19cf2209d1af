# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Boots an image again and again, more at once than there are processors, and counts.

    python tests/boot/soak.py build/x86_64/vmlinux [--runs 200] [--at-once 6] [--mode pv]

For guests that lose an event now and then: their machines' clock is the real one here, so that no
two runs are the same.  By hand only; the status is 0 if all passed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "site_scons"))

from xen_tool.boot.boot import boot
from xen_tool.boot.modes import named
from xen_tool.boot.outcome import Outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures; returns the exit status."""
    parser = argparse.ArgumentParser(description="Boots an image again and again, and counts.")
    parser.add_argument("image", type=Path)
    parser.add_argument("--runs", type=int, default=200, metavar="N")
    parser.add_argument("--at-once", type=int, default=6, metavar="N")
    parser.add_argument("--mode", default="pv")
    parser.add_argument("--cpus", type=int, default=2, metavar="N")
    options = parser.parse_args(arguments)
    mode = named(options.mode)._replace(real_time=True)

    def run(_: int) -> Outcome:
        return boot(options.image, mode=mode, cpus=options.cpus)

    start = time.monotonic()
    outcomes = []
    with ThreadPoolExecutor(options.at_once) as pool:
        for outcome in pool.map(run, range(options.runs)):
            outcomes.append(outcome)
            if sys.stderr.isatty():
                print(f"\r{len(outcomes)} of {options.runs}", end="\r", file=sys.stderr)
    passed = sum(outcome.passed for outcome in outcomes)
    seconds = [outcome.seconds for outcome in outcomes]
    print(f"{mode.name}: {passed} of {options.runs} passed, {options.at_once} at once")
    print(
        f"seconds each: median {statistics.median(seconds):.2f}, most {max(seconds):.2f}; "
        f"in all {time.monotonic() - start:.0f}"
    )
    for reason, times in Counter(o.reason for o in outcomes if not o.passed).most_common():
        print(f"{times} times: {reason}")
    return int(passed != options.runs)


if __name__ == "__main__":
    sys.exit(main())
