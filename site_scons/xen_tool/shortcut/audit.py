# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Notice which files SConscripts open, list or stat, and which programs they run.

Files and programs are reported by Python's audit events; os.stat() and similar functions,
which have none, are wrapped while SConscripts are read.  Reads of environment variables are
not noticed: a reading depends on all of them.  Nothing happens before start() is called.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

# Audit events (Python's documentation, "Audit events table").
_STARTED = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork")
_MADE = ("os.mkdir", "os.symlink", "os.link", "os.rename")
_CHANGED = ("os.remove", "os.rmdir", "os.truncate", "os.chmod")

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_IMPORTING = ("_frozen_importlib_external", "importlib._bootstrap_external", "zipimport")
"""Python's modules for imports, whose accesses are not recorded: through.py adds the modules."""
_PATH = (str, bytes, os.PathLike)
"""The types of a path; a descriptor is an int."""
_WRAPPED = ("stat", "lstat", "access")
"""Functions of os that raise no audit event."""


class Listener:
    """What SConscripts did so far.  The dicts are ordered sets of absolute paths."""

    def __init__(self) -> None:
        self.opened: dict[str, None] = {}
        """Files that were opened for reading."""
        self.listed: dict[str, None] = {}
        """Folders whose names were read."""
        self.looked_up: dict[str, None] = {}
        """Files whose status or existence was read."""
        self._made: dict[str, None] = {}
        """Files that were opened for writing, renamed or linked, and folders that were made."""
        self._changed: dict[str, None] = {}
        """Files and folders that were removed, truncated, or given another mode."""
        self.unknown = ""
        """Something that cannot be recorded, in words; empty if there was nothing."""
        self.output: list[tuple[str, str]] = []
        """Pairs of "stdout" or "stderr" and what was printed there."""
        self.written: list[str] = []
        """Files that the SConscripts changed; known after stop()."""
        self._quiet = 0
        """The number of contexts ignored() that are open."""
        self._listens = True
        self._stops: list[Callable[[], None]] = []
        """The functions that stop() calls."""
        sys.addaudithook(self._hear)
        for name in _WRAPPED:
            self._wrap(name)
        for name in ("stdout", "stderr"):
            self._tee(name)

    def on_stop(self, function: Callable[[], None]) -> None:
        """Have stop() call a function, when all SConscripts are read."""
        self._stops.append(function)

    def stop(self) -> None:
        """Stop noticing: all SConscripts are read."""
        if self._listens:
            self._listens = False
            self._collect_written()
            for function in self._stops:
                function()

    def _collect_written(self) -> None:
        """Set `written`, which has no temporary files, and forget that written files were read."""
        self.written = [path for path in self._made if os.path.lexists(path)]
        self.written += [path for path in self._changed if path not in self._made]
        if self.written:
            self.unknown = self.unknown or f"{self.written[0]} was changed"
        for paths in (self.opened, self.listed, self.looked_up):
            for path in self._made:
                paths.pop(path, None)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Record an audit event; called by Python."""
        if not self._listens or self._quiet:
            return
        if event == "open":
            path, mode = arguments[0], arguments[1]
            if isinstance(path, _PATH) and not self._imports():
                writes = set(mode or "") & set("wax+") or arguments[2] & _WRITING
                (self._made if writes else self.opened)[os.path.abspath(os.fsdecode(path))] = None
        elif event in ("os.listdir", "os.scandir"):
            if not self._imports() and not isinstance(arguments[0], int):
                self.listed[os.path.abspath(os.fsdecode(arguments[0] or "."))] = None
        elif event in _STARTED:
            self.unknown = self.unknown or f"{arguments[0]} was started"
        elif event in _MADE:
            paths = (path for path in arguments[:2] if isinstance(path, _PATH))
            self._made.update((os.path.abspath(os.fsdecode(path)), None) for path in paths)
        elif event in _CHANGED and isinstance(arguments[0], _PATH):
            is_relative = event != "os.truncate" and arguments[-1] not in (-1, None)
            # The folder of a path that is relative to a descriptor, the last argument, is unknown.
            if not is_relative:
                self._changed[os.path.abspath(os.fsdecode(arguments[0]))] = None

    @staticmethod
    def _imports() -> bool:
        """Whether Python's import caused the event that _hear() handles."""
        return sys._getframe(2).f_globals.get("__name__") in _IMPORTING

    def _wrap(self, name: str) -> None:
        """Replace a function of os by one that records the path, until stop()."""
        original = getattr(os, name)

        def wrapped(path: Any, *arguments: Any, **named: Any) -> Any:
            if self._listens and not self._quiet and isinstance(path, (str, os.PathLike)):
                self.looked_up[os.path.join(os.getcwd(), os.fspath(path))] = None
            return original(path, *arguments, **named)

        # Like the builtin, it must not become a method where a class has it, as in pathlib of 3.10.
        setattr(os, name, staticmethod(wrapped))
        self._stops.append(lambda: setattr(os, name, original))

    def _tee(self, name: str) -> None:
        """Record what is written to a stream of sys, until stop()."""
        stream = getattr(sys, name)
        original = stream.write

        def write(text: str) -> Any:
            if self._listens:
                self.output.append((name, text))
            return original(text)

        stream.write = write
        self._stops.append(lambda: setattr(stream, "write", original))

    @contextlib.contextmanager
    def ignored(self) -> Iterator[None]:
        """Do not notice what the tool itself does within this context."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1


_listener: list[Listener] = []


def start() -> Listener:
    """Start noticing; once in a process."""
    _listener.append(Listener())
    return _listener[0]


def opened() -> list[str]:
    """Return the files opened for reading since start(); [] if it was not called."""
    return list(dict.fromkeys(path for listener in _listener for path in listener.opened))


def stop() -> None:
    """Stop noticing, if it was started."""
    for listener in _listener:
        listener.stop()


@contextlib.contextmanager
def ignored() -> Iterator[None]:
    """Do not notice what the tool itself does within this context."""
    with contextlib.ExitStack() as stack:
        for listener in _listener:
            stack.enter_context(listener.ignored())
        yield


def lists(folders: Iterable[str]) -> None:
    """Record folders in which the tool searched for programs as listed."""
    for listener in _listener:
        listener.listed.update((os.path.abspath(folder), None) for folder in folders if folder)
