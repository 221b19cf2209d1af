# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Boot cases, several at the same time, and write their consoles to files as they come."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

from ...errors import XenToolError
from ...printable import printable
from ..boot import boot
from ..console.log import Log
from ..qemu import Machine
from ..result.outcome import Outcome
from ..result.protocols import NONE, GuestResult
from .cases import Case

FLAKY = "flaky"
"""Some runs passed, and some did not."""
REFUSED = "refused"
"""No mode suits the image, so it was not booted."""
NOT_RUN = "not run"
"""The suite was interrupted before the case."""

_LOOK_SECONDS = 0.2
"""The interval at which is_interrupted() is called."""


class SuiteOptions(NamedTuple):
    """How many runs there are of each case, and how many at a time."""

    jobs: int = 1
    """Runs at the same time."""
    runs: int = 1
    """Runs of each case.  Several runs use the real clock, by which no two runs are the same."""
    retries: int = 0
    """Most further runs of a case that did not pass."""

    def check(self) -> None:
        """Raise XenToolError for values that are out of range or contradict each other."""
        if self.jobs < 1 or self.runs < 1 or self.retries < 0:
            raise XenToolError("jobs and runs are numbers above 0, and retries are not below it")
        if self.runs > 1 and self.retries:
            raise XenToolError("retries hide failures that several runs show: give one of the two")


class Run(NamedTuple):
    """One boot."""

    outcome: Outcome
    console: Path
    """The file of the console."""


class CaseRuns(NamedTuple):
    """All runs of a case."""

    case: Case
    runs: tuple[Run, ...] = ()

    @property
    def passes(self) -> int:
        """The number of runs that passed."""
        return sum(run.outcome.passed for run in self.runs)

    @property
    def result(self) -> str:
        """The value of a GuestResult, FLAKY, REFUSED, or NOT_RUN."""
        if self.case.mode is None:
            return REFUSED
        if not self.runs:
            return NOT_RUN
        if 0 < self.passes < len(self.runs):
            return FLAKY
        order = list(GuestResult)
        return max((run.outcome.result for run in self.runs), key=order.index).value

    @property
    def passed(self) -> bool:
        """Whether all runs passed."""
        return self.result == GuestResult.PASSED.value

    @property
    def seconds(self) -> float | None:
        """The median of the seconds of the runs; None if there are none."""
        seconds = [run.outcome.seconds for run in self.runs]
        return statistics.median(seconds) if seconds else None


class Suite:
    """Run cases; each() yields the results in the order of the cases.

    folder: where the consoles are written.  is_interrupted: is called now and then; True ends the
    runs.  Raises XenToolError for options that do not suit many boots.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        options: SuiteOptions,
        folder: Path,
        is_interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        options.check()
        if any(case.options.settings.protocol is NONE for case in cases):
            raise XenToolError("a test needs a verdict: name another PROTOCOL than none")
        for what in (case.options.settings for case in cases):
            if what.gdb or what.record or what.replay or what.dump:
                raise XenToolError("GDB, RECORD, REPLAY and DUMP are for one boot: leave them out")
        self.interrupted = False
        self.done = 0
        """The number of runs that have ended."""
        self.cases = cases
        self._options = options
        self.folder = folder
        self._is_interrupted = is_interrupted
        self._stopped = threading.Event()
        self._mutex = threading.Lock()
        self._machines: set[Machine] = set()

    def each(self, progress: Callable[[], None] = lambda: None) -> Iterator[CaseRuns]:
        """Run all cases, and yield the runs of each; call progress() now and then.

        After an interrupt no QEMU runs any more, and the remaining cases are NOT_RUN.
        """
        with ThreadPoolExecutor(self._options.jobs) as pool:
            todo = [
                [pool.submit(self._retried, case, run) for run in range(1, self._options.runs + 1)]
                if case.mode
                else []
                for case in self.cases
            ]
            try:
                for case, futures in zip(self.cases, todo, strict=True):
                    waiting = set(futures)
                    while waiting and not self._check_interrupted():
                        _, waiting = wait(waiting, _LOOK_SECONDS, FIRST_COMPLETED)
                        progress()
                    if waiting:
                        self._stop(todo)
                    runs = [run for future in futures if _ended(future) for run in future.result()]
                    yield CaseRuns(case, tuple(runs))
            finally:
                self._stop(todo)

    def _check_interrupted(self) -> bool:
        """Return whether the suite has been interrupted; set `interrupted` if so."""
        if self._is_interrupted():
            self.interrupted = True
        return self.interrupted

    def _stop(self, todo: Iterable[Iterable[Future[list[Run]]]]) -> None:
        """End the running machines, and start no more."""
        self._stopped.set()
        for future in (future for each in todo for future in each):
            future.cancel()
        with self._mutex:
            for machine in self._machines:
                machine.process.kill()
        wait({future for each in todo for future in each})

    def _retried(self, case: Case, number: int) -> list[Run]:
        """Run a case until it passes or there are no retries left; return the runs.

        number: that of the first run, from 1 on.  A run that was interrupted is not returned.
        """
        runs: list[Run] = []
        while not self._stopped.is_set():
            run = self._run(case, number + len(runs))
            if self._stopped.is_set() or self._check_interrupted():
                break  # the run was killed, so its outcome means nothing
            runs.append(run)
            with self._mutex:
                self.done += 1
            if run.outcome.passed or len(runs) > self._options.retries:
                break
        return runs

    def _run(self, case: Case, number: int) -> Run:
        assert case.mode
        mode = case.mode._replace(real_time=case.mode.real_time or self._options.runs > 1)
        ending = "" if number == 1 else f".{number}"
        path = self.folder / f"{case.stem}{ending}.log"
        machines: list[Machine] = []

        def started(machine: Machine) -> None:
            with self._mutex:
                machines.append(machine)
                self._machines.add(machine)
                if self._stopped.is_set():
                    machine.process.kill()

        with Log(path) as log:
            try:
                outcome = boot(
                    case.image, mode=mode, echo=log.line, started=started, **case.options._asdict()
                )
            except XenToolError as error:
                outcome = Outcome(GuestResult.ERROR, None, str(error), (), 0.0)
            finally:
                with self._mutex:
                    self._machines.difference_update(machines)
            for line in (f"{case.image}: {outcome.reason}", *outcome.details):
                log.line(printable(line))
        return Run(outcome, path)


def _ended(future: Future[list[Run]]) -> bool:
    return future.done() and not future.cancelled()
