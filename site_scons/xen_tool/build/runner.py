# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run dirty steps in the order of their dependencies, as many at a time as there are slots.

The runner decides what may start when; the executor runs each step.  Used by the session.
"""

from __future__ import annotations

import _thread
import sys
from graphlib import CycleError, TopologicalSorter

from ..errors import XenToolError
from ..light import NamedTuple
from . import discover
from .database import Database
from .executor import Executor, Progress, StepEnd
from .judge import Judge
from .plan import Plan
from .slots import Slots
from .spawn import Children
from .step import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .executor import Function


_SWITCH = 0.0005
"""Thread switch interval in seconds, so that an importing thread delays the runner little."""


class RunResult(NamedTuple):
    """How a run ended."""

    failures: list[StepEnd]
    interrupted: int
    """The signal that ended the run, or 0."""


class Runner:
    """Runs and records the steps of a plan."""

    def __init__(
        self,
        plan: Plan,
        database: Database,
        judge: Judge,
        functions: Mapping[str, Function],
        imports: Mapping[str, Callable[[], None]],
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._judge = judge
        self._imports = imports
        self._progress = progress
        self._executor = Executor(plan, database, judge, functions, progress)

    def run(
        self,
        steps: Mapping[str, Step],
        *,
        slots: Slots,
        keep_going: bool = False,
        force: Iterable[str] = (),
        keep_open: Sequence[int] = (),
        signals: int = -1,
    ) -> RunResult:
        """Run steps in the order of their dependencies.

        force: first outputs of steps to run even if they are up to date.  keep_open: descriptors
        that commands inherit.  signals: see spawn.Children.
        Raises XenToolError if steps depend on each other in a cycle.
        """
        self._executor.prepare()
        self._progress.expect(sum(bool(step.name) for step in steps.values()))
        children = Children(self._plan.environment, keep_open, signals)
        queue = _Queue(steps, self._sorted(steps), slots)
        run = _Run(self._executor, children, queue, set(force), keep_going)
        imports = {self._imports[s.action] for s in steps.values() if s.action in self._imports}
        try:
            while run.start_ready():
                if imports:
                    # In parallel with the commands.
                    _thread.start_new_thread(_import, (imports,))
                    imports = set()
                discover.import_early()
                run.wait()
                if children.interrupted:
                    run.stop()
                    break
        finally:
            queue.close()
            self._executor.close()
        self._progress.finish()
        self._executor.trim_cache()
        # Report what failed, and not all that depends on it.
        return RunResult(run.failures or run.consequences[:1], children.interrupted)

    def _sorted(self, steps: Mapping[str, Step]) -> TopologicalSorter[str]:
        try:
            return _in_order(steps, self._judge.inputs)
        except CycleError:
            # The recorded includes may form a cycle with edited sources.
            pass
        try:
            return _in_order(steps, lambda step: step.inputs)
        except CycleError as error:
            raise XenToolError(
                f"these would be made of each other: {', '.join(error.args[1][1:])}"
            ) from error


class _Queue:
    """The steps that wait for their inputs or for a slot, and the number of those that run."""

    def __init__(
        self, steps: Mapping[str, Step], sorter: TopologicalSorter[str], slots: Slots
    ) -> None:
        self._steps = steps
        self._sorter = sorter
        self._ready: list[str] = []
        self.slots = slots
        self.running = 0

    def has_ready(self) -> bool:
        """Whether there is a step that has not started, and whose inputs are made."""
        self._ready += self._sorter.get_ready()
        return bool(self._ready)

    def start(self) -> Step | None:
        """Take a slot for a step that is ready, and return the step; None if no slot is free."""
        if not self.slots.take():
            return None
        self.running += 1
        return self._steps[self._ready.pop(0)]

    def end(self, step: Step) -> None:
        """Give back the slot of a step that has ended."""
        self.running -= 1
        self.slots.give()
        self._sorter.done(step.path)

    def close(self) -> None:
        """Give back the slots of steps that have not ended."""
        self.slots.give(self.running)


class _Run:
    """One run of the runner."""

    def __init__(
        self,
        executor: Executor,
        children: Children,
        queue: _Queue,
        forced: set[str],
        keep_going: bool,
    ) -> None:
        self._executor = executor
        self._children = children
        self._queue = queue
        self._forced = forced
        self._keep_going = keep_going
        self.failures: list[StepEnd] = []
        self.consequences: list[StepEnd] = []
        """Steps that were not made because an input failed, perhaps in an earlier run."""

    def start_ready(self) -> bool:
        """Start all steps that may start; return whether there is something to wait for."""
        while self._may_start() and (step := self._queue.start()):
            forced = step.path in self._forced
            self._ended(self._executor.begin(step, forced=forced, children=self._children))
        return self._queue.running > 0 or self._may_start()

    def wait(self) -> None:
        """Wait until commands have ended, or a slot is free for a step that is ready."""
        handle = self._queue.slots.handle if self._may_start() else -1
        for ended in self._children.wait(handle):
            self._ended(self._executor.go_on(ended, self._children))

    def stop(self) -> None:
        """End all commands."""
        self._queue.slots.refuse()
        for ended in self._children.stop():
            self._executor.abandon(ended)

    def _may_start(self) -> bool:
        has_failed = bool(self.failures or self.consequences)
        stops = self._children.interrupted or (has_failed and not self._keep_going)
        return not stops and self._queue.has_ready()

    def _ended(self, end: StepEnd | None) -> None:
        if end is None:
            return
        if end.reason:
            (self.consequences if end.is_consequence else self.failures).append(end)
        self._queue.end(end.step)


def _in_order(
    steps: Mapping[str, Step], read: Callable[[Step], Iterable[str]]
) -> TopologicalSorter[str]:
    makers = {output: step.path for step in steps.values() for output in step.outputs}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for path, step in steps.items():
        needs = {makers[name] for name in (*read(step), *step.after) if name in makers}
        sorter.add(path, *(needs - {path}))
    sorter.prepare()
    return sorter


def _import(imports: Iterable[Callable[[], None]]) -> None:
    """Import the modules of function steps, without delaying the runner's thread."""
    sys.setswitchinterval(_SWITCH)
    try:
        for each in imports:
            each()
    except Exception:
        # The step that needs them reports it.
        return
