# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A session: builds of one plan in its build directory, with its database and lock.

The interface of this package for entry points.  The lock is acquired when something is built
and released by close(), which also writes the database.  Finding out what is up to date needs
neither the lock nor a writable directory.
"""

from __future__ import annotations

import os

from ..errors import XenToolError, print_message
from ..light import RLock
from . import lock
from .contents import Contents
from .database import FILE, Database
from .dirty import dirty_steps
from .executor import Progress
from .judge import Judge
from .plan import Plan
from .runner import Runner, RunResult
from .shared_fields import DamagedError
from .slots import Slots
from .step import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import ClassVar

    from .executor import Function


class Session:
    """Builds of one plan; callable from several threads, of which one builds at a time.

    functions: by the action of a step, the function that makes its outputs.  imports: by action,
    a function that imports the modules for that, and is called while commands run.
    seen: the database of the plan, and contents that know its rows, if they were read already.
    """

    # Only one runner can receive a signal.
    _mutex = RLock()
    _opened: ClassVar[list[Session]] = []
    """The sessions that hold locks."""

    def __init__(
        self,
        plan: Plan,
        functions: Mapping[str, Function],
        imports: Mapping[str, Callable[[], None]],
        progress: Progress,
        seen: tuple[Database, Contents] | None = None,
    ) -> None:
        self.plan = plan
        self._functions = functions
        self._imports = imports
        self._progress = progress
        self._lock = -1
        self._counted = False
        """Whether the number of the run was raised for this session."""
        self._load(*(seen or self._look()))

    def _look(self) -> tuple[Database, Contents]:
        database = Database(os.path.join(self.plan.folder, FILE))
        return database, Contents(database.known())

    def _load(self, database: Database, contents: Contents) -> None:
        self.database = database
        self.contents = contents
        self.judge = Judge(self.plan, self.database, self.contents)
        self._runner = Runner(
            self.plan, self.database, self.judge, self._functions, self._imports, self._progress
        )
        self._counted = False

    def dirty_steps(
        self, paths: Sequence[str], *, force: Iterable[str] = (), mark: str = ""
    ) -> Mapping[str, Step]:
        """Return the steps that are dirty or could become dirty: see dirty.py.

        mark: a digest of the request.  If the database was saved after mark() with the same
        digest, only the steps that refer to a changed file are looked at.
        """
        with self._mutex:
            try:
                return self._dirty_steps(paths, force, mark)
            except DamagedError:
                self._forget_all()
                return self._dirty_steps(paths, force)

    def build(
        self,
        paths: Sequence[str],
        *,
        slots: Slots,
        keep_going: bool = False,
        force: Iterable[str] = (),
        made: Iterable[str] = (),
        dirty: Mapping[str, Step] | None = None,
        signals: int = -1,
    ) -> RunResult:
        """Build files; made are those that other builders have just made and that steps may read.

        dirty: the result of dirty_steps(), if it was called since open().
        Raises XenToolError if the build directory cannot be written.
        """
        with self._mutex:
            self.open(signals)
            if not self._counted:
                self.database.run += 1
                self._counted = True
            # Look at these files now, so that they do not count as changed while a step runs.
            for path in made:
                self.contents.digest(path)
            try:
                return self._runner.run(
                    self._dirty_steps(paths, force) if dirty is None else dirty,
                    slots=slots,
                    keep_going=keep_going,
                    force=force,
                    keep_open=[self._lock],
                    signals=signals,
                )
            except DamagedError:
                self._forget_all()
                raise XenToolError(
                    f"{self.plan.folder}/{FILE} was damaged and is replaced: build again"
                ) from None

    def _dirty_steps(
        self, paths: Sequence[str], force: Iterable[str], mark: str = ""
    ) -> Mapping[str, Step]:
        return dirty_steps(self.plan, self.database, self.judge, paths, force=force, mark=mark)

    def mark(self, mark: str) -> None:
        """Record that the request of a mark is up to date, as dirty_steps() found.

        close() writes the mark.  It is ignored if another process builds, or has built since the
        database was read.
        """
        with self._mutex:
            if self._lock < 0:
                self._lock = self._try_lock()
            if self._lock >= 0:
                self.database.mark(mark)

    def changed(self, paths: Iterable[str]) -> None:
        """Look again at files that another builder or program may have written."""
        with self._mutex:
            self.judge.look_again(self.contents.spelled_as(paths))

    def open(self, signals: int = -1) -> None:
        """Acquire the lock, and read the database again if another process has written it.

        signals: see lock.acquire().
        Raises XenToolError if the build directory cannot be written, or a signal arrived.
        """
        with self._mutex:
            if self._lock < 0:
                self._lock = lock.acquire(self.plan.folder, wait=False)
                if self._lock < 0:
                    # A waiting process releases its other locks, to avoid a deadlock.
                    for other in list(self._opened):
                        other.close()
                    self._lock = lock.acquire(self.plan.folder, signals=signals)
                self._opened.append(self)
                if not self.database.is_as_read():
                    self._load(*self._look())
                lock.sign(self._lock)

    def close(self) -> None:
        """Write the database if it changed, and release the lock."""
        with self._mutex:
            try:
                if self._lock < 0 and self.contents.learned:
                    self._lock = self._try_lock()
                self._save()
            finally:
                if self._lock >= 0:
                    lock.sign(self._lock, done=True)
                    os.close(self._lock)
                    self._lock = -1
                if self in self._opened:
                    self._opened.remove(self)

    def _try_lock(self) -> int:
        """Acquire the lock if no process has built since the database was read, else return -1."""
        try:
            handle = lock.acquire(self.plan.folder, wait=False)
        except XenToolError:
            return -1
        if handle >= 0 and not self.database.is_as_read():
            os.close(handle)
            return -1
        if handle >= 0:
            lock.sign(handle)
        return handle

    def _save(self) -> None:
        if self._lock < 0 or not (self.database.changed or self.contents.learned):
            return
        self.contents.look_again_at_young()
        try:
            self.database.save(self.contents)
        except XenToolError as error:
            if self.database.changed:
                print_message(f"the next build makes everything: {error}", "note")
        self.contents.learned = False

    def _forget_all(self) -> None:
        """Start with an empty database, as the one that was read is damaged."""
        self.database.clear()
        self.judge.look_again(())
