# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Reads and writes configurations in files: .config, a defconfig, a fragment."""

from __future__ import annotations

import re
from pathlib import Path

from ..abi import ARCHES, Arch
from ..errors import XenToolError
from ..files import shown, write_if_changed
from .assignments import Assignment
from .kconf import Kconfig, config_text

_LINE = re.compile(r"CONFIG_(\w+)=(.*)|# CONFIG_(\w+) is not set")
MOST_BYTES = 16 << 20
"""Linux' biggest configurations are about 300 KiB."""


def saved_arch(path: Path) -> Arch | None:
    """The architecture that the configuration at path was saved for, if it says so.

    Raises XenToolError if the file cannot be read.
    """
    text = _read(path)
    for arch in ARCHES.values():
        if re.search(rf"^CONFIG_{arch.symbol}=y\s*$", text, re.MULTILINE):
            return arch
    return None


def load(kconf: Kconfig, path: Path, *, replace: bool = True) -> tuple[list[Assignment], list[str]]:
    """Assigns what the file says, over what is there or in its place.

    Returns the assignments, and notes on lines without any effect.

    Raises XenToolError, with file and line, for a line that is no assignment
    and a value that its symbol cannot have.
    """
    text = _read(path)
    already = len(kconf.warnings)
    kconf.load_config(str(path), replace=replace)
    notes = []
    for warning in kconf.warnings[already:]:
        message = warning.replace(": warning:", ":").replace(str(path), shown(path))
        if "undefined symbol" not in message:
            raise XenToolError(f"{message}; correct the line or delete it")
        notes.append(message)
    assignments: dict[str, Assignment] = {}
    name = shown(path)
    for number, line in enumerate(text.splitlines(), start=1):
        match = _LINE.match(line)
        symbol = match and kconf.syms.get(match[1] or match[3])
        if match and symbol is not None and symbol.nodes:
            typed = match[2] or "n"
            before = assignments.get(symbol.name)
            if before and before.typed != typed:
                notes.append(f"{before} {before.origin} is set again in line {number}, to {typed}")
            value = symbol.user_value
            value = typed if value is None else {0: "n", 1: "m", 2: "y"}.get(value, value)
            assignments[symbol.name] = Assignment(symbol, value, typed, f"in {name}:{number}")
    return list(assignments.values()), notes


def save(kconf: Kconfig, path: Path) -> bool:
    """Writes the configuration in one move, and keeps the one before as FILE.old.

    Returns whether it changed; an equal file is not touched.  A symbolic link
    stays one.

    Raises XenToolError if the file cannot be written.
    """
    path = path.resolve()
    text = config_text(kconf)
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        before = None
    except OSError as error:
        raise XenToolError(f"{shown(path)}: cannot be read: {error.strerror}") from error
    if before == text.encode():
        return False
    if before is not None and path.is_file():
        write_if_changed(path.with_name(f"{path.name}.old"), before)
    return write_if_changed(path, text)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise XenToolError(
                f"{shown(path)}: {path.stat().st_size} bytes are no configuration; "
                "delete it, or name another file in KCONFIG_CONFIG"
            )
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise XenToolError(
            f"{shown(path)}:{line}: not UTF-8 text; delete the file or the line"
        ) from error
    except OSError as error:
        raise XenToolError(f"{shown(path)}: cannot be read: {error.strerror}") from error
