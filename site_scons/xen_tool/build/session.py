# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A build directory at work: its plan, database and lock.

What entry points use.  The lock is taken when something is made, and given back by
close(), which also writes the database; asking what is up to date needs neither lock nor
a directory that can be written.
"""

from __future__ import annotations

import os
import sys

from ..errors import XenToolError
from ..light import RLock
from . import lock
from .contents import Contents
from .database import FILE, DamagedError, Database
from .due import due as due_steps
from .judge import Judge
from .plan import Plan
from .runner import Result, Runner, Show
from .slots import Slots
from .step import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import ClassVar

    from .runner import Function


class Session:
    """Builds of one plan, from several threads; one is at work at a time, of all plans.

    imports: by the name of a function, what imports what it needs; done while commands run.  seen:
    the database of the plan, and contents that know what it knows.
    """

    # Of a signal only one runner is told.
    _mutex = RLock()
    _opened: ClassVar[list[Session]] = []
    """Those that hold the lock of their build directories."""

    def __init__(
        self,
        plan: Plan,
        functions: Mapping[str, Function],
        imports: Mapping[str, Callable[[], None]],
        show: Show,
        seen: tuple[Database, Contents] | None = None,
    ) -> None:
        self.plan = plan
        self._functions = functions
        self._imports = imports
        self._show = show
        self._lock = -1
        self._counted = False
        self._load(*(seen or self._look()))

    def _look(self) -> tuple[Database, Contents]:
        database = Database(os.path.join(self.plan.folder, FILE))
        return database, Contents(database.known())

    def _load(self, database: Database, contents: Contents) -> None:
        self.database = database
        self.contents = contents
        self.judge = Judge(self.plan, self.database, self.contents)
        self._runner = Runner(
            self.plan, self.database, self.judge, self._functions, self._imports, self._show
        )
        self._counted = False

    def due(
        self, paths: Sequence[str], *, force: Iterable[str] = (), mark: str = ""
    ) -> Mapping[str, Step]:
        """The steps that are to run, and those that could follow, by their first outputs.

        In an order to run them; force are outputs of steps that run in any case.  mark: what
        was given to mark() when files were made by just this plan, which says it in short.
        """
        with self._mutex:
            try:
                return self._due(paths, force, mark)
            except DamagedError:
                self._forget_all()
                return self._due(paths, force)

    def build(
        self,
        paths: Sequence[str],
        *,
        slots: Slots,
        keep_going: bool = False,
        force: Iterable[str] = (),
        made: Iterable[str] = (),
        due: Mapping[str, Step] | None = None,
        signals: int = -1,
    ) -> Result:
        """Make files; made are those that others have made just now, which steps may read.

        due: what due() has said of them since open().
        Raises XenToolError if the build directory cannot be written.
        """
        with self._mutex:
            self.open(signals)
            if not self._counted:
                self.database.run += 1
                self._counted = True
            # Known before a step starts, they did not change while it ran.
            for path in made:
                self.contents.digest(path)
            try:
                return self._runner.run(
                    self._due(paths, force) if due is None else due,
                    slots=slots,
                    keep_going=keep_going,
                    force=force,
                    keep_open=[self._lock],
                    signals=signals,
                )
            except DamagedError:
                self._forget_all()
                raise XenToolError(
                    f"{self.plan.folder}/{FILE} was damaged, and is made anew: build again"
                ) from None

    def _due(
        self, paths: Sequence[str], force: Iterable[str], mark: str = ""
    ) -> Mapping[str, Step]:
        return due_steps(self.plan, self.database, self.judge, paths, force=force, mark=mark)

    def mark(self, mark: str) -> None:
        """Take note that what a mark stands for is up to date, as due() has said.

        close() writes it.  Not if another process builds, or has since the database was read.
        """
        with self._mutex:
            if self._lock < 0:
                self._lock = self._lock_again()
            if self._lock >= 0:
                self.database.mark(mark)

    def changed(self, paths: Iterable[str]) -> None:
        """Has files looked up again, as something else may have written them."""
        with self._mutex:
            self.judge.look_again(self.contents.spelled_as(paths))

    def open(self, signals: int = -1) -> None:
        """Take the lock, and read what another process may have written before.

        signals: as lock.acquire() has it.
        Raises XenToolError if the build directory cannot be written, or a signal has come.
        """
        with self._mutex:
            if self._lock < 0:
                self._lock = lock.acquire(self.plan.folder, wait=False)
                if self._lock < 0:
                    # Who waits holds nothing that another process may wait for.
                    for other in list(self._opened):
                        other.close()
                    self._lock = lock.acquire(self.plan.folder, signals=signals)
                self._opened.append(self)
                if not self.database.is_as_read():
                    self._load(*self._look())
                lock.sign(self._lock)

    def close(self) -> None:
        """Write what is new, and let other processes build."""
        with self._mutex:
            try:
                if self._lock < 0 and self.contents.learned:
                    self._lock = self._lock_again()
                self._save()
            finally:
                if self._lock >= 0:
                    lock.sign(self._lock, done=True)
                    os.close(self._lock)
                    self._lock = -1
                if self in self._opened:
                    self._opened.remove(self)

    def _lock_again(self) -> int:
        """The lock, if nobody has built since the database was read: only stamps are new."""
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
                print(f"xen_tool: note: the next build starts anew: {error}", file=sys.stderr)
        self.contents.learned = False

    def _forget_all(self) -> None:
        """Starts with an empty database, as what was read is none."""
        self.database.clear()
        self.judge.look_again(())
