# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run dirty steps in the order of their dependencies, as many at a time as there are slots.

A step does not run if its inputs were made again with the same contents.  What a step read is
recorded when it has succeeded; if an input changed meanwhile, the step stays dirty.
"""

from __future__ import annotations

import _thread
import os
import sys
from graphlib import CycleError, TopologicalSorter

from ..errors import XenToolError
from ..files import remove, write_if_changed
from ..light import NamedTuple
from . import discover
from .commands import Commands, Read
from .contents import MISSING
from .database import Database
from .discover import Texts
from .judge import Judge
from .part import as_if_in_place
from .plan import Plan
from .recorder import Recorder, Started
from .slots import Slots
from .spawn import Children, Ended
from .step import COMPILE, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .cache import Cache, CacheEntry
    from .commands import Run

    Function = Callable[[Step], None]
    """A step that is a Python function: it makes the outputs, or raises XenToolError."""


_SWITCH = 0.0005
"""Thread switch interval in seconds, so that an importing thread delays the runner little."""


class Show:
    """The progress output of the runner; this base class prints nothing."""

    colours = False
    """Whether compilers colour their messages; this does not change their outputs."""

    def expect(self, steps: int) -> None:
        """Expect at most a number of named steps."""

    def begin(self, step: Step) -> None:
        """Report that a step starts."""

    def end(self, step: Step, output: bytes, error: str) -> None:
        """Report that a step has ended: the output of its commands, and why it failed or ""."""

    def note(self, step: Step, reason: str) -> None:
        """Report that a step will have to run again although no file changed."""

    def finish(self) -> None:
        """Report that no more steps begin."""


class Failure(NamedTuple):
    """A step that failed."""

    step: Step
    status: int
    """Exit status of its command, or the negative signal number; 0 if no command failed."""
    reason: str


class RunResult(NamedTuple):
    """How a run ended."""

    failures: list[Failure]
    interrupted: int
    """The signal that ended the run, or 0."""


class _Running(Started):
    """A step that is running."""

    run: Run | None = None
    argv: Sequence[str] = ()
    output = b""


class Runner:
    """Runs and records the steps of a plan."""

    def __init__(
        self,
        plan: Plan,
        database: Database,
        judge: Judge,
        functions: Mapping[str, Function],
        imports: Mapping[str, Callable[[], None]],
        show: Show,
    ) -> None:
        self._plan = plan
        self._database = database
        self._judge = judge
        self._functions = functions
        self._imports = imports
        self._show = show
        self._texts = Texts()
        self._commands = Commands(plan, self._texts, judge.contents, colours=show.colours)
        self._recorder = Recorder(plan, database, judge, self._texts)
        self._cache: Cache | None = None
        self._unmade: set[str] = set()
        """Outputs of steps that failed in this session; they are not tried again."""

    def run(
        self,
        due: Mapping[str, Step],
        *,
        slots: Slots,
        keep_going: bool = False,
        force: Iterable[str] = (),
        keep_open: Sequence[int] = (),
        signals: int = -1,
    ) -> RunResult:
        """Run the steps that are due; keep_open are descriptors that commands inherit.

        Raises XenToolError if an input is missing that no step makes.
        """
        forced = set(force)
        # The database may have dropped unused texts since the last run.
        self._recorder = Recorder(self._plan, self._database, self._judge, self._texts)
        if self._plan.cache and self._cache is None:
            from .cache import Cache

            self._cache = Cache(self._plan, self._judge, colours=self._show.colours)
        self._show.expect(sum(bool(step.name) for step in due.values()))
        sorter = self._sorted(due)
        children = Children(self._plan.environment, keep_open, signals)
        failures: list[Failure] = []
        unmade: list[Failure] = []
        ready: list[str] = []
        imports = {self._imports[s.action] for s in due.values() if s.action in self._imports}
        running = 0
        try:
            while sorter.is_active():
                stopping = children.interrupted or (failures and not keep_going)
                ready += sorter.get_ready()
                while ready and not stopping and slots.take():
                    running += 1
                    step = due[ready.pop(0)]
                    failure = self._begin(step, step.path in forced, children)
                    if failure is None:
                        continue
                    if failure is not _CLEAN:
                        # Report what failed, and not all that depends on it.
                        waits = self._failed_inputs(step)
                        (unmade if waits else failures).append(failure)
                        self._unmade.update(step.outputs)
                        stopping = not keep_going
                    running -= 1
                    slots.give()
                    sorter.done(step.path)
                    ready += sorter.get_ready()
                if not running and (stopping or not ready):
                    break
                if imports:
                    # In parallel with the commands.
                    _thread.start_new_thread(_import, (imports,))
                    imports = set()
                discover.get_ready()
                for ended in children.wait(slots.handle if ready and not stopping else -1):
                    started = ended.job
                    assert isinstance(started, _Running)
                    outcome = self._go_on(started, ended, children)
                    if outcome is None:
                        continue
                    if outcome is not _CLEAN:
                        failures.append(outcome)
                        self._unmade.update(started.step.outputs)
                    running -= 1
                    slots.give()
                    sorter.done(started.step.path)
                if children.interrupted:
                    slots.refuse()
                    for ended in children.stop():
                        assert isinstance(ended.job, _Running)
                        self._abandon(ended.job)
                    break
        finally:
            slots.give(running)
            self._commands.close()
        self._show.finish()
        if self._cache is not None:
            self._cache.trim()
        return RunResult(failures or unmade[:1], children.interrupted)

    def _failed_inputs(self, step: Step) -> set[str]:
        """Return the outputs of failed steps that a step needs."""
        if not self._unmade:
            return set()
        return self._unmade.intersection((*step.outputs, *self._judge.inputs(step)))

    def _sorted(self, due: Mapping[str, Step]) -> TopologicalSorter[str]:
        try:
            return _in_order(due, self._judge.inputs)
        except CycleError:
            # The recorded includes may form a cycle with edited sources.
            pass
        try:
            return _in_order(due, lambda step: step.inputs)
        except CycleError as error:
            raise XenToolError(
                f"these would be made of each other: {', '.join(error.args[1][1:])}"
            ) from error

    def _begin(self, step: Step, forced: bool, children: Children) -> Failure | None:
        """Start a step; return None if it is running now."""
        if missing := self._failed_inputs(step):
            return Failure(step, 0, f"not made, as {sorted(missing)[0]} could not be")
        if not forced and not self._judge.is_dirty(step, look=True):
            return _CLEAN
        for name in step.inputs:
            if self._judge.contents.digest(name) == MISSING:
                reason = f"Source `{name}' not found, needed by target `{step.path}'."
                return Failure(step, 0, reason)
        # Look at its files before it starts, so that a change during the run is noticed.
        for name in step.after:
            self._judge.contents.digest(name)
        known = [name for name in self._judge.inputs(step) if name[-1:] != "/"]
        for name in known:
            self._judge.contents.digest(name)
        record = self._database.get(step.path)
        started = _Running(step, record, known, self._judge.contents.looks)
        found = self._cache.find(step) if self._cache is not None and not forced else None
        self._show.begin(step._replace(name="CACHE") if found else step)
        try:
            for output in step.outputs:
                os.makedirs(os.path.dirname(output) or ".", exist_ok=True)
            if found is not None:
                return self._take(started, found)
            if not step.is_command:
                if step.name:
                    # The function may print something itself.
                    self._show.finish()
                started.reasons = self._judge.reasons(step, self._texts)
                self._database.remove(step.path)
                self._functions[step.action](step)
                return self._succeeded(started, None)
            started.run = self._commands.run(step, known)
            started.argv = next(started.run)
            children.start(started, started.argv)
            # The command is running meanwhile.
            started.reasons = self._judge.reasons(step, self._texts)
            if step.action == COMPILE:
                self._texts.all_of([*step.inputs, *known])
            # The outputs no longer match the record, even if this process is killed.
            self._database.remove(step.path)
        except OSError as error:
            return self._failed(
                started, 127, f"{error.filename or started.argv[:1]}: {error.strerror}"
            )
        except XenToolError as error:
            return self._failed(started, 0, str(error))
        return None

    def _take(self, started: _Running, found: CacheEntry) -> Failure:
        """Make the output of a step by what is in the cache."""
        started.reasons = self._judge.reasons(started.step, self._texts)
        self._database.remove(started.step.path)
        write_if_changed(started.step.path, found.content)
        started.output = found.said
        return self._succeeded(started, found.read, cached=True)

    def _go_on(self, started: _Running, ended: Ended, children: Children) -> Failure | None:
        """Start the next command of a step; return None if there is one."""
        assert started.run is not None
        started.output += as_if_in_place(ended.output, started.step.path)
        try:
            started.argv = started.run.send(ended)
            if ended.status != 0:
                # The step tries another command: drop the messages of this one.
                started.output = b""
            children.start(started, started.argv)
            return None
        except StopIteration as stop:
            read: Read | None = stop.value
            if read is None:
                return self._failed(started, ended.status, _how(ended.status))
            return self._succeeded(started, read)
        except OSError as error:
            return self._failed(started, 127, f"{error.filename}: {error.strerror}")
        except XenToolError as error:
            return self._failed(started, 0, str(error))

    def _abandon(self, started: _Running) -> None:
        if started.run is not None:
            started.run.close()

    def _failed(self, started: _Running, status: int, reason: str) -> Failure:
        self._abandon(started)
        self._recorder.record_failure(started)
        # An old output must not pass for the result.
        for output in started.step.outputs:
            remove(output)
        self._judge.look_again(started.step.outputs)
        self._show.end(started.step, started.output, reason)
        return Failure(started.step, status, reason)

    def _succeeded(self, started: _Running, read: Read | None, *, cached: bool = False) -> Failure:
        step = started.step
        outputs = [*step.outputs, *(read.outputs if read else ())]
        self._judge.look_again(outputs)
        self._texts.forget(outputs)
        for name in step.inputs if read is None else ():
            self._judge.contents.linked(name, step.path)
        for output in step.outputs:
            if self._judge.contents.digest(output) == MISSING:
                return self._failed(started, 0, f"{step.name} made no {output}")
        if reason := self._recorder.record(started, outputs, read):
            self._show.note(step, reason)
        elif self._cache is not None and read is not None and not cached:
            record = self._database.get(step.path)
            assert record is not None
            self._cache.store(step, record, read, started.output)
        self._show.end(step, started.output, "")
        return _CLEAN


_CLEAN = Failure(Step("", ("",), (), ""), 0, "up to date")


def _in_order(
    due: Mapping[str, Step], read: Callable[[Step], Iterable[str]]
) -> TopologicalSorter[str]:
    makers = {output: step.path for step in due.values() for output in step.outputs}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for path, step in due.items():
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


def _how(status: int) -> str:
    return f"Error {status}" if status >= 0 else f"ended by signal {-status}"
