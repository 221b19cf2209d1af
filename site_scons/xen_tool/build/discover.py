# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a step depends on beyond what it was given, told from what its programs reported.

Files that were read; configuration symbols that these mention; and names that were looked
for in vain, where a new file would be found first.  A depfile does not say who included
what, so any folder counts that could have been looked into: rather one rebuild too many
than one too few.
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
"""Among the names that count in a folder: all of them."""

_SYMBOL = rb"\bCONFIG_(\w*)"
_COMMENT = rb'(?s)("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')|/\*.*?\*/|//[^\n]*'
_ASKED = (
    rb"(?:(defined\s*\(?\s*|ifn?def\s+)|\b)__has_(?:include|include_next|embed)\b"
    rb'(?:\s*\(\s*["<]([^">\n]+)[">])?'
)
_EMBEDDED = rb"incbin|\.include\b"
_LITERAL = rb'(?i)\.(?:incbin|include)\s+(\\?)"([^"\\\n$]+)\1"'


class Facts(NamedTuple):
    """What counts of the text of a source or header."""

    symbols: frozenset[str]
    """The names behind CONFIG_; "" if one is pasted together."""
    asked: frozenset[str]
    """The names in __has_include and __has_embed; ANY if one is a macro."""
    embeds: bool
    """Whether an assembler could read more files because of it."""
    literal: frozenset[str]
    """The names of such files, where they are literal."""
    is_literal: bool
    """Whether these are all."""

    def mentions(self, symbol: str) -> bool:
        """Whether the value of a symbol can matter."""
        return not self.symbols.isdisjoint((symbol, f"{symbol}_MODULE", ""))


_NOTHING = Facts(frozenset(), frozenset(), False, frozenset(), True)


def get_ready() -> None:
    """Import what is needed when a program has reported what it read."""
    import re  # noqa: F401


def facts(data: bytes) -> Facts:
    """Look through the text of a file."""
    import re

    # Assemblers take .INCBIN, too.
    lowered = data.lower()
    # Most texts have neither word, which is seen faster so.
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
        frozenset(_name(name) or ANY for is_there, name in re.findall(_ASKED, text) if not is_there)
        if asks
        else frozenset(),
        embeds,
        frozenset(map(_name, literal)),
        len(literal) == len(embedded),
    )


def _name(name: bytes) -> str:
    return os.fsdecode(name)


class Texts:
    """The facts of files, each read once."""

    def __init__(self) -> None:
        self._known: dict[str, Facts] = {}

    def of(self, path: str) -> Facts:
        """The facts of a file; of one that cannot be read there are none."""
        if path not in self._known:
            try:
                with open(path, "rb") as file:
                    self._known[path] = facts(file.read())
            except OSError:
                self._known[path] = _NOTHING
        return self._known[path]

    def forget(self, paths: Iterable[str]) -> None:
        """Has files read again."""
        for path in paths:
            self._known.pop(path, None)


def symbols_of(
    texts: Iterable[Facts], words: Iterable[str], values: Mapping[str, str]
) -> dict[str, str]:
    """The values of the symbols that texts and the words of a command mention."""
    found: set[str] = set()
    for text in texts:
        found |= text.symbols
    for word in words:
        if "CONFIG_" in word:
            import re

            found |= {_name(name) for name in re.findall(_SYMBOL, os.fsencode(word))}
    if "" in found:
        return dict(values)
    # A tristate that is m defines CONFIG_NAME_MODULE.
    found |= {name.removesuffix("_MODULE") for name in found if name not in values}
    # One that Kconfig does not know yet may come to be.
    return {name: values.get(name, "") for name in sorted(found)}


class Lookups(NamedTuple):
    """Where names were looked for that others could be found before."""

    names: frozenset[str]
    folders: tuple[str, ...]
    """Each with a slash at its end."""


def lookups(
    read: Iterable[str], search: Iterable[str], asked: Iterable[str], contents: Contents
) -> Lookups:
    """All places where what was read, or asked for, could have been looked for.

    read are the names as the program spells them, search the folders that it was told.
    """
    read = list(read)
    folders = dict.fromkeys([*map(os.path.dirname, read), *(f.rstrip("/") for f in search)])
    prefixes = tuple((f"{folder}/" if folder else "") for folder in folders)
    rests = {
        name[len(prefix) :]
        for name in read
        for prefix in prefixes
        if name.startswith(prefix) and (prefix or not name.startswith("/"))
    }
    rests.update(name for name in asked if name != ANY)
    names = {ANY} if ANY in asked else set()
    watched: dict[str, None] = {}
    for folder in folders:
        existing, missing = _existing(folder, contents)
        watched[existing] = None
        names.update(missing)
    for rest in rests:
        parts = rest.split("/")
        names.update(part for part in parts if part not in ("", ".", ".."))
        for folder in folders if len(parts) > 1 else ():
            place = folder
            for part in parts[:-1]:
                place = f"{place}/{part}" if place else part or "/"
                if contents.digest(f"{place}/") == MISSING:
                    break
                watched[f"{place}/"] = None
    if not names:
        return Lookups(frozenset(), ())
    # What is compiled beforehand is taken in a header's place.
    names |= {f"{name}{suffix}" for name in names if name != ANY for suffix in PRECOMPILED}
    return Lookups(frozenset(names), tuple(sorted(watched)))


def _existing(folder: str, contents: Contents) -> tuple[str, list[str]]:
    """The deepest folder on the way to one that there is, and the name that is missing in it."""
    missing: list[str] = []
    place = folder or "."
    while contents.digest(f"{place}/") == MISSING:
        place, _, name = place.rpartition("/")
        missing = [name]
        if not place:
            place = "" if folder.startswith("/") else "."
            if not place:
                break
    return f"{place}/", missing


def precompiled(folders: Iterable[str], contents: Contents) -> list[str]:
    """The precompiled headers in folders: one that is used stands in no depfile."""
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
    """A digest of which names there are in which folders.

    leave_out is asked of a folder and a path in it.
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
