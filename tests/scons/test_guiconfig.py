# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`scons guiconfig` on an X server without a screen, driven by keys."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from programs import program
from project import Project
from provision import python_environment

_PATIENCE = 60.0


@pytest.fixture
def display() -> Iterator[str]:
    """The name of a display."""
    for name in ("Xvfb", "xdotool"):
        program(name)
    importable = subprocess.run(
        [sys.executable, "-c", "import tkinter"], env=os.environ | python_environment(), check=False
    )
    if importable.returncode:
        pytest.skip(f"{sys.executable} has no tkinter; python3-tk is for Debian's Python")
    command = ["Xvfb", "-displayfd", "1", "-nolisten", "tcp"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        yield f":{server.stdout.readline().strip()}"
        server.terminate()


class Window:
    """guiconfig in a process of its own."""

    def __init__(self, kernel: Project, display: str) -> None:
        self._environment = {**os.environ, **python_environment(), "DISPLAY": display}
        self._config = kernel.top / ".config"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "SCons", "-Q", "guiconfig"],
            cwd=kernel.top,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        end = time.monotonic() + _PATIENCE
        # To read a window's title Xlib needs files, which unpacked packages have elsewhere.
        while not (windows := self._xdotool("search", "--onlyvisible", "--class", "Tk").split()):
            if self._process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"no window came: {self.end()[1]}")
            time.sleep(0.05)
        # Without a window manager keys go to what is under the pointer, perhaps to no window yet.
        self._xdotool("windowfocus", "--sync", windows[-1])

    def _xdotool(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self._environment, capture_output=True, text=True, check=False
        )
        return done.stdout

    def keys(self, *names: str) -> None:
        """Type keys, which the window gets in this order."""
        self._xdotool("key", *names)

    def end(self) -> tuple[int, str]:
        """Wait for the end; return status and output."""
        try:
            output = self._process.communicate(timeout=_PATIENCE)[0]
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            output = self._process.communicate()[0]
        assert "Traceback" not in output, output
        return self._process.returncode, output


def test_a_symbol_is_switched_off_and_saved(kernel: Project, display: str) -> None:
    kernel.scons("defconfig")
    before = (kernel.top / ".config").read_text()
    window = Window(kernel, display)
    # Into the first menu, onto its first symbol.
    window.keys("Right", "Down", "n", "ctrl+s", "Escape")
    status, output = window.end()
    assert status == 0
    assert ".config: written" in output
    after = (kernel.top / ".config").read_text()
    assert after == before.replace("CONFIG_SMP=y", "# CONFIG_SMP is not set")
    assert (kernel.top / ".config.old").read_text() == before


def test_saving_without_a_change_leaves_the_file(kernel: Project, display: str) -> None:
    kernel.scons("defconfig")
    os.utime(kernel.top / ".config", ns=(10**18, 10**18))
    before = (kernel.top / ".config").read_bytes()
    window = Window(kernel, display)
    window.keys("Right", "Down", "n", "y", "ctrl+s", "Escape")
    status, output = window.end()
    assert status == 0
    assert ".config: no change" in output
    assert (kernel.top / ".config").read_bytes() == before
    assert (kernel.top / ".config").stat().st_mtime_ns == 10**18
    assert not (kernel.top / ".config.old").exists()


FAILING = """
import tkinter
from xen_tool.config.frontends.run import _report_errors_in_windows
_report_errors_in_windows()
window = tkinter.Tk()
window.after(1, lambda: int("GONE"))
window.after(2, window.destroy)
window.mainloop()
"""


def test_an_error_in_a_window_is_one_sentence(display: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING],
        env={**os.environ, **python_environment(), "DISPLAY": display},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("guiconfig: the command failed with ValueError: ")


def test_without_a_display_the_error_is_one_sentence(kernel: Project, display: str) -> None:
    run = kernel.run("guiconfig", DISPLAY="", **python_environment())
    assert run.status == 2
    assert "guiconfig needs a display: " in run.err


def test_without_tkinter(kernel: Project) -> None:
    kernel.write("none/tkinter.py", "raise ImportError('not here')\n")
    run = kernel.run("guiconfig", PYTHONPATH=str(Path(kernel.top, "none")))
    assert run.status == 2
    assert "guiconfig needs Python's module tkinter: on Debian, apt-get install pyth" in run.err
    assert not (kernel.top / ".config").exists()
