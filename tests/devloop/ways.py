# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Ways: events between a change and the run that must make the right image.

Mostly there is none; else a run that is killed, edits during a run, two runs at a time, or
a run of another kind.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import edits, texts
from .kinds import save
from .runs import BuildCommand
from .tree import BUILD, IMAGE, Snapshot, Tree


@dataclass
class Round:
    """One round of a walk: what a way needs to know, and the faults that it found."""

    tree: Tree
    commands: list[BuildCommand]
    before: Snapshot
    """The project before this round's steps."""
    symbols: dict[str, str]
    """NAME=value of the command line, before this round's steps."""
    complaints: list[str] = field(default_factory=list)
    """Faults of the runs that the way itself started, in words."""

    def command(self) -> BuildCommand:
        """Return one of the commands that build, at random."""
        return self.tree.pick(self.commands)

    def arguments(self, *more: str) -> list[str]:
        """Return the arguments for a run: those of the tree, a random -jN, and more."""
        return [*self.tree.arguments(), f"-j{self.tree.pick([1, 2, 3])}", *more]


@dataclass(frozen=True)
class Way:
    """A kind of step that includes a run, such as one that is killed."""

    name: str
    weight: float
    act: Callable[[Round], str]
    broken_too: bool = True
    """Whether it makes sense while the tree cannot be built."""
    up_to_date: bool = False
    """Whether the second run after it must have nothing to do; if not, it may repeat steps once."""
    foreign: bool = False
    """The same as Kind.foreign."""


def ways() -> list[Way]:
    """Return all ways."""
    found = [
        Way("edit during a build", 9, _edit_during),
        Way("edit and revert during a build", 4, _edit_and_revert_during),
        Way("two builds at once", 6, _two_at_once, broken_too=False, up_to_date=True),
        Way("scons -c", 2, _clean, broken_too=False, up_to_date=True),
        Way("-n first", 2, functools.partial(_first, option="-n"), up_to_date=True),
        Way("-q first", 2, functools.partial(_first, option="-q"), up_to_date=True),
        Way("-k first", 2, functools.partial(_first, option="-k"), up_to_date=True),
        Way("one object first", 4, _one_object, broken_too=False, up_to_date=True),
        Way("kill -9 after an edit of the generator's source", 4, _kill_generator, foreign=True),
    ]
    for group in (False, True):
        for then in ("", ", revert, new time", ", revert, old time"):
            name = f"kill -9 of {'the group' if group else 'the tool alone'}{then}"
            act = functools.partial(_kill, group=group, then=then)
            found.append(Way(name, 4, act))
    return found


def _slow(round_: Round) -> None:
    """Make the programs slow, so that more can happen during a run."""
    if not round_.tree.real:
        waits = [round_.tree.random.random() * most for most in (0.06, 0.05, 0.1)]
        round_.tree.standin.delay(*waits)


def _moment(round_: Round, command: BuildCommand) -> float:
    """Return seconds from the start of a run to a moment when steps probably run.

    SCons first reads SConscripts for some time.
    """
    start = 0.1 if command.name == "scons" else 0
    return start + round_.tree.random.random() * 0.5


def _kill(round_: Round, *, group: bool, then: str) -> str:
    tree, command = round_.tree, round_.command()
    _slow(round_)
    moment = _moment(round_, command)
    started = command.start(tree.top, round_.arguments())
    time.sleep(moment)
    alive = started.kill(group=group)
    if then:
        paths = edits.differences(round_.before, tree.snapshot())
        edits.restore(tree, round_.before, paths, old="old" in then)
        tree.symbols = dict(round_.symbols)
    if tree.chance(0.5):
        tree.standin.hurry()
    return f"{command.name}, killed after {moment:.2f} s{'' if alive else ', when it was over'}"


def _kill_generator(round_: Round) -> str:
    tree = round_.tree
    tree.write("version.in", texts.edited(tree.read("version.in"), tree.random))
    return _kill(round_, group=tree.chance(0.5), then=tree.pick([", revert, old time", ""]))


def _during(round_: Round, *, revert: bool) -> str:
    tree, command = round_.tree, round_.command()
    _slow(round_)
    name, data = edits.simple_change(tree)
    path = Path(name)
    then: Snapshot = {name: (path.read_bytes(), path.stat().st_mtime_ns)}
    how = tree.pick(["in place", "renamed", "same time", "older"])
    moment, later = _moment(round_, command), tree.random.random() * 0.2
    arguments = round_.arguments()

    def edit() -> None:
        time.sleep(moment)
        save(path, data, how)
        if revert:
            time.sleep(later)
            edits.restore(tree, then, [name], old=True)

    editor = threading.Thread(target=edit)
    started = command.start(tree.top, arguments)
    editor.start()
    try:
        started.end()
    finally:
        editor.join()
        tree.standin.hurry()
    return f"{command.name}; {how}, after {moment:.2f} s: edit {path.relative_to(tree.top)}"


def _edit_during(round_: Round) -> str:
    return _during(round_, revert=False)


def _edit_and_revert_during(round_: Round) -> str:
    return _during(round_, revert=True)


def _two_at_once(round_: Round) -> str:
    commands = [round_.command(), round_.command()]
    _slow(round_)
    arguments = round_.arguments()
    started = []
    for command in commands:
        started.append(command.start(round_.tree.top, arguments))
        time.sleep(round_.tree.random.random() * 0.15)
    for run in [each.end() for each in started]:
        if run.status != 0:
            round_.complaints.append(f"one of two at once ended with {run.status}:\n{run.err}")
    round_.tree.standin.hurry()
    return " and ".join(command.name for command in commands)


def _clean(round_: Round) -> str:
    command = round_.command()
    run = command.run(round_.tree.top, round_.arguments("-c"))
    if run.status != 0 or round_.tree.exists(IMAGE):
        round_.complaints.append(f"-c ends with {run.status}, or leaves the image:\n{run.err}")
    return f"{command.name} -c"


def _first(round_: Round, *, option: str) -> str:
    command = round_.command()
    command.run(round_.tree.top, round_.arguments(option))
    return f"{command.name} {option}"


def _one_object(round_: Round) -> str:
    tree, command = round_.tree, round_.command()
    objects = [path for path in tree.outputs() if path.endswith(".o")]
    # There is no head object while XEN is n.
    objects.remove(f"{BUILD}/head.o")
    target = tree.pick([*objects, f"{BUILD}/lds/kernel.lds"])
    run = command.run(tree.top, round_.arguments(target))
    if run.status != 0:
        round_.complaints.append(f"{target}: status {run.status}:\n{run.err}")
    return f"{command.name} {target}"
