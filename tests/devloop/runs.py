# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Runs of the tool: by SCons or by `xen-tool build`, to the end or until they are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from project import Run

TIMEOUT = 180
"""Seconds after which a run counts as one that hangs."""
_DROPPED = ("SCONSFLAGS", "KCONFIG_CONFIG", "XEN_TOOL_COMMAND", "PYTHONPATH")
_BUSY = ("Traceback (most recent call last)", "Segmentation fault")


class Crash(Exception):  # noqa: N818 - of the tool
    """A run ended in a way that no user should see."""


@dataclass(frozen=True)
class BuildCommand:
    """A command that builds."""

    name: str
    command: tuple[str, ...]
    tool: Path
    """The site_scons folder of the tool."""

    def start(self, top: Path, arguments: list[str]) -> Started:
        """Start the command at top, in a new session and process group."""
        inherited = {name: text for name, text in os.environ.items() if name not in _DROPPED}
        # No pipes, as orphans keep them open; Started closes them.
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        process = subprocess.Popen(
            [*self.command, *arguments],
            cwd=top,
            env={
                **inherited,
                "PYTHONPATH": str(self.tool),
                "XDG_CACHE_HOME": str(top.parent / "cache"),
            },
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        return Started(self.name, process, out, err)

    def run(self, top: Path, arguments: list[str]) -> Run:
        """Run the command at top, to its end.

        Raises Crash.
        """
        return self.start(top, arguments).end()


@dataclass
class Started:
    """A run that was started, and may have ended."""

    name: str
    process: subprocess.Popen[bytes]
    out: IO[bytes]
    err: IO[bytes]

    def end(self) -> Run:
        """Wait for its end.

        Raises Crash if it takes more than TIMEOUT, or ends as no run should.
        """
        try:
            status = self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill(group=True)
            raise Crash(f"{self.name} did not end within {TIMEOUT} s") from None
        out, err = (self._text(file) for file in (self.out, self.err))
        if status not in (0, 1, 2) or any(text in out + err for text in _BUSY):
            raise Crash(f"{self.name} ended with status {status}:\n{out}{err}")
        return Run(status, out, err)

    def kill(self, *, group: bool) -> bool:
        """Send SIGKILL to the process, or to its group; return whether it was still running."""
        alive = self.process.poll() is None
        if alive:
            if group:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
            self.process.wait()
        for file in (self.out, self.err):
            file.close()
        return alive

    @staticmethod
    def _text(file: IO[bytes]) -> str:
        with file:
            file.seek(0)
            return file.read().decode(errors="replace")


def build_commands(tool: Path) -> list[BuildCommand]:
    """Return the two commands that build, SCons and `xen-tool build`, of one copy of the tool."""
    shortcut = str(tool / "xen_tool/shortcut/__main__.py")
    return [
        BuildCommand("scons", (sys.executable, "-m", "SCons", "-Q"), tool),
        BuildCommand("xen-tool build", (sys.executable, "-I", "-S", shortcut, "-Q"), tool),
    ]


def did_nothing(run: Run) -> bool:
    """Whether a run succeeded, said that all is up to date, and shows no step."""
    return run.status == 0 and "is up to date" in run.out and not run.steps
