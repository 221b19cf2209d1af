# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""apt-get with package lists of its own, which needs no root and disturbs nothing.

packages.py and releases.py keep what they fetch below cache_folder().
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

Say = Callable[[str], None]
"""Gets a line before a step that takes time."""


class Apt:
    """An APT whose state lies in a folder.

    sources are lines of sources.list(5) that it has instead of the system's; it is then for amd64,
    and as if nothing was installed.  Otherwise it knows what the system has.
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
            status, own = state / "status", state / "sources.list"
            status.touch()
            own.write_text(sources)
            self._options += [
                *("-o", f"Dir::Etc::SourceList={own}", "-o", "Dir::Etc::SourceParts=/dev/null"),
                *("-o", "Dir::Etc::Preferences=/dev/null"),
                *("-o", "Dir::Etc::PreferencesParts=/dev/null"),
                *("-o", "APT::Architecture=amd64", "-o", "APT::Architectures=amd64"),
                *("-o", "APT::Update::Error-Mode=any"),
            ]
        self._options += ["-o", f"Dir::State::status={status}"]

    def update(self) -> None:
        """Fetches the package lists.  Raises XenToolError, as the other methods do."""
        run_program("apt-get", *self._options, "update")

    def mirror(self) -> str | None:
        """The address of its main packages; None if it has no source of them."""
        return _mirror(self._options)

    def names(self) -> set[str]:
        """The packages that the lists know."""
        return set(run_program("apt-cache", *self._options, "pkgnames").split())

    def depends(self, package: str) -> str:
        """What the lists say that a package depends on."""
        return run_program("apt-cache", *self._options, "depends", package)

    def plan(self, packages: Sequence[str]) -> dict[str, str]:
        """The packages and all that they need and is not there, by name: versions."""
        command = ("install", "--simulate", "--no-install-recommends", *packages)
        # Inst NAME [OLD VERSION] (VERSION ...)
        pattern = r"^Inst (\S+) (?:\[.*?\] )?\((\S+)"
        output = run_program("apt-get", *self._options, *command)
        return dict(re.findall(pattern, output, re.MULTILINE))

    def download(self, packages: Sequence[str], folder: Path) -> None:
        """Puts the archives of NAME or NAME=VERSION into folder; a terminal sees how far it is."""
        folder.mkdir(parents=True, exist_ok=True)
        show = sys.stderr.isatty()
        run_program("apt-get", *self._options, "download", *packages, cwd=folder, show=show)


def system_mirror() -> str | None:
    """The address that the machine has its main packages from; None if it has no lists of them."""
    return _mirror(())


def _mirror(options: Sequence[str]) -> str | None:
    command = ("indextargets", "--format", "$(REPO_URI) $(COMPONENT)")
    for line in run_program("apt-get", *options, *command).splitlines():
        address, _, component = line.partition(" ")
        if component == "main":
            return address
    return None


def run_program(
    *command: str, cwd: Path | None = None, stdin: IO[bytes] | None = None, show: bool = False
) -> str:
    """Returns the command's output, or shows it on standard error.

    Raises XenToolError with its complaint if it fails.
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
    """Where the user's cached packages and what is made from them lie."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "xen_tool"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock on the file of that name, made if need be, which other processes wait for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
