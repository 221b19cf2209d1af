# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Objects of few symbols against GNU as; head/ holds those of whole heads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from objects import meaning
from xen_tool.elf import spec
from xen_tool.elf.objfile import ObjectFile, ObjectSection, ObjectSymbol, Relocation


@pytest.mark.parametrize("names", [(), ("one",), ("one", "two")], ids=len)
@pytest.mark.parametrize(("bits", "absolute"), [(32, 1), (64, 10)])
def test_a_few_symbols(
    names: tuple[str, ...], bits: int, absolute: int, tmp_path: Path, gnu_as: str
) -> None:
    source, target = tmp_path / "few.S", tmp_path / "few.o"
    longs = "".join(f".long {name}\n" for name in names)
    source.write_text(f'.section .few, "aw"\n.long 7\n{longs}')
    subprocess.run([gnu_as, f"--{bits}", "-o", str(target), str(source)], check=True)
    file = ObjectFile(bits)
    section = ObjectSection(".few", spec.SHT_PROGBITS, spec.SHF_ALLOC | spec.SHF_WRITE, 1)
    section.data = b"\7" + bytes(3 + 4 * len(names))
    section.relocations = [Relocation(4 + 4 * n, absolute, name) for n, name in enumerate(names)]
    file.sections = [section]
    file.symbols = [ObjectSymbol(name) for name in names]
    expected = meaning(target.read_bytes())
    # GNU as writes a symbol table even if it is empty.
    expected["symbols"] = expected["symbols"] if names else []
    assert meaning(file.encode()) == expected
