# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run one step: start its commands one after another, and record what the step read.

begin() starts a step; go_on() is called when a command of it has ended.  Both return how the step
ended, or None while it is running.  A step does not run if its inputs were made again with the same
contents.  If an input changes while the step runs, the step stays dirty.  Used by the runner.
"""

from __future__ import annotations

import os

from ..errors import XenToolError
from ..files import remove, write_if_changed
from ..light import NamedTuple
from .commands import CommandError, Commands
from .contents import MISSING
from .database import Database
from .discover import Texts
from .judge import Judge
from .part import as_if_in_place
from .plan import Plan
from .recorder import Recorder, Started
from .reports import Read
from .spawn import Children, Ended
from .step import COMPILE, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .cache import Cache, CacheEntry
    from .commands import Run

    Function = Callable[[Step], None]
    """A step that is a Python function: it makes the outputs, or raises XenToolError."""


class Progress:
    """The progress output of a build; this base class prints nothing."""

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


class StepEnd(NamedTuple):
    """How a step ended: it is up to date now, or it failed."""

    step: Step
    status: int
    """Exit status of its last command, or the negative signal number; 0 if no command failed."""
    reason: str
    """Why it failed; "" if it is up to date."""
    is_consequence: bool
    """Whether it failed only because an input could not be made."""


class _Running(Started):
    """A step that is running."""

    run: Run | None = None
    argv: Sequence[str] = ()
    output = b""


class Executor:
    """Runs and records single steps of a plan."""

    def __init__(
        self,
        plan: Plan,
        database: Database,
        judge: Judge,
        functions: Mapping[str, Function],
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._database = database
        self._judge = judge
        self._functions = functions
        self._progress = progress
        self._texts = Texts()
        self._commands = Commands(plan, self._texts, judge.contents, colours=progress.colours)
        self._recorder = Recorder(plan, database, judge, self._texts)
        self._cache: Cache | None = None
        self._unmade: set[str] = set()
        """Outputs of steps that failed in this session; they are not tried again."""

    def prepare(self) -> None:
        """Prepare for a run: forget the numbers of texts, as the database may have dropped some."""
        self._recorder = Recorder(self._plan, self._database, self._judge, self._texts)
        if self._plan.cache and self._cache is None:
            from .cache import Cache

            self._cache = Cache(self._plan, self._judge, colours=self._progress.colours)

    def close(self) -> None:
        """Remove the temporary folders of the commands."""
        self._commands.close()

    def trim_cache(self) -> None:
        """Delete old objects of the cache if it is larger than its limit."""
        if self._cache is not None:
            self._cache.trim()

    def begin(self, step: Step, *, forced: bool, children: Children) -> StepEnd | None:
        """Start a step, unless it is up to date and not forced.

        Return None if a command of the step is running, or else how the step ended.
        """
        if missing := self._failed_inputs(step):
            reason = f"not made, as {sorted(missing)[0]} could not be"
            return self._not_made(step, 0, reason, is_consequence=True)
        if not forced and not self._judge.is_dirty(step, look=True):
            return _up_to_date(step)
        for name in step.inputs:
            if self._judge.contents.digest(name) == MISSING:
                reason = f"Source `{name}' not found, needed by target `{step.path}'."
                return self._not_made(step, 0, reason)
        started = self._look(step)
        cached = self._cache.find(step) if self._cache is not None and not forced else None
        self._progress.begin(step._replace(name="CACHE") if cached else step)
        try:
            for output in step.outputs:
                os.makedirs(os.path.dirname(output) or ".", exist_ok=True)
            if cached is not None:
                return self._copy(started, cached)
            if not step.is_command:
                return self._call(started)
            self._start(started, children)
        except (OSError, XenToolError) as error:
            return self._could_not_run(started, error)
        return None

    def _look(self, step: Step) -> _Running:
        """Look at the files of a step before it starts, so that a change during it is noticed."""
        contents = self._judge.contents
        known = [name for name in self._judge.inputs(step) if name[-1:] != "/"]
        for name in (*step.after, *known):
            contents.digest(name)
        return _Running(step, self._database.get(step.path), known, contents.looks)

    def _copy(self, started: _Running, cached: CacheEntry) -> StepEnd:
        """Make the output of a step by a copy of what is in the cache."""
        self._forget(started)
        write_if_changed(started.step.path, cached.content)
        started.output = cached.output
        return self._succeeded(started, cached.read, is_copy=True)

    def _call(self, started: _Running) -> StepEnd:
        """Call the function of a step."""
        step = started.step
        if step.name:
            # The function may print something itself.
            self._progress.finish()
        self._forget(started)
        self._functions[step.action](step)
        return self._succeeded(started, None)

    def _start(self, started: _Running, children: Children) -> None:
        """Start the first command of a step."""
        step = started.step
        started.run = self._commands.run(step, started.known)
        started.argv = next(started.run)
        children.start(started, started.argv)
        # The command is running meanwhile.
        self._forget(started)
        if step.action == COMPILE:
            self._texts.all_of([*step.inputs, *started.known])

    def _forget(self, started: _Running) -> None:
        """Remove the record of a step, as its outputs change; keep the reasons why it runs."""
        started.reasons = self._judge.reasons(started.step, self._texts)
        self._database.remove(started.step.path)

    def go_on(self, ended: Ended, children: Children) -> StepEnd | None:
        """Start the next command of a step, one of whose commands has ended.

        Return None if there is a next command, or else how the step ended.
        """
        started = _started(ended)
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
            read: Read = stop.value
            return self._succeeded(started, read)
        except CommandError as error:
            return self._failed(started, error.status, _how(error.status))
        except (OSError, XenToolError) as error:
            return self._could_not_run(started, error)

    def abandon(self, ended: Ended) -> None:
        """Give up a step whose command was ended by a signal; the step stays dirty."""
        self._abandon(_started(ended))

    def _abandon(self, started: _Running) -> None:
        if started.run is not None:
            started.run.close()

    def _could_not_run(self, started: _Running, error: OSError | XenToolError) -> StepEnd:
        if isinstance(error, XenToolError):
            return self._failed(started, 0, str(error))
        what = error.filename or next(iter(started.argv), started.step.name)
        return self._failed(started, 127, f"{what}: {error.strerror}")

    def _failed(self, started: _Running, status: int, reason: str) -> StepEnd:
        self._abandon(started)
        self._recorder.record_failure(started)
        # An old output must not pass for the result.
        for output in started.step.outputs:
            remove(output)
        self._judge.look_again(started.step.outputs)
        self._progress.end(started.step, started.output, reason)
        return self._not_made(started.step, status, reason)

    def _succeeded(self, started: _Running, read: Read | None, *, is_copy: bool = False) -> StepEnd:
        """Record a step that succeeded; read is what its commands read, None for a function."""
        step = started.step
        outputs = [*step.outputs, *(read.outputs if read else ())]
        self._judge.look_again(outputs)
        self._texts.forget(outputs)
        if read is None:
            # A function may make a hard link to its input.
            for name in step.inputs:
                self._judge.contents.linked(name, step.path)
        for output in step.outputs:
            if self._judge.contents.digest(output) == MISSING:
                return self._failed(started, 0, f"{step.name} made no {output}")
        if reason := self._recorder.record(started, outputs, read):
            self._progress.note(step, reason)
        elif self._cache is not None and read is not None and not is_copy:
            record = self._database.get(step.path)
            assert record is not None
            self._cache.store(step, record, read, started.output)
        self._progress.end(step, started.output, "")
        return _up_to_date(step)

    def _not_made(
        self, step: Step, status: int, reason: str, *, is_consequence: bool = False
    ) -> StepEnd:
        self._unmade.update(step.outputs)
        return StepEnd(step, status, reason, is_consequence)

    def _failed_inputs(self, step: Step) -> set[str]:
        """Return the inputs of a step that could not be made, and its outputs if it has failed."""
        if not self._unmade:
            return set()
        return self._unmade.intersection((*step.outputs, *self._judge.inputs(step)))


def _up_to_date(step: Step) -> StepEnd:
    return StepEnd(step, 0, "", False)


def _started(ended: Ended) -> _Running:
    started = ended.job
    assert isinstance(started, _Running)
    return started


def _how(status: int) -> str:
    return f"Error {status}" if status >= 0 else f"ended by signal {-status}"
