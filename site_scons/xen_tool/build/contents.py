# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Digests of files and folders, computed again only when the status of a file has changed.

A stamp is the text of a file's times, size and inode.  Stamps are compared for equality, so
a file that was replaced by an older one counts as changed.  As in git's index, a stamp is
not trusted while it is so young that the file could change again within the same clock tick.
Used by the judge and the database.
"""

from __future__ import annotations

import os
import stat
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from hashlib import blake2b

_REALTIME_COARSE = 5
"""Linux's CLOCK_REALTIME_COARSE, from which file systems take their times."""
_TICK_NS = 20_000_000
"""Nanoseconds, longer than a tick of any kernel; for systems without CLOCK_REALTIME_COARSE."""
_COARSE_NS = 2_000_000_000
"""Nanoseconds of the longest unit in which file systems store times: two seconds."""

MISSING = ""
"""Digest of a path that does not exist."""
_SPECIAL = "-"
"""Digest of a path that is neither a file nor a folder: reading it might never end."""


def stamp(status: os.stat_result) -> str:
    """Return the stamp of a file's status."""
    return f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_size} {status.st_ino}"


def _without_ctime(text: str) -> list[str]:
    mtime, _, *others = text.split()
    return [mtime, *others]


def _is_young(path: str) -> bool:
    """Whether a file could change now without a change of its stamp."""
    moment = clock()
    try:
        return changed_since(os.stat(path), moment)
    except OSError:
        return False


def _inode(folder: str) -> str:
    """Return the inode number of a folder, as in its stamp; "" if it cannot be read."""
    try:
        return str(os.stat(folder).st_ino) if folder else ""
    except OSError:
        return ""


def clock() -> int:
    """Return the time, in nanoseconds, that a file written now would get, or slightly less."""
    try:
        return time.clock_gettime_ns(_REALTIME_COARSE)
    except OSError:
        return time.time_ns() - _TICK_NS


def changed_since(status: os.stat_result, moment: int) -> bool:
    """Whether a file may have changed at or after a moment of clock()."""
    # The ctime: unlike the mtime it cannot be set.
    changed = status.st_ctime_ns
    if changed % 1_000_000_000 == 0:
        changed += _COARSE_NS
    return changed >= moment


Seen = tuple[str, str, bool, int]
"""One look at a file: its stamp, its digest, whether the stamp is too young to be trusted, and
the number of the look, from 1."""
_NEVER: Seen = ("", MISSING, False, 0)


class Contents:
    """Digests of files as they are now; a path that ends in a slash is a folder.

    The digest of a folder is that of the names in it.  known: stamps and digests, by path, from
    an earlier run.
    """

    def __init__(self, known: Mapping[str, tuple[str, str]]) -> None:
        self._known = known
        self._now: dict[str, Seen] = {}
        self._folders: set[str] = set()
        """The folders among the paths that were looked at."""
        self._names: dict[str, tuple[frozenset[str], str, bool, int]] = {}
        """By folder: its names, its stamp, whether the stamp is too young to be trusted, and the
        moment of clock() at which these names were first seen."""
        self.looks = 0
        """Number of looks so far."""
        self.learned = False
        """Whether a file or folder had to be read, so that its stamp is worth being saved."""

    def digest(self, path: str) -> str:
        """Return the digest of a file or folder, or MISSING; computed once until forget()."""
        now = self._now.get(path)
        if now is None:
            now = self._now[path] = self._look(path)
            if path.endswith("/"):
                self._folders.add(path)
        return now[1]

    def stale(
        self, paths: Sequence[str], stamps: Sequence[str], digests: Sequence[str]
    ) -> Iterator[int]:
        """Yield the indexes of the paths whose digests are different now; skip empty paths.

        stamps and digests have an element for each path; a stamp is "" if it is not trusted.
        """
        look, now = os.stat, self._now
        self.looks += 1
        for place, path in enumerate(paths):
            if not path:
                continue
            was = stamps[place]
            if was and path not in now:
                try:
                    if stamp(look(path)) == was:
                        now[path] = was, digests[place], False, self.looks
                        if path.endswith("/"):
                            self._folders.add(path)
                        continue
                except (OSError, ValueError):
                    pass
            if self.digest(path) != digests[place]:
                yield place

    def seen(self, path: str) -> Seen | None:
        """Return the last look at a path; None if there was none."""
        return self._now.get(path)

    def read_since(self, path: str, moment: int, look: int) -> str | None:
        """Return the digest that a file had for a program started at a moment of clock().

        look is the number of the last look before the start.  Return None if the file may
        have changed since the start, or is missing.
        """
        try:
            status = os.stat(path)
        except OSError:
            return None
        old_stamp, old_digest, is_young, number = self._now.get(path, _NEVER)
        # A later look was made because another program ended.
        looked_before = 0 < number <= look
        is_older = not changed_since(status, moment)
        if number and old_stamp == stamp(status) and not is_young:
            return old_digest if looked_before or is_older else None
        self._now[path] = self._look(path)
        new_stamp, new_digest, _, _ = self._now[path]
        # is_same: it was written and looked at in the tick in which the program started.
        is_same = looked_before and (old_stamp, old_digest) == (new_stamp, new_digest)
        return new_digest if is_older or is_same else None

    def linked(self, path: str, link: str) -> None:
        """Accept the new ctime of a file of which a step made a hard link; ignore other files."""
        before = self._now.get(path)
        try:
            status = os.stat(link)
            if before is None or not os.path.samestat(status, os.stat(path)):
                return
        except OSError:
            return
        now = stamp(status), *before[1:]
        if _without_ctime(now[0]) == _without_ctime(before[0]):
            self._now[path] = self._now[link] = now

    def look_again_at_young(self) -> None:
        """Look again at files whose stamps were too young and can be trusted now."""
        for path, seen in list(self._now.items()):
            if seen[2] and not _is_young(path):
                self._now[path] = self._look(path)

    def forget(self, paths: Iterable[str]) -> None:
        """Forget what is known of files that may have been written."""
        written = {""}
        for path in paths:
            if not path.endswith("/"):
                self._now.pop(path, None)
            written.add(os.path.dirname(path) or os.curdir)
        # Also their folders, by any of their names, and folders that did not exist.
        inodes = {_inode(folder) for folder in written}
        for folder in list(self._folders):
            if self._now[folder][0].rpartition(" ")[2] in inodes:
                self._folders.discard(folder)
                del self._now[folder]

    def spelled_as(self, paths: Iterable[str]) -> list[str]:
        """Return the paths, and those looked at that may be names of the same files.

        A path may be such a name if its last part is that of one of the paths.
        """
        found = list(paths)
        bases = set(map(os.path.basename, found))
        return [*found, *(path for path in self._now if path.rpartition("/")[2] in bases)]

    def names(self, folder: str) -> frozenset[str]:
        """Return the names in a folder, none if it does not exist; listed again if it changed."""
        moment = clock()
        try:
            status = os.stat(folder or os.curdir)
            now, is_young = stamp(status), changed_since(status, moment)
        except OSError:
            now, is_young = "", False
        if folder in self._names:
            old_names, old_stamp, was_young, since = self._names[folder]
            if old_stamp == now and not was_young:
                return old_names
        try:
            names = frozenset(os.listdir(folder or os.curdir))
        except OSError:
            names = frozenset()
        if folder in self._names and old_names == names:
            moment = since
        self._names[folder] = names, now, is_young, moment
        return names

    def listed_before(self, folder: str, moment: int) -> bool:
        """Whether a folder has the same names now as before a moment of clock()."""
        return folder in self._names and self._names[folder][3] < moment

    def _look(self, path: str) -> Seen:
        self.looks += 1
        moment = clock()
        try:
            status = os.stat(path)
            now = stamp(status)
            known = self._known.get(path)
            if known is not None and known[0] == now:
                return *known, False, self.looks
            if path.endswith("/"):
                names = sorted(os.listdir(path))
                content = digest("\0".join(names).encode("utf-8", "surrogateescape"))
            elif stat.S_ISREG(status.st_mode):
                content = digest_of_file(path)
            else:
                content = _SPECIAL
            self.learned = True
        except (OSError, ValueError):
            return "", MISSING, False, self.looks
        return now, content, changed_since(status, moment), self.looks


def digest(data: bytes) -> str:
    """Return the digest of bytes, in hexadecimal."""
    return _hash(data).hexdigest()


def digest_of_file(path: str) -> str:
    """Return the digest of the bytes of a file.

    Raises OSError if it cannot be read.
    """
    result = _hash()
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(1 << 20):
            result.update(chunk)
    return result.hexdigest()


def _hash(data: bytes = b"") -> blake2b:
    # Imported here, as a run with nothing to do computes no digest; not through hashlib,
    # which loads OpenSSL.
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b

    return blake2b(data, digest_size=16)
