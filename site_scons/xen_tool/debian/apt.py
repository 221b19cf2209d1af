# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run apt-get with separate package lists, without root, and without a change of the system.

packages.py and suites.py keep what they fetch below cache_folder().
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from ..errors import XenToolError

OTHER_CACHE = "another cache folder in XDG_CACHE_HOME"
"""The end of a message: what to name instead of a cache folder that cannot be used."""

Say = Callable[[str], None]
"""Prints a line of progress; called before a step that takes time."""


class Apt:
    """APT's programs, with package lists and archives in the folder state, which is created.

    sources: lines of sources.list(5) to use instead of the system's; APT then works for amd64, and
    as if no package were installed.  None: it uses the system's sources, architecture and list of
    installed packages.  All methods raise XenToolError if a program fails.
    """

    def __init__(self, state: Path, sources: str | None = None) -> None:
        for name in ("lists/partial", "archives/partial"):
            (state / name).mkdir(parents=True, exist_ok=True)
        status = Path("/var/lib/dpkg/status")
        self._options = [
            *("-o", f"Dir::State={state}", "-o", f"Dir::Cache={state}"),
            *("-o", "Acquire::Languages=none", "-o", "Acquire::Retries=3"),
        ]
        if sources is not None:
            status, listed = state / "status", state / "sources.list"
            status.touch()
            listed.write_text(sources)
            self._options += [
                *("-o", f"Dir::Etc::SourceList={listed}", "-o", "Dir::Etc::SourceParts=/dev/null"),
                *("-o", "Dir::Etc::Preferences=/dev/null"),
                *("-o", "Dir::Etc::PreferencesParts=/dev/null"),
                *("-o", "APT::Architecture=amd64", "-o", "APT::Architectures=amd64"),
                *("-o", "APT::Update::Error-Mode=any"),
            ]
        self._options += ["-o", f"Dir::State::status={status}"]

    def update(self) -> None:
        """Fetch the package lists."""
        run_program("apt-get", *self._options, "update")

    def mirror(self) -> str | None:
        """Return the URL of the first source with the component main; None if there is none."""
        return _mirror(self._options)

    def names(self) -> set[str]:
        """Return the names of all packages in the lists."""
        return set(run_program("apt-cache", *self._options, "pkgnames").split())

    def depends(self, package: str) -> str:
        """Return the output of `apt-cache depends` for a package."""
        return run_program("apt-cache", *self._options, "depends", package)

    def plan(self, packages: Sequence[str]) -> dict[str, str]:
        """Return the versions of the packages that would be installed for these, by name.

        Dependencies are included; a package that is installed in that version is not.
        """
        command = ("install", "--simulate", "--no-install-recommends", *packages)
        # Inst NAME [OLD VERSION] (VERSION ...)
        pattern = r"^Inst (\S+) (?:\[.*?\] )?\((\S+)"
        output = run_program("apt-get", *self._options, *command)
        return dict(re.findall(pattern, output, re.MULTILINE))

    def download(self, packages: Sequence[str], folder: Path) -> None:
        """Download the archives of packages, but not of their dependencies, to a folder.

        packages: NAME or NAME=VERSION.  The folder is created.  Progress is shown on a terminal.
        """
        folder.mkdir(parents=True, exist_ok=True)
        show = sys.stderr.isatty()
        run_program("apt-get", *self._options, "download", *packages, cwd=folder, show=show)


def system_mirror() -> str | None:
    """Return the URL of the system's first source with main; None if there are no lists of it."""
    return _mirror(())


def _mirror(options: Sequence[str]) -> str | None:
    """Return the URL of the first source with the component main, among those of options."""
    command = ("indextargets", "--format", "$(REPO_URI) $(COMPONENT)")
    for line in run_program("apt-get", *options, *command).splitlines():
        address, _, component = line.partition(" ")
        if component == "main":
            return address
    return None


def run_program(
    *command: str, cwd: Path | None = None, stdin: IO[bytes] | None = None, show: bool = False
) -> str:
    """Run a command, and return its output; with show, print that on standard error, and return "".

    Raises XenToolError, with the command's error message, if it fails or cannot be run.
    """
    environ = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environ,
            stdin=stdin or subprocess.DEVNULL,
            stdout=sys.stderr if show else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    except OSError as error:
        raise XenToolError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        errors = [line[3:] for line in done.stderr.splitlines() if line.startswith("E: ")]
        reason = "; ".join(errors) or done.stderr.strip() or f"status {done.returncode}"
        raise XenToolError(f"{shlex.join(command)} failed: {reason}")
    return done.stdout or ""


def cache_folder() -> Path:
    """Return the absolute path of the cache folder: for packages, and files made from them.

    It is xen_tool below XDG_CACHE_HOME or ~/.cache, and may be missing.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "xen_tool"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, which is created if it is missing; wait for the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
