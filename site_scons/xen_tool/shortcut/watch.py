# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`scons watch [TARGETS]`: build, and build again at every save, until it is interrupted.

scons/targets/watching.py replaces SCons by this program:
`python .../xen_tool/shortcut/watch.py TOP [SCONS ARGUMENTS]`.  Every build is a new process of
`xen-tool build`, so the watcher holds no lock and no state of a build.  watch_filter.py decides
which saves count.  After a save during a build another build follows; a save while a guest is
running ends the guest.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from queue import SimpleQueue
from types import FrameType

if __name__ == "__main__":
    # Python has put the folder of this file there; imports need the folder of xen_tool.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from xen_tool.build.spawn import INTERRUPTING
from xen_tool.errors import XenToolError
from xen_tool.progress import is_terminal
from xen_tool.shortcut import watch_messages
from xen_tool.shortcut.reading import WATCHER

try:
    from watchfiles import Change
except ImportError:
    print("scons: *** watch needs a package of Python: pip install watchfiles", file=sys.stderr)
    sys.exit(2)
from xen_tool.shortcut.watch_filter import Saves
from xen_tool.shortcut.watch_folders import Changes, Follower

_BUILD_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
_ERASE = "\x1b[H\x1b[2J"
"""Clears a terminal."""
_PATIENCE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
_REPEATS = 5
"""After this many builds in a row that a build itself caused, the files that it changes are ignored
until they change between builds."""


class _Ended:
    """The event that a build has ended."""


_Event = _Ended | signal.Signals | Changes
"""An event: the end of a build, a signal to end, or changes of files."""


class _Watch:
    """The builds of one command line.

    messages: the folder for messages of builds (watch_messages.py).
    """

    def __init__(self, top: str, arguments: Sequence[str], messages: str) -> None:
        self._messages = messages
        # The watcher prints one line for each build; V=1 shows all.
        quiet = "-Q" if "V=1" in arguments else "-s"
        self._command = [sys.executable, "-I", "-S", _BUILD_PROGRAM, *arguments, quiet]
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._top = top
        self._saves = Saves(top, messages)
        self._followers: dict[bool, Follower] = {}
        """Two followers: True for the top, recursive; False for single folders."""
        self._changed: dict[str, set[Change]] = {}
        """Changes since the build started."""
        self._cause: list[str] = []
        """The saved files for which the last build was started."""
        self._repeats = 0
        """The number of builds in a row that a build itself caused."""
        self._build: subprocess.Popen[bytes] | None = None
        """The build that runs."""
        self._started = self._ended = 0
        """Start and end of the last build in nanoseconds, by the clock of file times."""
        self._failed = False
        """Whether the last build failed."""
        self._knows_guest = False
        """Whether the build is known to run a guest."""
        self._cut: list[str] = []
        """The saves for which the guest was ended."""

    def run(self) -> signal.Signals:
        """Build at every save; return the signal that ended it.

        Raises XenToolError if folders cannot be followed.
        """
        for number in INTERRUPTING:
            # Some of them are ignored under nohup and in background jobs.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._interrupt)
        self._follow([self._top], recursive=True)
        self._follow([self._messages], recursive=False)
        self._start([])
        while not isinstance(event := self._events.get(), signal.Signals):
            if isinstance(event, _Ended):
                self._end()
            else:
                for change, path in event:
                    self._changed.setdefault(path, set()).add(change)
            if self._build is None:
                self._go_on()
            elif self._guest_runs() and not self._cut:
                self._cut = self._saves.counted(self._changed)
                if self._cut:
                    self._ask_to_end(self._build)
        return event

    def close(self) -> None:
        """End the running build and the followers."""
        if self._build is not None:
            self._ask_to_end(self._build).join()
        for follower in self._followers.values():
            follower.end()

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        self._events.put(signal.Signals(number))

    def _follow(self, folders: Iterable[str], *, recursive: bool) -> None:
        old = self._followers.get(recursive)
        self._followers[recursive] = Follower(folders, self._events.put, recursive=recursive)
        if old is not None:
            old.end()

    def _start(self, names: list[str]) -> None:
        """Start a build for the files that were saved."""
        self._cause = names
        self._knows_guest, self._cut = False, []
        for what in (watch_messages.BUILT, watch_messages.GUEST):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self._messages, what))
        if self._failed and is_terminal(sys.stdout):
            print(end=_ERASE, flush=True)
        self._started = time.time_ns()
        # In a new session, so that Ctrl-C reaches this process only.
        build = self._build = subprocess.Popen(
            self._command,
            env={**os.environ, WATCHER: self._messages},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

        def wait() -> None:
            build.wait()
            self._events.put(_Ended())

        threading.Thread(target=wait).start()

    def _end(self) -> None:
        """Record that the build has ended, and print its result, unless a save ended its guest."""
        assert self._build is not None
        self._ended = time.time_ns()
        seconds = (self._ended - self._started) / 1e9
        self._failed = self._build.returncode != 0
        self._build = None
        self._learn()
        if self._cut:
            return
        if self._failed:
            result = f"failed after {seconds:.2f} s"
        elif self._has_message(watch_messages.BUILT):
            result = f"built in {seconds:.2f} s"
        else:
            result = "up to date"
        self._print(self._cause, result)

    def _go_on(self) -> None:
        """Start another build if files changed, unless builds themselves change them each time."""
        names = self._cut or self._saves.counted(self._changed)
        self._changed.clear()
        if not names:
            return
        of_itself = set(names) <= set(self._cause) and all(
            _is_older(name, self._ended) for name in names
        )
        self._repeats = self._repeats + 1 if of_itself and not self._cut else 0
        if self._repeats < _REPEATS:
            self._saves.heed(names)
            self._start(names)
        else:
            self._saves.ignore(names)
            self._print(names, "changes in every build; a change between builds is waited for")

    def _guest_runs(self) -> bool:
        if not self._knows_guest and self._has_message(watch_messages.GUEST):
            self._knows_guest = True
            self._learn()
        return self._knows_guest

    def _has_message(self, what: str) -> bool:
        return os.path.exists(os.path.join(self._messages, what))

    def _learn(self) -> None:
        """Read the messages of the build, and follow the folders that it read outside the top."""
        before = self._saves.outside
        self._saves.learn()
        if self._saves.outside.keys() == before.keys():
            return
        self._follow([self._messages, *self._saves.outside], recursive=False)
        for folder, names in self._saves.outside.items():
            # A new folder was not followed yet when the build read its files.
            for path in (os.path.join(folder, name) for name in names if folder not in before):
                if not _is_older(path, self._started):
                    self._changed.setdefault(path, set()).add(Change.modified)

    def _print(self, names: Sequence[str], what: str) -> None:
        subject = f"{os.path.basename(names[0])}: " if names else ""
        if len(names) > 1:
            subject = f"{subject[:-2]} and {len(names) - 1} more: "
        after = "" if names else "; a save builds again, Ctrl-C ends"
        print(f"{time.strftime('%H:%M:%S')}  {subject}{what}{after}", flush=True)

    def _ask_to_end(self, build: subprocess.Popen[bytes]) -> threading.Thread:
        """End a build and its children; return the thread that waits, and kills them if need be."""
        _send(build, signal.SIGTERM)

        def wait() -> None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                build.wait(_PATIENCE)
            _send(build, signal.SIGKILL)
            build.wait()

        thread = threading.Thread(target=wait)
        thread.start()
        return thread


def _is_older(path: str, moment: int) -> bool:
    """Whether a file was changed before a moment, or does not exist."""
    try:
        return os.stat(path).st_ctime_ns < moment
    except OSError:
        return True


def _send(build: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(build.pid, number)


def main(top: str, *arguments: str) -> int:
    """Watch; return the exit status: 128 plus the signal that ended it, or 2 after an error."""
    with tempfile.TemporaryDirectory(prefix="xen-tool-watch-") as folder:
        watching = _Watch(top, arguments, os.path.realpath(folder))
        try:
            return 128 + watching.run()
        except XenToolError as error:
            print(f"scons: *** {error}", file=sys.stderr)
            return 2
        except BrokenPipeError:
            # At exit Python would flush standard output, and fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
        finally:
            watching.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
