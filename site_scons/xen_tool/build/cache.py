# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A cache of objects in a folder (CACHE=DIR), shared by configurations, branches and checkouts.

A compilation is found in two steps.  The key of its folder is the digest of what is known before it
runs: its command line, its toolchain, and the contents of its sources.  An entry there records what
the compiler read and searched for, and the values of the symbols mentioned; the entry is used if
all of these are the same now, by the rules of judge.py.

    DIR/<2 digits>/<the rest of the key>/<digest of what was read>

An entry is one file, written under another name and renamed, so several builds may write at the
same time.  An entry that is damaged or vanishes while it is read is ignored.  Objects are copied.
A file that a killed build left half-written counts towards the limit and is removed like an old
entry.
"""

from __future__ import annotations

import contextlib
import os

from ..errors import XenToolError
from ..files import remove, write_if_changed
from ..light import NamedTuple
from . import discover
from .contents import MISSING, digest
from .reports import Read
from .step import COMPILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .contents import Contents
    from .judge import Judge
    from .plan import Plan
    from .record import Record
    from .step import Step

_FORMAT = b"xen_tool object 3\n"
_DIGEST = 32
"""Number of digits of a digest."""
_LEAVE = 0.8
"""The part of the limit that remains in use after the oldest entries were removed."""


class CacheEntry(NamedTuple):
    """A compilation found in the cache."""

    content: bytes
    """The object."""
    output: bytes
    """The output of the compiler."""
    read: Read


class Cache:
    """The entries in one folder, for one plan."""

    def __init__(self, plan: Plan, judge: Judge, *, colours: bool) -> None:
        self._plan = plan
        self._judge = judge
        self._colours = colours
        self._stored = False

    @property
    def _contents(self) -> Contents:
        return self._judge.contents

    def find(self, step: Step) -> CacheEntry | None:
        """Return the stored compilation of a step that matches the files now; None if none does."""
        if not self._takes(step):
            return None
        folder = self._folder(step)
        try:
            names = os.listdir(folder)
        except OSError:
            return None
        for name in names:
            # Another build may be writing a file whose name begins with a dot.
            if name[0] != "." and (found := self._matching(step, os.path.join(folder, name))):
                return found
        return None

    def store(self, step: Step, record: Record, read: Read, output: bytes) -> None:
        """Store the object that a step made, with what it read.

        Do nothing if the step made more than an object or has to run again, if the object has
        changed since, or if the folder cannot be written.
        """
        import json

        if not self._takes(step) or read.outputs or read.unknown or record.dirty:
            return
        with open(step.path, "rb") as file:
            content = file.read()
        if digest(content) != self._contents.digest(step.path):
            return
        where = self._lookups(step, read)
        entry = {
            "files": {name: self._contents.digest(name) for name in read.files},
            "named": {name: self._contents.digest(name) for name in read.named},
            "search": read.search,
            "searched_names": sorted(read.searched_names),
            "symbols": _pairs(record.symbols),
            "provided": read.provided,
            "names": record.names,
            "folders": where.folders,
            "present": record.present,
            "output": len(output),
        }
        if record.names != "/".join(sorted(where.names)):
            return
        header = json.dumps(entry, sort_keys=True).encode()
        body = b"%d\n" % len(header) + header + output + content
        path = os.path.join(self._folder(step), digest(header))
        try:
            write_if_changed(path, _FORMAT + digest(body).encode() + body)
        except XenToolError:
            # The disk is full or not writable: build without the cache.
            return
        self._stored = True

    def trim(self) -> None:
        """After a build that stored entries, remove the least recently used ones over the limit."""
        if not self._stored:
            return
        self._stored = False
        entries = []
        for folder, _, names in os.walk(self._plan.cache):
            for path in (os.path.join(folder, name) for name in names):
                # The folder may also hold files of the user.
                if not _is_entry(os.path.relpath(path, self._plan.cache)):
                    continue
                try:
                    status = os.stat(path)
                except OSError:
                    continue
                entries.append((status.st_mtime_ns, status.st_size, path))
        size = sum(entry[1] for entry in entries)
        if size <= self._plan.cache_limit:
            return
        for _, freed, path in sorted(entries):
            remove(path)
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(path))
            size -= freed
            if size <= self._plan.cache_limit * _LEAVE:
                return

    def _takes(self, step: Step) -> bool:
        return step.action == COMPILE and "-c" in step.flags and len(step.outputs) == 1

    def _folder(self, step: Step) -> str:
        """Return the folder of the entries for a step."""
        group = self._judge.group(step.group).items()
        known = [
            self._judge.signature(step),
            str(self._colours),
            *sorted(f"{os.path.basename(path)} {content}" for path, content in group),
            *(self._contents.digest(name) for name in step.inputs),
        ]
        key = digest("\0".join(known).encode("utf-8", "surrogateescape"))
        return os.path.join(self._plan.cache, key[:2], key[2:])

    def _lookups(self, step: Step, read: Read) -> discover.Lookups:
        search = [*map(os.path.dirname, step.inputs), *read.search]
        return discover.lookups(read.files, search, read.searched_names, self._contents)

    def _matching(self, step: Step, path: str) -> CacheEntry | None:
        """Return the entry in a file; None if it is damaged, or was made from other contents."""
        import json

        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            return None
        start = len(_FORMAT) + _DIGEST
        body = data[start:]
        if data[:start] != _FORMAT + digest(body).encode():
            remove(path)
            return None
        size, _, rest = body.partition(b"\n")
        entry = json.loads(rest[: int(size)])
        if not self._holds(entry):
            return None
        read = Read(
            files=list(entry["files"]),
            named=list(entry["named"]),
            outputs=[],
            search=entry["search"],
            searched_names=frozenset(entry["searched_names"]),
            symbols=entry["symbols"],
            provided=tuple(entry["provided"]),
            unknown="",
        )
        where = self._lookups(step, read)
        if (
            entry["names"] != "/".join(sorted(where.names))
            or tuple(entry["folders"]) != where.folders
            or entry["present"] != discover.present(where, self._contents)
        ):
            return None
        # Another build may have just removed the file; its content was read completely.
        with contextlib.suppress(OSError):
            os.utime(path)
        start_of_object = int(size) + entry["output"]
        return CacheEntry(rest[start_of_object:], rest[int(size) : start_of_object], read)

    def _holds(self, entry: Mapping[str, Mapping[str, str]]) -> bool:
        """Whether the symbols and files of an entry have the same values and contents now."""
        values = self._plan.symbols
        look = self._contents.digest
        return all(values.get(n, "") == value for n, value in entry["symbols"].items()) and all(
            content != MISSING and look(name) == content
            for kind in ("files", "named")
            for name, content in entry[kind].items()
        )


def _is_entry(path: str) -> bool:
    """Whether a path below the folder of the cache has the form of an entry, perhaps unfinished."""
    *folders, name = path.split("/")
    if name[0] == ".":
        # files.py writes .NAME.PID.RANDOM.
        name = name[1:].partition(".")[0]
    parts = [*folders, name]
    lengths = (2, _DIGEST - 2, _DIGEST)
    return tuple(map(len, parts)) == lengths and not "".join(parts).strip("0123456789abcdef")


def _pairs(text: str) -> dict[str, str]:
    lines = text.split("\n") if text else []
    return dict(line.split("=", 1) for line in lines)
