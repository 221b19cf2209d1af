# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Sum up the parts of an image by section, object and symbol, and compare two images.

document() returns what `xen-tool size --json` and `scons size --json` print:

    {"schema": 1, "image": PATH, "file": bytes, "memory": bytes, "against": TEXT or null,
     "sections": [{"name": TEXT, "file": bytes, "memory": bytes,
                   "change": {"file": bytes, "memory": bytes} or null}],
     "objects": [likewise; empty if the objects of the bytes are unknown],
     "symbols": [likewise, and "section": TEXT, "object": TEXT or null]}

"file" counts bytes of the file and "memory" bytes that a loader puts into memory; each list
sums up to the totals.  "change" is null if nothing is compared, and else the size minus that in the
other image.  A row without bytes stands for what only the other image has.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...errors import XenToolError
from ...image.container import open_kernel
from ...image.elf import Elf, NotElf
from .parts import Part, Placed, parts

SCHEMA = 1

Bytes = tuple[int, int]
"""Number of bytes in the file, and in memory."""
Key = tuple[str, ...]
"""The key of a section, (NAME,); of an object, (PATH,); of a symbol, (section, object, symbol)."""
NOTHING: Bytes = (0, 0)


class Sizes(NamedTuple):
    """The sizes of one image."""

    image: str
    total: Bytes
    sections: Mapping[Key, Bytes]
    objects: Mapping[Key, Bytes]
    symbols: Mapping[Key, Bytes]


def read_sizes(
    path: str | os.PathLike[str], placed: dict[str, list[Placed]] | None = None
) -> Sizes:
    """Return the sizes of an image; of a packed or unified EFI image, those of the ELF file in it.

    placed: the bytes that objects have, as linker_map.objects() returns them; None if unknown.
    Raises XenToolError if the image cannot be read, or is or has no ELF file.
    """
    with open_kernel(path) as kernel:
        try:
            elf = Elf(kernel.inner.payload or kernel.file)
        except NotElf as error:
            raise XenToolError(f"{kernel.path}: {error}") from error
        return _sums(os.fspath(path), parts(elf, placed, kernel.file.size), bool(placed))


def _sums(image: str, found: Iterable[Part], has_objects: bool) -> Sizes:
    symbols: dict[Key, Bytes] = {}
    for section, symbol, of_object, in_file, in_memory in found:
        key = section, of_object, symbol
        file, memory = symbols.get(key, NOTHING)
        symbols[key] = file + in_file, memory + in_memory
    total = sum(file for file, _ in symbols.values()), sum(m for _, m in symbols.values())
    sections, objects = _by(symbols, 0), _by(symbols, 1) if has_objects else {}
    return Sizes(image, total, sections, objects, symbols)


def _by(symbols: Mapping[Key, Bytes], place: int) -> dict[Key, Bytes]:
    """Sum up the sizes of symbols by an item of their keys: section (0) or object (1)."""
    sums: dict[str, Bytes] = {}
    for key, (in_file, in_memory) in symbols.items():
        file, memory = sums.get(key[place], NOTHING)
        sums[key[place]] = file + in_file, memory + in_memory
    return {(name,): size for name, size in sums.items()}


def stored(path: str) -> Sizes | None:
    """Return the sizes in a file with a document; None if it is missing or cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        if found["schema"] != SCHEMA:
            return None
        kinds = {
            kind: {_key(row): (int(row["file"]), int(row["memory"])) for row in found[kind]}
            for kind in ("sections", "objects", "symbols")
        }
        return Sizes(str(found["image"]), (int(found["file"]), int(found["memory"])), **kinds)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _key(row: Mapping[str, Any]) -> Key:
    if "section" in row:
        return row["section"], row["object"] or "", row["name"]
    return (row["name"],)


class SizeRow(NamedTuple):
    """One section, object or symbol."""

    key: Key
    now: Bytes
    before: Bytes | None
    """The size in the other image; None if nothing is compared."""

    @property
    def change(self) -> Bytes | None:
        """The size minus the size before; None if nothing is compared."""
        if self.before is None:
            return None
        return self.now[0] - self.before[0], self.now[1] - self.before[1]


def rows(sizes: Sizes, before: Sizes | None, kind: str) -> list[SizeRow]:
    """Return all rows of one kind, the largest size first or, with before, the largest change.

    kind: "sections", "objects" or "symbols".  Symbols of the same section and name in different
    objects are one row if the objects of one of the two images are unknown.
    """
    if before is not None and bool(sizes.objects) != bool(before.objects):
        sizes, before = _without_objects(sizes), _without_objects(before)
    now = getattr(sizes, kind)
    other = getattr(before, kind) if before else None
    return _rows(now, other)


def _without_objects(sizes: Sizes) -> Sizes:
    symbols: dict[Key, Bytes] = {}
    for (section, _, symbol), (file, memory) in sizes.symbols.items():
        others = symbols.get((section, "", symbol), NOTHING)
        symbols[section, "", symbol] = others[0] + file, others[1] + memory
    return sizes._replace(objects={}, symbols=symbols)


def _rows(now: Mapping[Key, Bytes], before: Mapping[Key, Bytes] | None) -> list[SizeRow]:
    found = [
        SizeRow(key, now.get(key, NOTHING), None if before is None else before.get(key, NOTHING))
        for key in dict.fromkeys((*now, *(before or ())))
    ]

    def order(row: SizeRow) -> tuple[Any, ...]:
        change = max(map(abs, row.change)) if row.change else 0
        return -change, -max(row.now), row.key

    return sorted(found, key=order)


def document(sizes: Sizes, before: Sizes | None) -> dict[str, Any]:
    """Return what --json prints; its lists, which may be long, are iterators."""
    file, memory = sizes.total
    return {
        "schema": SCHEMA,
        "image": sizes.image,
        "file": file,
        "memory": memory,
        "against": before.image if before else None,
        "sections": map(_row, rows(sizes, before, "sections")),
        "objects": map(_row, rows(sizes, before, "objects")),
        "symbols": map(_row, rows(sizes, before, "symbols")),
    }


def _row(row: SizeRow) -> dict[str, Any]:
    *section, name = row.key
    of: dict[str, Any] = {"name": name}
    if section:
        of = {**of, "section": section[0], "object": section[1] or None}
    file, memory = row.now
    change = dict(zip(("file", "memory"), row.change, strict=True)) if row.change else None
    return {**of, "file": file, "memory": memory, "change": change}
