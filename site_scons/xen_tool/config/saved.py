# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Reads and writes configurations in files: .config, a defconfig, a fragment."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from ..abi import ARCHES, Arch
from ..errors import XenToolError
from ..files import shown, write_if_changed
from .assignments import Assignment, parse
from .kconf import Kconfig, Symbol, config_text

_SET = re.compile(r"CONFIG_(\w+)=(.*)")
_UNSET = re.compile(r"# CONFIG_(\w+) is not set")
_STRING = re.compile(r'"((?:[^\\"]|\\.)*)"')
_MEND = "correct the line or delete it"
MOST_BYTES = 16 << 20
"""Linux' biggest configurations are about 300 KiB."""


def find(path: Path) -> Path | None:
    """The path, if there is anything at it; a link that leads nowhere counts as nothing.

    Raises XenToolError if that cannot be told.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise XenToolError(f"{shown(path)}: cannot be read: {error.strerror}") from error
    return path


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
    assignments, notes = _assignments(kconf, text, shown(path))
    kconf.load_config(str(path), replace=replace)
    return assignments, notes


def _assignments(kconf: Kconfig, text: str, name: str) -> tuple[list[Assignment], list[str]]:
    """Every line taken at its word: kconfiglib would take `yes` for y, and drop what it cannot."""
    found: dict[str, Assignment] = {}
    notes = []
    for number, line in enumerate(text.split("\n"), start=1):
        where = f"{name}:{number}"
        match = _SET.fullmatch(line.rstrip()) or _UNSET.fullmatch(line.rstrip())
        if match is None:
            if line.strip() and (not line.startswith("#") or line.startswith("# CONFIG_")):
                raise XenToolError(f"{where}: malformed line {line[:60]!r}; {_MEND}")
            continue
        symbol = kconf.syms.get(match[1])
        typed = match[2] if match.re is _SET else "n"
        if symbol is None or not symbol.nodes:
            notes.append(f"{where}: Kconfig has no symbol {match[1]} (here {typed})")
            continue
        try:
            value = _value(symbol, typed)
        except XenToolError as error:
            raise XenToolError(f"{where}: {error}; {_MEND}") from None
        before = found.get(symbol.name)
        if before and before.value != value:
            notes.append(f"{before} {before.origin} is set again in line {number}, to {typed}")
        found[symbol.name] = Assignment(symbol, value, typed, f"in {where}")
    return list(found.values()), notes


def _value(symbol: Symbol, typed: str) -> str:
    import kconfiglib

    if symbol.orig_type == kconfiglib.STRING:
        match = _STRING.fullmatch(typed)
        if match is None:
            raise XenToolError(f"{symbol.name}={typed[:60]}: a string stands in quotes")
        return parse(symbol, kconfiglib.unescape(match[1]))
    if typed in ("0", "1") and symbol.orig_type in (kconfiglib.BOOL, kconfiglib.TRISTATE):
        raise XenToolError(f"{symbol.name}={typed}: in a file, y and n are written so")
    return parse(symbol, typed)


def save(kconf: Kconfig, path: Path) -> bool:
    """Writes the configuration in one move, and keeps the one before as FILE.old.

    Returns whether it changed; an equal file is not touched.  A symbolic link
    stays one.

    Raises XenToolError if the file cannot be written.
    """
    text = config_text(kconf)
    before = find(path)
    if before is None or not before.is_file():
        if before is not None:
            _read(before)
        return write_if_changed(path, text)
    path = Path(os.path.realpath(path))
    try:
        old = path.read_bytes()
    except OSError as error:
        raise XenToolError(f"{shown(path)}: cannot be read: {error.strerror}") from error
    if old == text.encode():
        return False
    write_if_changed(path.with_name(f"{path.name}.old"), old)
    return write_if_changed(path, text)


def _read(path: Path) -> str:
    try:
        status = path.stat()
        if stat.S_ISCHR(status.st_mode) and path.samefile(os.devnull):
            return ""
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(status.st_mode):
            raise XenToolError(f"{shown(path)}: cannot be read: it is no file to be read")
        if status.st_size > MOST_BYTES:
            raise XenToolError(
                f"{shown(path)}: {status.st_size} bytes are no configuration; "
                "delete it, or name another file in KCONFIG_CONFIG"
            )
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise XenToolError(f"{shown(path)}:{line}: not UTF-8 text; {_MEND}") from error
    except OSError as error:
        raise XenToolError(f"{shown(path)}: cannot be read: {error.strerror}") from error
    if text.startswith("\ufeff"):
        raise XenToolError(f"{shown(path)}:1: begins with a byte order mark; save it without")
    return text
