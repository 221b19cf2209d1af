# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Concurrent steps, edits while a step runs, and builds that a signal ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from xen_tool.build.spawn import Children

from .engine import Engine, Shown, write

OVERLAP = """
mkdir -p running started
: > "started/$(basename "$out")"
: > "running/$(basename "$out")"
ls running | wc -l >> counts
turns=0
while [ "$(ls started | wc -l)" -lt 2 ] && [ $turns -lt 600 ]; do
    sleep 0.05; turns=$((turns + 1))
done
sleep 0.1
ls running | wc -l >> counts
rm "running/$(basename "$out")"
: > "$out"
"""
"""A script that waits until a second one runs, and writes the number of running ones."""

SLOW = """
if [ -e slow ]; then
    echo half > "$out"
    echo $$ > "pids/$(basename "$out").part"
    mv "pids/$(basename "$out").part" "pids/$(basename "$out")"
    exec sleep 1000
fi
cat "$@" > "$out"
"""
"""A script that runs for long if the file slow exists, and writes its process id."""


def counts() -> list[int]:
    return [int(line) for line in Path("counts").read_text().split()]


def test_as_many_steps_run_at_once_as_is_allowed_and_never_more(engine: Engine) -> None:
    targets = [engine.script(f"out/{number}", OVERLAP) for number in range(5)]
    shown = engine.build(*targets, jobs=2)
    assert sorted(shown.ended) == targets
    assert len(counts()) == 10
    assert max(counts()) == 2


def test_one_job_runs_one_step_after_another(engine: Engine) -> None:
    write("started/another")
    targets = [engine.script(f"out/{number}", OVERLAP) for number in range(3)]
    engine.build(*targets)
    assert set(counts()) == {1}


def test_a_failure_lets_what_runs_beside_it_end(engine: Engine) -> None:
    # A process with this ID exists until the runner has waited for it.
    wait = 'while [ ! -e pid ] || kill -0 "$(cat pid)"; do sleep 0.05; done 2> /dev/null'
    good = engine.script("out/good", f'{wait}; : > "$out"')
    bad = engine.script("out/bad", "echo $$ > pid.part; mv pid.part pid; exit 1")
    late = engine.script("out/late", ': > "$out"')
    shown = engine.build(good, bad, late, jobs=2)
    assert shown.failed == [bad]
    assert Path(good).exists()
    assert late not in shown.begun
    assert engine.build(good).begun == []


def test_an_input_that_is_edited_while_its_step_runs_leaves_it_dirty(engine: Engine) -> None:
    write("x", "one\n")
    program = 'cat "$@" > "$out"; if [ ! -e done ]; then : > done; echo two >> x; fi'
    target = engine.script("out/x", program, "x")
    shown = engine.build(target)
    assert shown.notes == {target: "x changed while it was read"}
    assert Path(target).read_text() == "one\n"
    assert engine.build(target).begun == [target]
    assert Path(target).read_text() == "one\ntwo\n"
    assert engine.build(target).begun == []


def test_a_header_that_is_edited_while_its_step_runs_leaves_it_dirty(
    engine: Engine, gcc: str
) -> None:
    write("a.h", "int one;\n")
    write("a.c", '#include "a.h"\n')
    Path("cc").write_text(
        f'#!/bin/sh\n{gcc} "$@" || exit\n'
        "if [ ! -e done ]; then : > done; echo 'int two;' >> a.h; fi\n"
    )
    Path("cc").chmod(0o755)
    wrapped = Engine(str(Path("cc").absolute()))
    target = wrapped.compile("a")
    assert wrapped.build(target).notes == {target: "a.h changed while it was read"}
    assert wrapped.build(target).begun == [target]
    assert wrapped.build(target).begun == []


def test_an_edit_that_is_reverted_while_the_step_runs_costs_at_most_one_more_run(
    engine: Engine,
) -> None:
    write("x", "one\n")
    program = 'cat "$@" > "$out"; if [ ! -e done ]; then : > done; echo two > x; echo one > x; fi'
    target = engine.script("out/x", program, "x")
    engine.build(target)
    engine.build(target)
    assert engine.build(target).begun == []
    assert Path(target).read_text() == "one\n"


def interrupted(engine: Engine, number: int, *targets: str) -> tuple[Shown, list[int]]:
    """Build; send a signal when a step of each target runs; return build and process IDs."""
    os.makedirs("pids")
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    pids: list[int] = []

    def send() -> None:
        names = [os.path.basename(target) for target in targets]
        while not all(os.path.exists(f"pids/{name}") for name in names):
            time.sleep(0.01)
        pids.extend(int(Path("pids", name).read_text()) for name in names)
        os.write(writer, bytes([signal.SIGCHLD, number]))

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    shown = engine.build(*targets, jobs=len(targets), signals=reader)
    thread.join()
    os.close(reader)
    os.close(writer)
    return shown, pids


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_commands_and_the_next_build_recovers(
    engine: Engine, number: int
) -> None:
    for name in ("x", "y"):
        write(name, "content\n")
    targets = [engine.script(f"out/{name}", SLOW, name) for name in ("x", "y")]
    write("slow")
    shown, pids = interrupted(engine, number, *targets)
    assert shown.result.interrupted == number
    assert len(pids) == 2
    for pid in pids:
        # Not even a zombie is left.
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    left = {path.name for path in Path("out").iterdir()}
    assert left <= {".lock", ".build.db"}
    os.unlink("slow")
    again = engine.build(*targets)
    assert again.begun == targets
    assert [Path(target).read_text() for target in targets] == ["content\n"] * 2
    assert engine.build(*targets).begun == []


def test_what_was_made_before_a_signal_came_is_not_made_again(engine: Engine) -> None:
    write("x", "content\n")
    first = engine.joined("out/first", "x")
    target = engine.script("out/x", SLOW, first)
    write("slow")
    shown, _ = interrupted(engine, signal.SIGTERM, target)
    assert shown.begun == [first, target]
    os.unlink("slow")
    assert engine.build(target).begun == [target]


@pytest.mark.parametrize("end", ["kill -TERM $$", "exit 143"])
def test_a_command_that_ends_by_the_same_signal_has_not_failed(engine: Engine, end: str) -> None:
    # As with Ctrl-C, which all processes of the terminal get: the end of a command may be
    # noticed before the signal.
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    target = engine.script("out/x", f": > ends; {end}")

    def send() -> None:
        while not os.path.exists("ends"):
            time.sleep(0.001)
        time.sleep(0.02)
        os.write(writer, bytes([signal.SIGTERM]))

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    shown = engine.build(target, signals=reader)
    thread.join()
    assert (shown.result.failures, shown.result.interrupted) == ([], signal.SIGTERM)
    assert shown.errors == {}
    assert [name for name in os.listdir("out") if name.endswith(".part")] == []
    os.close(reader)
    os.close(writer)


def test_another_signal_does_not_end_a_build(engine: Engine) -> None:
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    os.write(writer, bytes([signal.SIGCHLD, signal.SIGWINCH]))
    target = engine.script("out/x", 'sleep 0.1; : > "$out"')
    shown = engine.build(target, signals=reader)
    assert shown.result.interrupted == 0
    assert Path(target).exists()
    os.close(reader)
    os.close(writer)


def test_a_pipe_of_slots_may_be_descriptor_0() -> None:
    """A pipe gets descriptor 0 if the standard input is closed."""
    reader, writer = os.pipe()
    before = os.dup(0)
    children = Children({}, (), -1)
    os.dup2(reader, 0)
    try:
        children.start("job", ["/bin/sleep", "10"])
        os.write(writer, b"+")
        assert children.wait(also=0) == []
        assert children.wait(also=0) == []
        (ended,) = children.stop()
        assert ended.status == -signal.SIGTERM
    finally:
        os.dup2(before, 0)
        for descriptor in (reader, writer, before):
            os.close(descriptor)
