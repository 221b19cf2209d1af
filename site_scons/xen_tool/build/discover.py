# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Derive what a step depends on from the files that its programs reported.

Besides the files these are the configuration symbols that the files mention, and negative
dependencies: names that were searched for, and folders where a new file would be found first.
A depfile does not say which file included which, so every folder counts that could have been
searched: one rebuild too many is better than one too few.  Used by commands and the recorder.
"""

from __future__ import annotations

import os

from ..light import NamedTuple
from ..toolchain.words import PRECOMPILED
from .contents import MISSING, Contents, digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ANY = "*"
"""Stands for all names in a folder."""

_SYMBOL = rb"\bCONFIG_(\w*)"
# A string or character literal, which is kept (group 1), or a comment.
_COMMENT = rb'(?s)("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')|/\*.*?\*/|//[^\n]*'
# Group 1: a test whether the operator itself is defined; group 2: the name, if it is literal.
_HAS_INCLUDE = (
    rb"(?:(defined\s*\(?\s*|ifn?def\s+)|\b)__has_(?:include|include_next|embed)\b"
    rb'(?:\s*\(\s*["<]([^">\n]+)[">])?'
)
_EMBEDDED = rb"incbin|\.include\b"
_LITERAL = rb'(?i)\.(?:incbin|include)\s+(\\?)"([^"\\\n$]+)\1"'


class Facts(NamedTuple):
    """What the text of a source or header can make a step depend on."""

    symbols: frozenset[str]
    """Names after CONFIG_; "" if one is pasted together with ##."""
    has_include: frozenset[str]
    """Names in __has_include and __has_embed; ANY if one is a macro."""
    embeds: bool
    """Whether it has .incbin or .include, by which an assembler reads more files."""
    literal: frozenset[str]
    """Names in .incbin and .include that are literal."""
    is_literal: bool
    """Whether all names in .incbin and .include are literal."""

    def mentions(self, symbol: str) -> bool:
        """Whether the text depends on the value of a symbol."""
        return not self.symbols.isdisjoint((symbol, f"{symbol}_MODULE", ""))


_NOTHING = Facts(frozenset(), frozenset(), False, frozenset(), True)


def import_early() -> None:
    """Import the modules that are needed when a command has ended; call it while commands run."""
    import re  # noqa: F401


def facts(data: bytes) -> Facts:
    """Return the facts of the text of a file; data: its bytes."""
    import re

    # Assemblers accept .INCBIN too.
    lowered = data.lower()
    # Most texts have neither word; this is faster than the regular expression.
    could = b"incbin" in lowered or b".include" in lowered
    embeds = could and re.search(_EMBEDDED, lowered) is not None
    asks = b"__has_" in data
    if not (embeds or asks or b"CONFIG_" in data):
        return _NOTHING
    text = re.sub(_COMMENT, lambda match: match[1] or b" ", data)
    embedded = re.findall(_EMBEDDED, text.lower())
    literal = [name for _, name in re.findall(_LITERAL, text)]
    return Facts(
        frozenset(map(_name, re.findall(_SYMBOL, text))),
        frozenset(
            _name(name) or ANY for defined, name in re.findall(_HAS_INCLUDE, text) if not defined
        )
        if asks
        else frozenset(),
        embeds,
        frozenset(map(_name, literal)),
        len(literal) == len(embedded),
    )


def _name(name: bytes) -> str:
    return os.fsdecode(name)


class Texts:
    """Facts of files, each read once."""

    def __init__(self) -> None:
        self._known: dict[str, Facts] = {}

    def of(self, path: str) -> Facts:
        """Return the facts of a file; a file that cannot be read has none."""
        if path not in self._known:
            try:
                with open(path, "rb") as file:
                    self._known[path] = facts(file.read())
            except OSError:
                self._known[path] = _NOTHING
        return self._known[path]

    def all_of(self, paths: Iterable[str]) -> list[Facts]:
        """Return the facts of files, each once."""
        return [self.of(path) for path in dict.fromkeys(paths)]

    def forget(self, paths: Iterable[str]) -> None:
        """Forget files that may have been written."""
        for path in paths:
            self._known.pop(path, None)


def symbols_of(
    texts: Iterable[Facts], words: Iterable[str], values: Mapping[str, str]
) -> dict[str, str]:
    """Return the values of the symbols that texts and the words of a command mention.

    values: those of all symbols; a symbol that is not among them has the value "".
    """
    found: set[str] = set()
    for text in texts:
        found |= text.symbols
    for word in words:
        if "CONFIG_" in word:
            import re

            found |= {_name(name) for name in re.findall(_SYMBOL, os.fsencode(word))}
    if "" in found:
        return dict(values)
    # A tristate with the value m defines CONFIG_NAME_MODULE.
    found |= {name.removesuffix("_MODULE") for name in found if name not in values}
    # A symbol that Kconfig does not know may be added later.
    return {name: values.get(name, "") for name in sorted(found)}


class Lookups(NamedTuple):
    """Negative dependencies: names, and the folders that were searched for them."""

    names: frozenset[str]
    folders: tuple[str, ...]
    """Each ends in a slash."""


def lookups(
    read: Iterable[str], search: Iterable[str], searched_names: Iterable[str], contents: Contents
) -> Lookups:
    """Return the names that a program may have searched for, and the folders.

    read: the files that it read, as it spells them.  search: the folders that its options name.
    searched_names: other names that it searched for, as in __has_include.
    """
    read = list(read)
    folders = dict.fromkeys([*map(os.path.dirname, read), *(f.rstrip("/") for f in search)])
    paths = _relative(read, folders)
    paths.update(name for name in searched_names if name != ANY)
    names = {part for path in paths for part in path.split("/") if part not in ("", ".", "..")}
    if ANY in searched_names:
        names.add(ANY)
    nested = [path for path in paths if "/" in path]
    watched: set[str] = set()
    for folder in folders:
        existing, missing = _existing(folder, contents)
        watched.add(existing)
        names.update(missing)
        for path in nested:
            _add_on_the_way(watched, folder, path, contents)
    if not names:
        return Lookups(frozenset(), ())
    # A precompiled header is used instead of the header.
    names |= {f"{name}{suffix}" for name in names if name != ANY for suffix in PRECOMPILED}
    return Lookups(frozenset(names), tuple(sorted(watched)))


def _relative(read: Iterable[str], folders: Iterable[str]) -> set[str]:
    """Return the paths of files from each of the folders that they are in, as in #include."""
    prefixes = tuple((f"{folder}/" if folder else "") for folder in folders)
    return {
        name[len(prefix) :]
        for name in read
        for prefix in prefixes
        if name.startswith(prefix) and (prefix or not name.startswith("/"))
    }


def _add_on_the_way(watched: set[str], folder: str, path: str, contents: Contents) -> None:
    """Add to watched the existing folders on the way from a folder to a path below it."""
    place = folder
    for part in path.split("/")[:-1]:
        place = f"{place}/{part}" if place else part or "/"
        if contents.digest(f"{place}/") == MISSING:
            return
        watched.add(f"{place}/")


def _existing(folder: str, contents: Contents) -> tuple[str, list[str]]:
    """Return the deepest existing part of a folder's path, and the names missing in it: 0 or 1."""
    missing: list[str] = []
    place = folder or "."
    while contents.digest(f"{place}/") == MISSING:
        place, _, name = place.rpartition("/")
        missing = [name]
        if not place:
            return ("/" if folder.startswith("/") else "./"), missing
    return f"{place}/", missing


def precompiled(folders: Iterable[str], contents: Contents) -> list[str]:
    """Return the precompiled headers in folders, whose paths end in a slash.

    A program may have used any of them, as depfiles do not list them.
    """
    return [
        _join(folder, name)
        for folder in folders
        for name in contents.names(folder)
        if name.endswith(PRECOMPILED)
    ]


def present(
    where: Lookups,
    contents: Contents,
    leave_out: Callable[[str, str], bool] = lambda *_: False,
) -> str:
    """Return a digest of which of the names exist in which of the folders; "" if none does.

    leave_out(folder, path) tells whether a path does not count.
    """
    found = []
    for folder in where.folders:
        listed = contents.names(folder)
        names = listed if ANY in where.names else where.names & listed
        paths = (_join(folder, name) for name in names)
        found += sorted(path for path in paths if not leave_out(folder, path))
    return digest("\0".join(found).encode("utf-8", "surrogateescape")) if found else ""


def _join(folder: str, name: str) -> str:
    return name if folder == "./" else f"{folder}{name}"
