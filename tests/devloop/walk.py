# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A random walk of a project through a dev loop; no image on the way may be stale.

A round is one step or a few (edits, damage, a change of the configuration, a killed run),
then a run of the tool.  That must bring the image which a clean build of the same tree
gives, byte for byte, or fail if a clean build fails; the run after it must have nothing to
do.  All choices come from the seed and the number of the round.  So do the moments of kills
and of edits during a build; what a run has done by then does not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import edits, outputs, settings, structure
from .check import SORTS, Check, Wrong
from .kinds import Kind
from .programs import Failed
from .runs import BuildCommand, Crash
from .standin import StandIn
from .tree import IMAGE, Tree
from .ways import Round, Way, ways

_HISTORY = 6
REPAIR = "repair"


@dataclass
class Tally:
    """The result of a walk."""

    tried: dict[str, int] = field(default_factory=dict)
    """How often each kind of step was done, by its name."""
    wrong: dict[str, dict[str, int]] = field(default_factory=dict)
    """How often each sort of fault (SORTS) came after a kind of step, by the name of the kind."""
    reports: list[str] = field(default_factory=list)
    """The faults, each with the steps before it."""

    def blame(self, kinds: Sequence[str], sort: str) -> None:
        """Count a fault after steps of these kinds."""
        for name in dict.fromkeys(kinds):
            counts = self.wrong.setdefault(name, dict.fromkeys(SORTS, 0))
            counts[sort] += 1


def names(*, real: bool) -> list[str]:
    """Return the names of all kinds of steps, in the order of the table."""
    kinds = _kinds(real=real)
    return [*(kind.name for kind in kinds), REPAIR, *(way.name for way in ways())]


def _kinds(*, real: bool) -> list[Kind]:
    found = [*edits.kinds(real=real), *structure.kinds()]
    return [*found, *settings.kinds(real=real), *outputs.kinds()]


class Walk:
    """One walk, in a separate folder.

    foreign: whether to try kinds about other builders of SCons, too (Kind.foreign).  without: the
    names of kinds to leave out.
    """

    def __init__(
        self,
        seed: int,
        folder: Path,
        commands: list[BuildCommand],
        *,
        real: bool = False,
        foreign: bool = False,
        without: Sequence[str] = (),
        verify_every: int = 50,
    ) -> None:
        self.tally = Tally()
        self.log: list[str] = []
        """The log of all steps."""
        self._seed = seed
        self._commands = commands
        self._verify_every = verify_every
        standin = StandIn(folder / "standin")
        standin.write()
        self._tree = Tree(folder / "tree", standin, commands[0].tool, real=real)
        self._tree.random = random.Random(f"{seed}")
        self._tree.create()
        self._check = Check(self._tree, folder / "clean", self._say)
        self._aside = folder / "aside"
        kinds, all_ways = _kinds(real=real), ways()
        self._kinds = [k for k in kinds if k.name not in without and k.foreign <= foreign]
        self._ways = [w for w in all_ways if w.name not in without and w.foreign <= foreign]
        self._good = 0
        """The length of the log when an image was right."""
        self._suspects: list[str] = []
        """The kinds of steps since then."""
        self._step = 0

    def run(self, steps: int, *, stop: bool) -> Tally:
        """Walk a number of steps; with stop, end after the first round that goes wrong.

        Without stop, the outputs are removed after such a round, and the walk goes on.  Raises
        AssertionError if the walk itself is wrong.
        """
        number, verified = 0, 0
        while self._step < steps and not (stop and self.tally.reports):
            number += 1
            self._tree.random = random.Random(f"{self._seed} {number}")
            before, symbols = self._tree.snapshot(), dict(self._tree.symbols)
            round_ = Round(self._tree, self._commands, before, symbols)
            try:
                try:
                    self._round(round_)
                    if self._step - verified >= self._verify_every:
                        verified = self._step
                        self._check.verify(round_)
                except Wrong as wrong:
                    self._report(wrong)
                    self._start_anew(round_)
            except AssertionError as error:
                raise AssertionError(self._way_to(str(error))) from error
        return self.tally

    def _start_anew(self, round_: Round) -> None:
        self._tree.kept.clear()
        self._tree.aside = None
        self._check.start_anew(round_)
        self._is_good()

    def _round(self, round_: Round) -> None:
        """Do the steps of one round, and check the image after them.

        Raises Wrong.
        """
        tree = self._tree
        way = self._choose_way()
        failed = self._check.failure()
        if failed is not None and tree.chance(0.75):
            suspects = self._repair(failed)
        else:
            suspects = self._edit(simple=way is not None)
        if way is not None and not way.broken_too and self._check.failure() is not None:
            way = None
        # An edit that is made only so that the run of a way has work to do is not a suspect.
        self._suspects += [way.name] if way is not None else suspects
        tree.history = [*tree.history[1 - _HISTORY :], round_.before]
        try:
            if way is not None:
                self._tried(way.name, way.act(round_))
            if round_.complaints:
                raise Wrong("failed", round_.complaints[0])
            if self._check.check(round_, up_to_date=way is None or way.up_to_date):
                self._is_good()
        except Crash as crash:
            raise Wrong("crash", str(crash)) from crash
        finally:
            tree.standin.hurry()
        if tree.exists(IMAGE):
            outputs.keep(tree, self._aside)

    def _choose_way(self) -> Way | None:
        if not self._ways or self._tree.chance(0.65):
            return None
        return self._tree.random.choices(self._ways, [way.weight for way in self._ways])[0]

    def _edit(self, *, simple: bool) -> list[str]:
        """Do one step, or up to three; return the names of their kinds."""
        kinds = [kind for kind in self._kinds if kind.simple or not simple]
        done: list[str] = []
        for _ in range(self._tree.random.choices([1, 2, 3], [7, 2, 1])[0]):
            while (kind := self._attempt(kinds)) is None:
                pass
            done.append(kind.name)
        return done

    def _attempt(self, kinds: list[Kind]) -> Kind | None:
        kind = self._tree.random.choices(kinds, [kind.weight for kind in kinds])[0]
        did = kind.act(self._tree)
        if did is None:
            return None
        self._tried(kind.name, did)
        return kind

    def _repair(self, failed: Failed | None) -> list[str]:
        while failed is not None:
            self._tried(REPAIR, structure.repair(self._tree, failed))
            failed = self._check.failure()
        return [REPAIR]

    def _say(self, text: str) -> None:
        self.log.append(f"{self._step:>6}  {text}")

    def _tried(self, name: str, did: str) -> None:
        self._step += 1
        self.tally.tried[name] = self.tally.tried.get(name, 0) + 1
        self._say(f"{name}: {did}")

    def _is_good(self) -> None:
        self._good = len(self.log)
        self._suspects.clear()

    def _report(self, wrong: Wrong) -> None:
        self.tally.blame(self._suspects, wrong.sort)
        self.tally.reports.append(self._way_to(str(wrong)))

    def _way_to(self, what: str) -> str:
        steps = "\n".join(self.log[self._good :])
        return (
            f"seed {self._seed}, step {self._step}: {what}\n"
            f"what was done since the last good state:\n{steps}"
        )
