# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read and write configuration files: .config, defconfigs and fragments.

Files are read as C kconfig reads them (conf_read_simple), but a malformed line is an error.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import Any, NamedTuple

from ..abi import Arch
from ..errors import XenToolError, unreadable
from ..files import shown, write_if_changed
from .assignments import Assignment, parse, shortened
from .language.kconf import Kconfig, forget_values, refuse
from .language.symbol_values import (
    Symbol,
    base_of,
    in_range,
    is_changeable,
    is_logical,
    is_transitional,
)
from .texts import arch_of, config_text

_SET = re.compile(r"CONFIG_([^=\s]+)=(.*)")
_UNSET = re.compile(r"# CONFIG_(\S+) is not set")
_STRING = re.compile(r'"((?:[^\\"]|\\.)*)"')
_MEND = "correct the line or delete it"
MOST_BYTES = 16 << 20
"""The largest configuration file that is read; Linux's largest are about 300 KiB."""


def find(path: Path) -> Path | None:
    """Return the path if it exists, else None; a broken symbolic link does not exist.

    Raises XenToolError if the path cannot be examined.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(shown(path), error) from error
    return path


def saved_arch(path: Path) -> Arch | None:
    """Return the architecture that the file at path names, or None if it names none.

    Raises XenToolError if the file cannot be read.
    """
    return arch_of(_read(path))


class SavedConfig(NamedTuple):
    """The result of reading a configuration file."""

    assignments: list[Assignment]
    notes: list[str]
    """Sentences on lines without effect, and on lines that C kconfig warns of."""


def load(kconf: Kconfig, path: Path, *, replace: bool = True) -> SavedConfig:
    """Assign the values of a file to the symbols (conf_read_simple).

    replace: forget the earlier values of all symbols first.
    Like C kconfig, this ignores a value that its symbol's type does not have; a note says so.

    Raises XenToolError, with file and line, for a line that is neither an assignment nor a
    comment; and for everything that C kconfig warns of, if KCONFIG_WERROR is set.
    """
    import kconfiglib

    reader = _Reader(kconf, shown(path))
    reader.read(_read(path))
    refuse(reader.warnings)
    if replace:
        kconf.unset_values()
        kconf.missing_syms = []
    # Front ends offer to save over a file that has unknown symbols.
    kconf.missing_syms += reader.unknown
    for assignment in reader.assignments:
        assignment.symbol.set_value(assignment.value)
    for choice, mode in reader.modes.items():
        # A choice of bools is y if one of its symbols is a tristate with the value m.
        mode = 2 if mode == 1 and choice.orig_type == kconfiglib.BOOL else mode
        choice.set_value(0 if choice in reader.mixed else mode)
    forget_values(kconf)
    last = {assignment.symbol: assignment for assignment in reader.assignments}
    return SavedConfig(list(last.values()), reader.notes)


class _Reader:
    """Parses a file line by line, as conf_read_simple does."""

    def __init__(self, kconf: Kconfig, name: str) -> None:
        self._kconf = kconf
        self._name = name
        self._set: dict[Symbol, Assignment] = {}
        """The last assignment to each symbol."""
        self.assignments: list[Assignment] = []
        """All assignments, in the order of the lines."""
        self.unknown: list[tuple[str, str]] = []
        """Name and value of each line whose symbol Kconfig does not define."""
        self.notes: list[str] = []
        self.warnings: list[str] = []
        """Those of the notes that C kconfig prints as warnings."""
        self.modes: dict[Any, int] = {}
        """The mode of each choice that the file sets: 2 if one symbol is y, 1 if some are m."""
        self.mixed: set[Any] = set()
        """Choices in which a symbol is m after another was y; they are treated as not set."""

    def read(self, text: str) -> None:
        """Parse a file's text; raise XenToolError for a malformed line."""
        for number, line in enumerate(text.split("\n"), start=1):
            where = f"{self._name}:{number}"
            match = _SET.fullmatch(line.removesuffix("\r"))
            if "\0" in line or not (match or line.startswith("#") or not line.strip()):
                # C kconfig would only warn, and a merge conflict would lose settings.
                raise XenToolError(f"{where}: malformed line {shortened(line)!r}; {_MEND}")
            if match:
                self._assign(match[1], match[2], where)
            elif match := _UNSET.match(line):
                self._assign(match[1], None, where)

    def _assign(self, name: str, text: str | None, where: str) -> None:
        """Add the assignment of a line; text is None for `# CONFIG_NAME is not set`."""
        typed = "n" if text is None else text
        symbol = self._kconf.syms.get(name)
        if symbol is None or not symbol.nodes:
            self.unknown.append((name, typed))
            self.notes.append(
                f"{where}: {name}={shortened(typed)}: Kconfig has no symbol {name}; "
                "the line has no effect"
            )
            if "KCONFIG_WARN_UNKNOWN_SYMBOLS" in os.environ:
                self.warnings.append(self.notes[-1])
            return
        try:
            value = _value(symbol, text)
        except XenToolError as error:
            self._warn(f"{where}: {error}; the line has no effect")
            return
        if value is None:
            return
        assignment = Assignment(symbol, value, typed, f"in {where}")
        if before := self._set.get(symbol):
            self._warn(
                f"{before} {before.origin} is set again {assignment.origin}, to {shortened(typed)}"
            )
        self._set[symbol] = assignment
        self.assignments.append(assignment)
        if symbol.choice is not None and value != "n":
            self._choose(assignment)

    def _choose(self, assignment: Assignment) -> None:
        """Set the mode of the choice of a symbol that is y or m."""
        choice, mode = assignment.symbol.choice, 2 if assignment.value == "y" else 1
        before = self.modes.get(choice, 0)
        if before and 2 in (before, mode):
            self._warn(
                f"{assignment} {assignment.origin}: another symbol of its choice is already set"
            )
        if mode < before:
            self.mixed.add(choice)
        self.modes[choice] = max(before, mode)

    def _warn(self, text: str) -> None:
        self.notes.append(text)
        self.warnings.append(text)


def _value(symbol: Symbol, text: str | None) -> str | None:
    """Return the value that C kconfig reads in a text (conf_set_sym_val).

    text: None for a line `# CONFIG_NAME is not set`.
    Return None for a line that C kconfig ignores silently.

    Raises XenToolError for a text that is no value of the symbol.
    """
    import kconfiglib

    if is_logical(symbol):
        letters = "ymn" if symbol.orig_type == kconfiglib.TRISTATE else "yn"
        # C kconfig reads the first letter only.
        if text is None:
            return "n"
        if text and text[0] in letters:
            return text[0]
        expected = "y, m or n" if "m" in letters else "y or n"
        raise XenToolError(f"{symbol.name}={shortened(text)}: in a file the value is {expected}")
    if symbol.orig_type == kconfiglib.STRING and text is not None:
        if match := _STRING.match(text):
            return str(kconfiglib.unescape(match[1]))
        raise XenToolError(
            f"{symbol.name}={shortened(text)}: the value of a string must be in double quotes"
        )
    if base_of(symbol) is None:
        return None
    if text == "":
        raise XenToolError(f"{symbol.name} has no value")
    if text is None:
        kind = kconfiglib.TYPE_TO_STR[symbol.orig_type]
        raise XenToolError(f"{symbol.name} is of type {kind}, and `is not set` is no number")
    return parse(symbol, text)


def new_symbols(kconf: Kconfig) -> list[str]:
    """Return a line CONFIG_NAME=VALUE for each symbol that a user can set and the file does not.

    The file is the one that was loaded; a number that is out of range counts as not set.
    """
    lines = []
    for symbol in kconf.unique_defined_syms:
        text = symbol.str_value
        user = symbol.user_value
        logical = is_logical(symbol)
        if user is not None and (logical or in_range(symbol, user)):
            continue
        if is_changeable(symbol) and not _is_handed_on(symbol):
            is_off = logical and text == "n"
            lines.append(f"CONFIG_{symbol.name}=n" if is_off else symbol.config_string.strip("\n"))
    return lines


def _is_handed_on(symbol: Symbol) -> bool:
    """Whether a symbol is transitional, or its default is a transitional symbol that was set."""
    import kconfiglib

    default = next((v for v, c in symbol.defaults if kconfiglib.expr_value(c)), symbol)
    if not isinstance(default, kconfiglib.Symbol) or default.is_constant:
        return False
    return is_transitional(symbol) or (is_transitional(default) and default.user_value is not None)


def save(kconf: Kconfig, path: Path) -> bool:
    """Write the configuration atomically, and keep the previous one as FILE.old.

    Return whether the file changed; a file with equal contents is not written.  A symbolic link
    is followed, and remains a link.

    Raises XenToolError if the file cannot be written.
    """
    text = config_text(kconf)
    before = find(path)
    if before is None or not before.is_file():
        if before is not None:
            # Raises XenToolError for all but /dev/null.
            _read(before)
        return write_if_changed(path, text)
    path = Path(os.path.realpath(path))
    try:
        old = path.read_bytes()
    except OSError as error:
        raise unreadable(shown(path), error) from error
    if old == text.encode():
        return False
    write_if_changed(path.with_name(f"{path.name}.old"), old)
    return write_if_changed(path, text)


def _read(path: Path) -> str:
    """Return the text of a file; raise XenToolError if it cannot be a configuration, or be read."""
    try:
        status = path.stat()
        if stat.S_ISCHR(status.st_mode) and path.samefile(os.devnull):
            return ""
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(status.st_mode):
            raise XenToolError(f"{shown(path)}: cannot be read: it is not a regular file")
        if status.st_size > MOST_BYTES:
            raise XenToolError(
                f"{shown(path)}: {status.st_size} bytes are too many for a configuration; "
                "delete it, or name another file in KCONFIG_CONFIG"
            )
        raw = path.read_bytes()
    except OSError as error:
        raise unreadable(shown(path), error) from error
    text = _decoded(raw, path)
    if text.startswith("\ufeff"):
        raise XenToolError(f"{shown(path)}:1: begins with a byte order mark; save it without one")
    return text


def _decoded(raw: bytes, path: Path) -> str:
    """Return a file as text; raise XenToolError for a line, not a comment, that is not UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    for number, line in enumerate(raw.split(b"\n"), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            if not line.startswith(b"#"):
                raise XenToolError(f"{shown(path)}:{number}: not UTF-8 text; {_MEND}") from error
    return raw.decode("utf-8", "replace")
