# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run SCons, and store a reading for shortcut/: what it read, and the plans it described.

Run as a program: `python .../xen_tool/scons/through.py [SCONS ARGUMENTS]`.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from collections.abc import Sequence
from typing import Any

if __name__ == "__main__":
    # Modules of SCons or a project must not be searched beside this file.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from xen_tool.build import stored
from xen_tool.build.contents import Contents, changed_since, clock, digest
from xen_tool.errors import XenToolError
from xen_tool.files import is_in
from xen_tool.process import collect_rarely, leave
from xen_tool.shortcut import audit, reading, watch_messages
from xen_tool.shortcut.audit import Listener

_UNUSUAL = (
    *("no_exec", "question", "clean", "help", "interactive", "tree_printers", "ignore_errors"),
    *("debug_explain", "debug_includes", "taskmastertrace_file", "random", "cache_show"),
)
"""Options with which SCons does more or less than to build the targets; nothing is stored then."""


class ReadingRecorder:
    """Records what a run of SCons reads, and can store it as a reading when the run has ended."""

    def __init__(self, arguments: list[str]) -> None:
        self._key = reading.key(arguments)
        self._place = reading.place(self._key)
        self._listener = audit.start()
        self._listener.on_stop(self._look)
        self._plans: list[tuple[Any, list[str]]] = []
        self._files: list[str] = []
        self._made: list[str] = []
        self._programs: list[str] = []
        """Absolute paths of the executable files of compilers and linkers."""
        self._there: dict[str, bool] = {}
        """Paths that were looked up, and whether they existed."""
        self._names: dict[str, frozenset[str]] = {}
        """Names in the folders that were listed."""
        self._contents = Contents({})
        self._moment = clock()
        self._others_follow = False
        self._tops: list[list[str]] = []
        self._top = ""

    def _look(self) -> None:
        """Look at the requested targets: all SConscripts are read, nothing is built yet."""
        from xen_tool.scons.graph import request

        looked_up = request.look()
        if looked_up.unknown:
            self._listener.unknown = self._listener.unknown or looked_up.unknown
        self._plans = looked_up.plans
        self._files, self._made = looked_up.files, looked_up.made
        self._others_follow, self._tops = looked_up.others_follow, looked_up.tops
        self._top = os.getcwd()
        if not self._listener.unknown:
            self._take_digests()
        if watch_messages.is_watched():
            self._tell_watcher()

    def _take_digests(self) -> None:
        """Take the digests of all files read, the names in listed folders, and what exists.

        Changes after this moment make the reading invalid.
        """
        listener = self._listener
        for path in listener.opened:
            if _has_changed(path, self._moment):
                listener.unknown = listener.unknown or f"{path} changed while it was read"
        # The command lines depend on these compilers and linkers.
        groups = [group for graph, _ in self._plans for group in graph.plan.groups.values()]
        made_with = (os.path.abspath(path) for group in groups for path in group.files)
        self._programs = [path for path in made_with if os.access(path, os.X_OK)]
        for path in (*listener.opened, *self._files, *self._programs, *_modules()):
            self._contents.digest(path)
        self._names = {folder: self._contents.names(folder) for folder in listener.listed}
        self._there = {path: os.path.lexists(path) for path in listener.looked_up}

    def _has_same_names(self, builds: Sequence[str]) -> bool:
        """Whether the listed folders have the names that they had, apart from outputs of this run.

        builds: the absolute paths of the build directories.
        """
        for folder, names in self._names.items():
            for name in self._contents.names(folder) ^ names:
                path = os.path.join(folder, name)
                is_made = path in self._made or name.startswith(".sconsign")
                if not (is_made or any(is_in(path, b) or is_in(b, path) for b in builds)):
                    return False
        return True

    def _tell_watcher(self) -> None:
        """Tell the watcher the files that were read outside of the project, and the outputs."""
        from xen_tool.scons.graph import request

        folders, made = request.outputs()
        made += self._listener.written
        read = [p for p in (*self._listener.opened, *self._files) if not is_in(p, self._top)]
        counts = (str(len(folders)), str(len(made)))
        watch_messages.tell(watch_messages.READ, [*counts, *folders, *made, *read])

    def record(self) -> bool:
        """Store the reading and its plans; return False if the run cannot be recorded."""
        listener: Listener = self._listener
        # Not stopped yet if no file of a plan was requested.
        listener.stop()
        if not self._place or listener.unknown or not self._plans:
            return False
        from SCons.Script import GetOption

        from xen_tool.scons import summary

        folders = [os.path.abspath(graph.plan.folder) for graph, _ in self._plans]
        if any(GetOption(name) for name in _UNUSUAL) or not self._has_same_names(folders):
            return False
        plans: list[str] = []
        for number, (graph, targets) in enumerate(self._plans):
            if graph.session.dirty_steps(targets):
                return False
            file = f"{self._place}.{number}"
            stored.write(file, graph.plan)
            with open(file, "rb") as written:
                mark = digest(
                    written.read() + "\n".join(targets).encode("utf-8", "surrogateescape")
                )
            graph.session.mark(mark)
            graph.session.close()
            plans += [file, graph.plan.folder, "\n".join(targets), mark]
        verbose = any(graph.show.verbose for graph, _ in self._plans)
        flags = (GetOption("keep_going"), GetOption("silent"), GetOption("no_progress"), verbose)
        header = [
            str(GetOption("num_jobs")),
            *("1" if flag else "0" for flag in (*flags, self._others_follow)),
            self._top,
            *(
                "".join(t for to, t in listener.output if to == name)
                for name in ("stdout", "stderr")
            ),
            "\n\n".join(map("\n".join, self._tops)),
            summary.closing_lines(),
        ]
        files = list(self._rows(folders))
        reading.save(self._place, self._key, header, plans, files, self._described())
        return True

    def _described(self) -> list[str]:
        """Return how the configuration was made, as reading.save() stores it.

        Return [] if SCons has to run when settings change, as that may lead to other plans.
        """
        from xen_tool.scons import observed

        made = observed.described()
        library = getattr(sys.modules.get("kconfiglib"), "__file__", None)
        if made is None or library is None or len(self._plans) != 1:
            return []
        site = os.path.dirname(library)
        tool = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        read = [*self._listener.opened, *_modules()]
        texts = (p for p in dict.fromkeys(read) if not (is_in(p, site) or is_in(p, tool)))
        if any(map(_mentions_arguments, texts)):
            return []
        packed = made.packed()
        return [site, *packed] if packed else []

    @property
    def is_alone(self) -> bool:
        """Whether the run did nothing but build plans: no other Python code may have open files."""
        return not self._made and threading.active_count() == 1

    def _rows(self, folders: list[str]) -> Any:
        """Yield what reading.save() stores of each path that was read outside of `folders`.

        That is the path, its stamp, and its digest.  folders: the build directories.
        """
        listener: Listener = self._listener
        contents = self._contents

        def is_read(path: str) -> bool:
            return not any(is_in(path, folder) for folder in folders)

        others = {*self._files, *self._made}
        read = [*listener.opened, *_modules(), *others, *self._programs]
        for path in dict.fromkeys([*read, *(f"{folder}/" for folder in listener.listed)]):
            if is_read(path) or path in others:
                content = contents.digest(path)
                seen = contents.seen(path)
                yield from (path, "" if seen is None or seen[2] else seen[0], content)
        for path, was_there in self._there.items():
            # Parents of a build directory are created by the build.
            on_the_way = any(folder.startswith(f"{path}/") for folder in folders)
            if is_read(path) and path not in listener.opened and not on_the_way:
                is_there = os.path.lexists(path) if path in others else was_there
                yield from (path, "", reading.EXISTS if is_there else "")


def _has_changed(path: str, moment: int) -> bool:
    """Whether a file exists and has changed since a moment of clock()."""
    try:
        return changed_since(os.stat(path), moment)
    except OSError:
        return False


def _mentions_arguments(path: str) -> bool:
    """Whether a file could be a script that reads the words of the command line."""
    try:
        with open(path, "rb") as file:
            return re.search(rb"ARGUMENTS|ARGLIST|argv|cmdline", file.read()) is not None
    except OSError:
        return True


def _modules() -> list[str]:
    """Return the paths of all loaded modules that are not of Python's standard library."""
    library = os.path.dirname(os.__file__)
    packages = os.path.join(library, "site-packages")
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return [
        path
        for path in files
        if path and (not path.startswith(library) or path.startswith(packages))
    ]


def main(arguments: list[str]) -> None:
    """Run SCons and exit with its status."""
    collect_rarely()
    watch_messages.tell(watch_messages.BUILT)
    recorder = ReadingRecorder(arguments)
    # Programs that SConscripts start must not write messages for the watcher.
    os.environ.pop(reading.WATCHER, None)

    from SCons.Script import main as scons

    # Before SConscripts are read, SCons prints a line to the standard output.
    sys.argv = ["scons", *(["-Q"] if "--json" in arguments else []), *arguments]
    status: Any = 0
    try:
        scons()
    except SystemExit as ended:
        status = ended.code
    if not status:
        # If it cannot be written, the next run starts SCons again.
        with contextlib.suppress(XenToolError, OSError):
            if recorder.record() and recorder.is_alone:
                leave(0)
    sys.exit(status)


if __name__ == "__main__":
    main(sys.argv[1:])
