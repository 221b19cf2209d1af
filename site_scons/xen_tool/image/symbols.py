# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read the symbols of an ELF file in pieces, with bounded memory and time for any table.

Used to name addresses in reports, in outcomes of boots, and where two builds differ; and by
rules that search for a name.  The table is the first of type SHT_SYMTAB or, in an image without
one, SHT_DYNSYM.  At most LIMIT bytes of the table, and as many of its names, are read: more than
any kernel has.
"""

from __future__ import annotations

import struct
from bisect import bisect_left

from ..elf import spec
from ..light import NamedTuple
from ..printable import printable
from .elf import Elf, Section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Entry = tuple[int, int, int, int, int]
    """The fields st_name, st_info, st_shndx, st_value and st_size of an entry of the table."""

LIMIT = 32 << 20
_PIECE = 1 << 20
_LONGEST = 256
"""Most bytes of a name that are shown."""
_OFFSETS = 4096
"""Most places of one name that are examined; a linker writes each name once."""


class Symbol(NamedTuple):
    """A defined symbol with a name; value and size are st_value and st_size."""

    name: str
    value: int
    size: int
    type: int
    """STT_*"""
    binding: int
    """STB_*"""
    section: int
    """The number of its section, or SHN_*."""


def symbols(elf: Elf) -> Iterator[Symbol]:
    """Yield all defined symbols that have names."""
    table = Symbols(elf)
    names = table.names()
    for st_name, st_info, st_shndx, st_value, st_size in table:
        name = names[st_name : max(names.find(b"\0", st_name), st_name)]
        if name and st_shndx != spec.SHN_UNDEF:
            text = name.decode(errors="backslashreplace")
            yield Symbol(text, st_value, st_size, st_info & 15, st_info >> 4, st_shndx)


class Symbols:
    """The symbol table of an ELF file; it is empty if the file has none."""

    def __init__(self, elf: Elf) -> None:
        self._elf = elf
        self._table, self._names = _tables(elf)

    def __iter__(self) -> Iterator[Entry]:
        if self._table is None:
            return
        entry = spec.SYM_SIZE[self._elf.bits]
        order = ">" if self._elf.big else "<"
        wide = self._elf.bits == 64
        layout = struct.Struct(order + ("IBxHQQ" if wide else "IIIBxH"))
        start, size = self._table.sh_offset, min(self._table.sh_size, LIMIT)
        for piece in range(0, size, _PIECE // entry * entry):
            wanted = min(_PIECE // entry * entry, size - piece)
            content = self._elf.data.read(start + piece, wanted)
            entries = layout.iter_unpack(content[: len(content) // entry * entry])
            if wide:
                yield from entries
            else:
                for st_name, st_value, st_size, st_info, st_shndx in entries:
                    yield st_name, st_info, st_shndx, st_value, st_size
            if len(content) < wanted:
                return

    def name(self, st_name: int) -> str:
        """Return the name at an offset of the table of names; "" if there is none.

        Its bytes beyond the first 256 are replaced by "...".
        """
        if self._names is None or st_name >= self._names.sh_size:
            return ""
        name = self._elf.data.read(self._names.sh_offset + st_name, _LONGEST + 1)
        name = name[: self._names.sh_size - st_name].partition(b"\0")[0]
        cut = "..." if len(name) > _LONGEST else ""
        return printable(name[:_LONGEST]) + cut

    def defines(self, name: str) -> bool:
        """Whether a symbol of that name is defined."""
        offsets = set(self._offsets(name.encode() + b"\0"))
        return bool(offsets) and any(
            st_name in offsets and st_shndx != spec.SHN_UNDEF for st_name, _, st_shndx, _, _ in self
        )

    def _offsets(self, wanted: bytes) -> Iterator[int]:
        """Yield the offsets of a name, also where it is the end of a longer name.

        wanted: the name with its NUL.
        """
        if self._names is None:
            return
        start, size = self._names.sh_offset, min(self._names.sh_size, LIMIT)
        found = 0
        for piece in range(0, min(size, self._elf.data.size), _PIECE):
            text = self._elf.data.read(start + piece, min(_PIECE + len(wanted) - 1, size - piece))
            at = text.find(wanted)
            while at >= 0 and found < _OFFSETS:
                found += 1
                yield piece + at
                at = text.find(wanted, at + 1)

    def at(self, addresses: Iterable[int]) -> dict[int, str]:
        """Return names by address; addresses at which no symbol is are missing.

        Of several symbols at an address, the last global one counts, or else the first one.
        """
        wanted = {address for address in addresses if address}
        best: dict[int, int] = {}
        for st_name, st_info, st_shndx, st_value, _ in self:
            if st_value in wanted and st_shndx != spec.SHN_UNDEF and st_name:
                is_global = st_info >> 4 == spec.STB_GLOBAL
                if is_global or st_value not in best:
                    best[st_value] = st_name
        names = {address: self.name(st_name) for address, st_name in best.items()}
        return {address: name for address, name in names.items() if name}

    def before(
        self, addresses: Iterable[int], is_code: Callable[[int], bool]
    ) -> dict[int, tuple[int, str]]:
        """Return, by address, the value and name of the last symbol of code at or before it.

        Of symbols with the same value, a function is preferred to a label, then a global symbol
        to a local one.  Labels of compilers are ignored.
        is_code tells whether an address is one of code.
        """
        wanted = sorted(set(addresses))
        names = self.names() if wanted else b""
        best: list[tuple[int, bool, bool, int]] = [(-1, False, False, 0)] * len(wanted)
        for st_name, st_info, st_shndx, st_value, _ in self:
            kind = st_info & 15
            if kind not in (spec.STT_NOTYPE, spec.STT_FUNC) or st_shndx == spec.SHN_UNDEF:
                continue
            at = bisect_left(wanted, st_value)
            if at == len(wanted) or st_value < best[at][0]:
                continue
            found = st_value, kind == spec.STT_FUNC, st_info >> 4 == spec.STB_GLOBAL, st_name
            prefix = names[st_name : st_name + 2]
            is_from_source = prefix[:1] not in (b"", b"\0", b"$") and prefix != b".L"
            if is_from_source and found > best[at] and is_code(st_value):
                best[at] = found
        # Addresses are ascending: a symbol before one is before the next ones too.
        for at in range(1, len(best)):
            best[at] = max(best[at - 1], best[at])
        return {
            address: (value, self.name(st_name))
            for address, (value, _, _, st_name) in zip(wanted, best, strict=True)
            if value >= 0
        }

    def names(self) -> bytes:
        """Return the table of names, each with its NUL; st_name is an offset in it."""
        if self._names is None:
            return b""
        return self._elf.data.read(self._names.sh_offset, min(self._names.sh_size, LIMIT))


def _tables(elf: Elf) -> tuple[Section | None, Section | None]:
    """Return the section of symbols and that of their names; (None, None) if there is none."""
    sections = elf.sections
    for sh_type in (spec.SHT_SYMTAB, spec.SHT_DYNSYM):
        for section in sections:
            if section.sh_type == sh_type and section.sh_link < len(sections):
                return section, sections[section.sh_link]
    return None, None
