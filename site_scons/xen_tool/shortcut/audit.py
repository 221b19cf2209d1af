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

_STARTED = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork")
_MADE = ("os.mkdir", "os.symlink", "os.link", "os.rename")
_REMOVED = ("os.remove", "os.rmdir", "os.rename", "os.truncate", "os.chmod")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_IMPORTING = ("_frozen_importlib_external", "importlib._bootstrap_external", "zipimport")
_WRAPPED = ("stat", "lstat", "access")


class Listener:
    """Files, lookups and folders that were recorded so far; paths are absolute."""

    def __init__(self) -> None:
        self.opened: dict[str, None] = {}
        self.listed: dict[str, None] = {}
        self.looked_up: dict[str, None] = {}
        self._made: dict[str, None] = {}
        self._removed: dict[str, None] = {}
        self.unknown = ""
        """Something that cannot be recorded, in words; empty if there was nothing."""
        self.output: list[tuple[str, str]] = []
        """Pairs of "stdout" or "stderr" and what was printed there."""
        self.written: list[str] = []
        """Files that the SConscripts changed; known after stop()."""
        self._quiet = 0
        self._listens = True
        self._stops: list[Callable[[], None]] = []
        sys.addaudithook(self._hear)
        for name in _WRAPPED:
            self._wrap(name)
        for name in ("stdout", "stderr"):
            self._tee(name)

    def on_stop(self, function: Callable[[], None]) -> None:
        """Call a function when all SConscripts are read."""
        self._stops.append(function)

    def stop(self) -> None:
        """Stop noticing: all SConscripts are read."""
        if self._listens:
            self._listens = False
            self._take_stock()
            for function in self._stops:
                function()

    def _take_stock(self) -> None:
        """Find the changed files among those written; temporary files do not count."""
        self.written = [path for path in self._made if os.path.lexists(path)]
        self.written += [path for path in self._removed if path not in self._made]
        if self.written:
            self.unknown = self.unknown or f"{self.written[0]} was changed"
        for paths in (self.opened, self.listed, self.looked_up):
            for path in self._made:
                paths.pop(path, None)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._listens or self._quiet:
            return
        if event == "open":
            path, mode = arguments[0], arguments[1]
            if isinstance(path, (str, bytes, os.PathLike)) and not self._imports():
                writes = set(mode or "") & set("wax+") or arguments[2] & _WRITING
                (self._made if writes else self.opened)[os.path.abspath(os.fsdecode(path))] = None
        elif event in ("os.listdir", "os.scandir"):
            if not self._imports() and not isinstance(arguments[0], int):
                self.listed[os.path.abspath(os.fsdecode(arguments[0] or "."))] = None
        elif event in _STARTED:
            self.unknown = self.unknown or f"{arguments[0]} was started"
        elif event in _MADE:
            paths = (path for path in arguments[:2] if isinstance(path, (str, bytes, os.PathLike)))
            self._made.update((os.path.abspath(os.fsdecode(path)), None) for path in paths)
        elif event in _REMOVED and arguments[-1] in (-1, None):
            # A path relative to a directory descriptor; a descriptor alone is the folder itself.
            self._removed[os.path.abspath(os.fsdecode(arguments[0]))] = None

    @staticmethod
    def _imports() -> bool:
        return sys._getframe(2).f_globals.get("__name__") in _IMPORTING

    def _wrap(self, name: str) -> None:
        original = getattr(os, name)

        def wrapped(path: Any, *arguments: Any, **named: Any) -> Any:
            if self._listens and not self._quiet and isinstance(path, (str, os.PathLike)):
                self.looked_up[os.path.join(os.getcwd(), os.fspath(path))] = None
            return original(path, *arguments, **named)

        # Like the builtin, it must not become a method where a class has it, as in pathlib of 3.10.
        setattr(os, name, staticmethod(wrapped))
        self._stops.append(lambda: setattr(os, name, original))

    def _tee(self, name: str) -> None:
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
    """Return the files opened since start()."""
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
    """Note folders in which the tool searched for programs."""
    for listener in _listener:
        listener.listed.update((os.path.abspath(folder), None) for folder in folders if folder)
