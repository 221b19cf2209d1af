# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Walk at random through a dev loop, and count stale images.

    python tests/bench/walk.py --seeds 0-99 --steps 200 --resume FILE

Prints for each kind of step how often it was tried, and how often something was wrong
after it: a stale image, a run that failed, did too much or crashed.  Where several kinds
stand between two right images, each of them counts.  FILE stores the results of seeds,
and a run with the same FILE continues after them.  --verbose prints every step; a walk does
the same for the same seed.  Status 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "site_scons"))

from devloop.check import SORTS
from devloop.runs import BuildCommand, build_commands
from devloop.walk import Tally, Walk, names

TOOL = Path(sys.path[0])


def walk(seed: int, options: argparse.Namespace, commands: list[BuildCommand]) -> Tally:
    """Walk once in a temporary folder, which --keep keeps if something was wrong."""
    start = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix=f"walk{seed}-"))
    one = Walk(
        seed,
        folder,
        commands,
        real=options.real,
        foreign=options.foreign,
        without=options.without,
        verify_every=options.verify_every,
    )
    try:
        tally = one.run(options.steps, stop=options.stop)
    finally:
        if options.verbose:
            print("\n".join(one.log), flush=True)
    if options.keep and tally.reports:
        print(f"seed {seed}: the tree is in {folder}")
    else:
        shutil.rmtree(folder)
    steps, seconds = sum(tally.tried.values()), time.monotonic() - start
    print(f"seed {seed}: {steps} steps, {len(tally.reports)} wrong, {seconds:.0f} s", flush=True)
    for report in tally.reports:
        print(f"\n{report}\n", flush=True)
    return tally


def table(tallies: Sequence[Tally], kinds: Sequence[str]) -> Iterator[str]:
    """Yield a line for each kind, with the number of each fault after it."""
    yield f"{'kind of step':<58}{'tried':>7}" + "".join(f"{sort:>8}" for sort in SORTS)
    total = dict.fromkeys(("tried", *SORTS), 0)
    for name in kinds:
        tried = sum(tally.tried.get(name, 0) for tally in tallies)
        counts = [sum(t.wrong.get(name, {}).get(sort, 0) for t in tallies) for sort in SORTS]
        if tried:
            yield f"{name:<58}{tried:>7}" + "".join(f"{count or '-':>8}" for count in counts)
        total["tried"] += tried
    for tally in tallies:
        for report in tally.reports:
            sort = report.split(": ")[1]
            total[sort] += 1
    yield f"{'all steps, and how often it went wrong':<58}" + "".join(
        f"{count:>{7 if name == 'tried' else 8}}" for name, count in total.items()
    )


def read(path: Path | None, steps: int) -> dict[int, Tally]:
    """Return the results of finished seeds with a number of steps, from a file of JSON lines."""
    if path is None or not path.exists():
        return {}
    rows = map(_row, path.read_text().splitlines())
    return {r["seed"]: Tally(**r["tally"]) for r in rows if r is not None and r["steps"] == steps}


def _row(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        # Half a line of a run that was killed.
        return None


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> int:
    """Walk, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=_seeds, default=range(100), help="A-B (0-99)")
    parser.add_argument("--steps", type=int, default=200, help="of each seed (%(default)s)")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keeps what seeds came to")
    parser.add_argument("--jobs", type=int, default=2, help="walks at a time (%(default)s)")
    parser.add_argument("--tool", type=Path, default=TOOL, help="another site_scons folder")
    parser.add_argument("--command", help="scons, or 'xen-tool build' (both in turn)")
    parser.add_argument("--real", action="store_true", help="with gcc and ld of this machine")
    parser.add_argument("--foreign", action="store_true", help="also what only SCons looks after")
    parser.add_argument("--without", action="append", default=[], help="a kind of step; repeatable")
    parser.add_argument("--verify-every", type=int, default=50, help="steps between clean builds")
    parser.add_argument("--stop", action="store_true", help="a walk ends where something is wrong")
    parser.add_argument("--keep", action="store_true", help="trees in which something was wrong")
    parser.add_argument("--verbose", action="store_true", help="prints every step")
    options = parser.parse_args()
    kinds = names(real=options.real)
    if unknown := set(options.without) - set(kinds):
        parser.error(f"no such kind of step: {', '.join(unknown)}; there are:\n" + "\n".join(kinds))
    commands = [
        c for c in build_commands(options.tool.resolve()) if options.command in (None, c.name)
    ]
    if not commands:
        parser.error(f"this tool has no {options.command}")
    done = read(options.resume, options.steps)
    todo = [seed for seed in options.seeds if seed not in done]
    with ThreadPoolExecutor(options.jobs) as pool:
        tallies = pool.map(lambda seed: walk(seed, options, commands), todo)
        for seed, tally in zip(todo, tallies, strict=True):
            done[seed] = tally
            if options.resume is not None:
                row = {"seed": seed, "steps": options.steps, "tally": asdict(tally)}
                with options.resume.open("a") as file:
                    file.write(f"\n{json.dumps(row)}")
    walked = [done[seed] for seed in options.seeds]
    print("\n".join(table(walked, kinds)))
    return 1 if any(tally.reports for tally in walked) else 0


if __name__ == "__main__":
    sys.exit(main())
