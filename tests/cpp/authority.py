# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Runs the scanner and gcc on the same files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from xen_tool.cpp.directives import Macro
from xen_tool.cpp.scan import Dependencies, Scanner, options

MAIN = "main.c"


def scan(
    files: Mapping[str, str],
    arguments: Sequence[str] = (),
    known: Mapping[str, str | None] | None = None,
    *,
    main: str = MAIN,
) -> Dependencies:
    """What the scanner finds; known are macros (None: not defined) that no argument says."""
    macros = {n: None if b is None else Macro(None, b) for n, b in (known or {}).items()}
    scanner = Scanner(files.get, files.__contains__)
    return scanner.scan(main, options(arguments), macros)


def found(
    files: Mapping[str, str],
    arguments: Sequence[str] = (),
    known: Mapping[str, str | None] | None = None,
    *,
    main: str = MAIN,
) -> set[str]:
    """The files that the scanner finds besides main."""
    return set(scan(files, arguments, known, main=main).files) - {main}


def write(top: Path, files: Mapping[str, str]) -> None:
    """Writes files below top."""
    for path, text in files.items():
        file = top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())


def gcc_reads(
    gcc: str, top: Path, arguments: Sequence[str] = (), *, main: str = MAIN
) -> set[str] | None:
    """The files that gcc -M lists besides main; None if it takes the source for wrong."""
    # The first error ends it: there could be 2^200 of them.
    command = [gcc, "-M", "-w", "-Wfatal-errors", "-fno-canonical-system-headers", "-nostdinc"]
    command += [*arguments, main]
    result = subprocess.run(command, cwd=top, capture_output=True, text=True, check=False)
    if result.returncode:
        return None
    words = result.stdout.replace("\\\n", " ").split(":", 1)[1].split()
    return {os.path.normpath(word) for word in words} - {main}


def assembles(gcc: str, top: Path, arguments: Sequence[str] = (), *, main: str = MAIN) -> bool:
    """Whether gcc makes an object of main."""
    command = [gcc, "-w", "-nostdinc", *arguments, "-c", main, "-o", os.devnull]
    return subprocess.run(command, cwd=top, capture_output=True, check=False).returncode == 0
