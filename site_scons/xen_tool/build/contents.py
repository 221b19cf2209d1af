# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Digests of files and folders; one is read again only when its status has changed.

A stamp holds times, size and inode of a file, as text, and is compared for equality: a
file that was replaced by an older one has changed, too.  As git does, a stamp does not
count that is so young that the file could change once more and look the same.
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
"""Linux's CLOCK_REALTIME_COARSE, which file systems take times from; it goes in ticks."""
_TICK_NS = 20_000_000
"""Longer than a tick of any kernel, where that clock is not to be had."""
_COARSE_NS = 2_000_000_000
"""The same where a file system keeps whole seconds, or every other."""

MISSING = ""
"""The digest of what does not exist."""
_SPECIAL = "-"
"""The digest of what is neither a file nor a folder: reading it may have no end."""


def stamp(status: os.stat_result) -> str:
    """What is compared of a file's status."""
    return f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_size} {status.st_ino}"


def _without_ctime(text: str) -> list[str]:
    mtime, _, *others = text.split()
    return [mtime, *others]


def _is_young(path: str) -> bool:
    """Whether a file could change now and have the same stamp."""
    moment = clock()
    try:
        return changed_since(os.stat(path), moment)
    except OSError:
        return False


def _inode(folder: str) -> str:
    """The last word of the stamp of what a folder is now; "" if there is none."""
    try:
        return str(os.stat(folder).st_ino) if folder else ""
    except OSError:
        return ""


def clock() -> int:
    """The time that a file would get that is written now, in nanoseconds; or a little less."""
    try:
        return time.clock_gettime_ns(_REALTIME_COARSE)
    except OSError:
        return time.time_ns() - _TICK_NS


def changed_since(status: os.stat_result, moment: int) -> bool:
    """Whether a file may have changed at or after a moment that clock() told."""
    # The time of the last change, which unlike that of the last write nobody can set.
    changed = status.st_ctime_ns
    if changed % 1_000_000_000 == 0:
        changed += _COARSE_NS
    return changed >= moment


Seen = tuple[str, str, bool, int]
"""One look at a file: its stamp and digest; whether it is young: it could have changed after
the look and have the same stamp; and the number of the look."""


class Contents:
    """What files hold now; a path that ends in a slash is a folder, which holds names.

    known: path to stamp and digest, of an earlier run.
    """

    def __init__(self, known: Mapping[str, tuple[str, str]]) -> None:
        self._known = known
        self._now: dict[str, Seen] = {}
        self._folders: set[str] = set()
        """The folders among them."""
        self._names: dict[str, tuple[frozenset[str], str, bool, int]] = {}
        """Names in a folder, its stamp, whether it is young, and when it first had them."""
        self.looks = 0
        """The number of the last look."""
        self.learned = False
        """Whether something had to be read that was known, as its stamp did not count."""

    def digest(self, path: str) -> str:
        """The digest of a file or folder, MISSING if there is none; looked up once."""
        now = self._now.get(path)
        if now is None:
            now = self._now[path] = self._look(path)
            if path.endswith("/"):
                self._folders.add(path)
        return now[1]

    def stale(
        self, paths: Sequence[str], stamps: Sequence[str], digests: Sequence[str]
    ) -> Iterator[int]:
        """The places of the files, of paths that are not empty, which hold something else."""
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
        """What was looked up; None if it was not."""
        return self._now.get(path)

    def read_since(self, path: str, moment: int, look: int) -> str | None:
        """The digest of what a program read that was started at a moment of clock().

        look is the number of the last look before it.  None if the file may have changed
        since then.
        """
        before = self._now.get(path)
        try:
            status = os.stat(path)
        except OSError:
            return None
        # Another program may have ended meanwhile, and had the file looked at.
        knows = before is not None and before[3] <= look
        is_older = not changed_since(status, moment)
        if before is not None and before[0] == stamp(status) and not before[2]:
            return before[1] if knows or is_older else None
        now = self._now[path] = self._look(path)
        # Or else written, looked at and read within a tick, and still the same.
        if is_older or (knows and before is not None and before[:2] == now[:2]):
            return now[1]
        return None

    def linked(self, path: str, link: str) -> None:
        """Take note of a hard link that was just made, which set the time of its inode."""
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
        """Look once more at what was too young, if it is old enough now."""
        for path, seen in list(self._now.items()):
            if seen[2] and not _is_young(path):
                self._now[path] = self._look(path)

    def forget(self, paths: Iterable[str]) -> None:
        """Has files looked up again, as somebody may have written them."""
        written = {""}
        for path in paths:
            if not path.endswith("/"):
                self._now.pop(path, None)
            written.add(os.path.dirname(path) or os.curdir)
        # Their folders, by whatever names, and those that were not there.
        inodes = {_inode(folder) for folder in written}
        for folder in list(self._folders):
            if self._now[folder][0].rpartition(" ")[2] in inodes:
                self._folders.discard(folder)
                del self._now[folder]

    def spelled_as(self, paths: Iterable[str]) -> list[str]:
        """Paths, and all that were looked up and could be other names of the same files."""
        found = list(paths)
        bases = set(map(os.path.basename, found))
        return [*found, *(path for path in self._now if path.rpartition("/")[2] in bases)]

    def names(self, folder: str) -> frozenset[str]:
        """The names in a folder, which need not exist; it is listed again if it has changed."""
        moment = clock()
        try:
            status = os.stat(folder or os.curdir)
            now, is_young = stamp(status), changed_since(status, moment)
        except OSError:
            now, is_young = "", False
        known = self._names.get(folder)
        if known is not None and known[1] == now and not known[2]:
            return known[0]
        try:
            names = frozenset(os.listdir(folder or os.curdir))
        except OSError:
            names = frozenset()
        if known is not None and known[0] == names:
            moment = known[3]
        self._names[folder] = names, now, is_young, moment
        return names

    def listed_before(self, folder: str, moment: int) -> bool:
        """Whether the names in a folder are those of before a moment of clock()."""
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
    """The digest of bytes, in hexadecimal."""
    return _hash(data).hexdigest()


def digest_of_file(path: str) -> str:
    """The digest of a file's bytes.

    Raises OSError if it cannot be read.
    """
    result = _hash()
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(1 << 20):
            result.update(chunk)
    return result.hexdigest()


def _hash(data: bytes = b"") -> blake2b:
    # Imported here, as a run with nothing to do hashes nothing; and not by hashlib, which
    # loads OpenSSL for the other algorithms.
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b

    return blake2b(data, digest_size=16)
