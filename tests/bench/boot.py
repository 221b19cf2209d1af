# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Measure the parts of a boot's time, and how options of Xen and QEMU change it.

    python tests/bench/boot.py IMAGE [--rounds 5] [--mode pv] [--cpus 2]
        [--try 'name: xen WORDS' ...] [--try 'name: qemu WORDS' ...]

Two tables, in milliseconds.  The first is of whole runs of `xen-tool boot IMAGE`, by parts: the
median and the least of the rounds.  The second compares, in turn, a boot as it is with one that has
an option more (OPTIONS, or those of --try): the least processor time of QEMU, on which others have
little influence, and the median of the time that passes.  Each must pass, or it is left out.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

SITE = Path(__file__).resolve().parents[2] / "site_scons"
sys.path.insert(0, str(SITE))

from xen_tool.boot.boot import boot  # noqa: E402
from xen_tool.boot.boot_settings import BootSettings  # noqa: E402

OPTIONS = (
    "no EDD: xen edd=off",
    "no EDID: xen edid=no",
    "no trip to real mode: xen no-real-mode",
    "no mitigations: xen spec-ctrl=no xpti=no",
    "PM timer: xen clocksource=acpi",
    "null scheduler: xen sched=null",
    "no watchdog, no microcode: xen watchdog=0 ucode=no",
    "quiet Xen: xen loglvl=none",
    "no HPET: qemu -machine hpet=off",
    "faster serial line: qemu -global serial.baudbase=1000000",
    "256 ns an instruction: qemu -icount shift=8,sleep=off",
    "1024 ns an instruction: qemu -icount shift=10,sleep=off",
    "real clock: qemu -icount shift=auto,sleep=on",
    "small code buffer: qemu -accel tcg,tb-size=32",
    "one thread: qemu -accel tcg,thread=single",
    "no option ROMs: qemu -machine smbus=off,pit=on -boot strict=on",
)

# What a run's process does: as xen-tool does, with the time at each step.
_RUN = """
import json, sys, time
marks = {}
def mark(name):
    marks.setdefault(name, time.monotonic())
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import contextlib
from xen_tool.boot import boot as booting
mark('imported')
running = booting.running
@contextlib.contextmanager
def timed(*words, **named):
    mark('laid out')
    with running(*words, **named) as machine:
        mark('QEMU started')
        yield machine
    mark('QEMU ended')
booting.running = timed
def echo(line):
    mark('first line')
    if not line.startswith('(XEN)') and 'xen' in line[:4].lower():
        mark('guest')
    if line.startswith('(XEN)'):
        mark('Xen')
    if line.startswith('RESULT:'):
        mark('result')
outcome = booting.boot(Path(sys.argv[2]), mode=sys.argv[3], cpus=int(sys.argv[4]), echo=echo)
mark('verdict')
print(json.dumps([outcome.passed, outcome.reason, marks]))
"""

PARTS = (
    ("ours: Python and imports", "start", "imported"),
    ("ours: copies, Xen unpacked", "imported", "laid out"),
    ("QEMU's start, BIOS, loading", "laid out", "Xen"),
    ("Xen's start", "Xen", "guest"),
    ("the guest and its checks", "guest", "result"),
    ("QEMU's end", "result", "QEMU ended"),
    ("ours: the verdict", "QEMU ended", "verdict"),
    ("ours: Python's end", "verdict", "end"),
    ("all", "start", "end"),
)


def parts(image: str, mode: str, cpus: int) -> Mapping[str, float]:
    """Boot in a new process; return the milliseconds of each part of the run."""
    start = time.monotonic()
    command = [sys.executable, "-c", _RUN, str(SITE), image, mode, str(cpus)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    end = time.monotonic()
    passed, reason, marks = json.loads(output.splitlines()[-1])
    if not passed:
        sys.exit(f"{image}: {reason}")
    marks |= {"start": start, "end": end}
    return {name: (marks[after] - marks[before]) * 1000 for name, before, after in PARTS}


def cost(image: str, mode: str, cpus: int, more: Mapping[str, str]) -> tuple[float, float] | None:
    """Return processor time of QEMU and elapsed time, in ms; None if the guest does not pass."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    outcome = boot(Path(image), mode=mode, cpus=cpus, settings=BootSettings.parse(more))
    passed = (time.monotonic() - start) * 1000
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (used * 1000, passed) if outcome.passed else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Says where the time of a boot goes.")
    parser.add_argument("image")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mode", default="pv")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--try", dest="options", action="append", metavar="NAME: xen|qemu WORDS")
    typed = parser.parse_args(arguments)
    runs = [parts(typed.image, typed.mode, typed.cpus) for _ in range(typed.rounds)]
    print(f"{'part':32} {'median':>7} {'least':>7}")
    for name, _, _ in PARTS:
        times = [run[name] for run in runs]
        print(f"{name:32} {statistics.median(times):7.0f} {min(times):7.0f}")
    print(f"\n{'option':32} {'QEMU':>7} {'with it':>7} {'gain':>7} {'passes':>8} {'with it':>7}")
    for option in typed.options or OPTIONS:
        name, _, words = option.partition(": ")
        program, _, value = words.partition(" ")
        plain: list[tuple[float, float]] = []
        other: list[tuple[float, float]] = []
        for _ in range(typed.rounds):
            for more, found in (({}, plain), ({f"{program}_options": value}, other)):
                figures = cost(typed.image, typed.mode, typed.cpus, more)
                if figures:
                    found.append(figures)
        if len(other) < typed.rounds:
            print(f"{name:32} does not pass")
            continue
        used, used_with = (min(used for used, _ in found) for found in (plain, other))
        passes, passes_with = (statistics.median(p for _, p in found) for found in (plain, other))
        gain = used - used_with
        print(
            f"{name:32} {used:7.0f} {used_with:7.0f} {gain:7.0f} {passes:8.0f} {passes_with:7.0f}"
        )


if __name__ == "__main__":
    main()
