# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A real browser without a window, for pictures and pages that the tool writes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from programs import program
from provision import python_environment

LIGHT, DARK = "--blink-settings=preferredColorScheme=1", "--blink-settings=preferredColorScheme=0"


def browse(page: Path, *options: str) -> str:
    """Open a page with options of the browser, such as --dump-dom; return what it prints."""
    return _run(page, *options).stdout


def console(page: Path) -> list[str]:
    """Return the lines of the browser's console: errors of the page, and files not loaded."""
    output = _run(page, "--enable-logging=stderr", "--dump-dom").stderr
    return [line for line in output.splitlines() if "CONSOLE" in line]


def _run(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        program("chromium-headless-shell"),
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        *options,
    ]
    return subprocess.run(
        [*command, page.as_uri()],
        # The fonts of the unpacked browser.
        env={**os.environ, **python_environment()},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
