# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A reading: all that one run of SCons read, and the plans that the SConscripts described.

It is stored in the user's cache as a file of text fields (build/fields.py), for one command
line in one folder and environment:

    the format; the key; the number of jobs; "1" for each of -k, -s, -Q and V=1; "1" if
    other builders read outputs of the plans, or make files that a step could read; the
    folder of the SConstruct; what was printed while it was read, to standard output and
    error; the targets, an empty line between: what SCons calls each, and the files of plans
    that it stands for (lines); what is printed at the end; the numbers of plans, files and
    fields that follow
    plans   FILE FOLDER TARGETS MARK: a stored plan, its build directory, the requested
            files (lines), and the mark that its database has when these are up to date
    files   PATH STAMP DIGEST: like rows of a database; the digest is "+" if only the
            existence of the file counts, and "" if it must not exist
    how the configuration was made (other_values.py): the folder of kconfiglib, and the
            fields of a Described; none if another one could lead to other plans

Builds with nothing to do import this module, so it imports as little as possible.
"""

from __future__ import annotations

import os
import sys
from binascii import crc32
from io import TextIOWrapper

from ..build import fields
from ..build.contents import Contents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from ..build.plan import Plan as Steps

EXISTS = "+"
"""The digest of a file of which only the existence counts."""
WATCHER = "XEN_TOOL_WATCH"
"""The environment variable with which `scons watch` requests messages of a build."""
_FORMAT = "xen_tool reading 3"
_HEADER = 16
_PLAN, _FILE = 4, 3
"""The numbers of fields before the plans, of a plan and of a file."""
_UNCOUNTED = ("_", "SHLVL", "OLDPWD", "PWD", WATCHER)
"""Environment variables that a reading does not depend on."""
_COERCED = "LC_CTYPE=C.UTF-8"
"""The variable that Python itself sets if no locale is set, unless it is started with -I."""
_KEPT = 64
"""Most readings in the cache, if each has one plan."""


class StoredPlan:
    """A stored plan of a reading; its fields are those of `plans` in the file of the reading."""

    def __init__(self, file: str, folder: str, targets: str, mark: str) -> None:
        self.file = file
        self.folder = folder
        self.targets = targets.split("\n")
        self.mark = mark

    def read(self) -> Steps | None:
        """Return the plan; None if its file is missing or damaged."""
        from ..build import stored

        return stored.read(self.file)


class Reading:
    """A stored reading; its fields are those of the file of the reading."""

    def __init__(
        self,
        header: Sequence[str],
        plans: Sequence[StoredPlan],
        files: Sequence[Sequence[str]],
        described: Sequence[str] = (),
    ) -> None:
        self.header = header
        (
            jobs,
            keep_going,
            silent,
            quiet,
            verbose,
            others_follow,
            self.top,
            self.output,
            self.error_output,
            tops,
            self.closing,
        ) = header
        self.jobs = int(jobs)
        self.keep_going, self.silent, self.quiet, self.verbose, self.others_follow = (
            flag == "1" for flag in (keep_going, silent, quiet, verbose, others_follow)
        )
        self.tops = [top.split("\n") for top in tops.split("\n\n")]
        self.plans = plans
        self.files = files
        self.described = described

    def is_valid(self) -> bool:
        """Whether SCons would read the same again: no file has changed."""
        contents = Contents({})
        for path, stamp, digest in self.files:
            try:
                s = os.stat(path)
            except (OSError, ValueError):
                if digest:
                    return False
                continue
            if digest == EXISTS or stamp == (
                f"{s.st_mtime_ns} {s.st_ctime_ns} {s.st_size} {s.st_ino}"
            ):
                continue
            if contents.digest(path) != digest:
                return False
        return True

    def store(self) -> None:
        """Do nothing, as this reading is stored; a Derived is stored by this method."""

    def print_output(self) -> None:
        """Repeat the output of the SConscripts."""
        if isinstance(sys.stdout, TextIOWrapper):
            # As XenConfigure does, for characters that the terminal's encoding does not have.
            sys.stdout.reconfigure(errors="backslashreplace")
        sys.stderr.write(self.error_output)
        sys.stdout.write(self.output)
        sys.stdout.flush()

    def print_up_to_date(self, built: Container[str]) -> None:
        """Print which targets are up to date: those of which no file was built."""
        if not self.silent:
            for name, *files in self.tops:
                if not any(file in built for file in files):
                    sys.stdout.write(f"scons: `{name}' is up to date.\n")


def key(arguments: Sequence[str]) -> str:
    """Return all that a reading depends on besides files, as text."""
    environment = sorted(f"{k}={v}" for k, v in os.environ.items() if k not in _UNCOUNTED)
    environment = [variable for variable in environment if variable != _COERCED]
    tool = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    words = [os.getcwd(), sys.version, tool, *arguments, "", *environment]
    return "\n".join(words)


def place(key: str) -> str:
    """Return the path of the file in the user's cache for a key; "" if there is no cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", ""), ".cache")
    if not os.path.isabs(cache):
        return ""
    name = f"{crc32(key.encode('utf-8', 'surrogateescape')):08x}-{len(key):x}"
    return os.path.join(cache, "xen_tool", "readings", name)


def load(path: str, key: str) -> Reading | None:
    """Return the reading in a file; None if there is none for this key."""
    read = fields.read(path)
    if len(read) < _HEADER or read[0] != _FORMAT or read[1] != key:
        return None
    try:
        plans, files, described = map(int, read[_HEADER - 3 : _HEADER])
        first = _HEADER + _PLAN * plans
        end = first + _FILE * files
        if len(read) != end + described:
            return None
        return Reading(
            read[2 : _HEADER - 3],
            [StoredPlan(*read[at : at + _PLAN]) for at in range(_HEADER, first, _PLAN)],
            [read[at : at + _FILE] for at in range(first, end, _FILE)],
            read[end:],
        )
    except ValueError:
        return None


def save(
    path: str,
    key: str,
    header: Sequence[str],
    plans: Sequence[str],
    files: Sequence[str],
    described: Sequence[str] = (),
) -> None:
    """Store a reading in a file, and remove the oldest readings beyond _KEPT.

    plans and files: the fields of their rows, one after the other.  described: the fields on how
    the configuration was made.
    Raises XenToolError if it cannot be written.
    """
    counts = (len(plans) // _PLAN, len(files) // _FILE, len(described))
    fields.write(path, [_FORMAT, key, *header, *map(str, counts), *plans, *files, *described])
    folder = os.path.dirname(path)
    newest = sorted(os.scandir(folder), key=lambda entry: entry.stat().st_mtime, reverse=True)
    # A reading has two files: its own, and that of its plan.
    for entry in newest[2 * _KEPT :]:
        os.unlink(entry.path)
