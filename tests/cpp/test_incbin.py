# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Files that only the assembler reads: without one of them gcc fails, so it must be found."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpp.authority import assembles, found, write

_INCBIN_H = (
    "#define STRING(x) #x\n"
    '#define INCBIN(name, file) asm(#name ": .incbin \\"" file "\\"");\n'
    '#define INCBIN_WORD(file) asm(".incbin \\"" STRING(file) "\\"");\n'
)
_FILES = {"a.bin": "a", "b.bin": "b", "dir/c.bin": "c", "incbin.h": _INCBIN_H}

# Of each case: the source's name, its text, what it reads; then arguments.
_CASES: dict[str, tuple[str, ...]] = {
    "in assembly": ("x.S", '.incbin "a.bin"', "a.bin"),
    "with an offset": ("x.S", 'x:\t.incbin\t"a.bin",0,1; .incbin "b.bin"', "a.bin b.bin"),
    "capitals": ("x.S", '.INCBIN "a.bin"', "a.bin"),
    "in a folder of -I": ("x.S", '.incbin "c.bin"', "dir/c.bin", "-Idir"),
    "not beside the source": ("dir/x.S", '.incbin "a.bin"', "a.bin"),
    "in C": ("x.c", 'asm(".incbin \\"a.bin\\"");', "a.bin"),
    "in C after \\t": ("x.c", 'asm("\\t.incbin\\t\\"a.bin\\"\\n");', "a.bin"),
    "in a header": ("x.c", '#include "h.h"', "h.h a.bin"),
    "in a branch": (
        "x.S",
        '#if 0\n.incbin "b.bin"\n#else\n.incbin "a.bin"\n#endif',
        "a.bin",
    ),
    "in a comment": ("x.S", '/* .incbin "b.bin" */ .incbin "a.bin"', "a.bin"),
    "by a macro's value": ("x.S", '#define F "a.bin"\n.incbin F', "a.bin"),
    "by -D": ("x.S", ".incbin F", "a.bin", '-DF="a.bin"'),
    "by a macro's argument": ("x.S", '#define BLOB(f) .incbin f\nBLOB("a.bin")', "a.bin"),
    "by a macro of a header": (
        "x.c",
        '#include "incbin.h"\nINCBIN(x, "dir/c.bin")\nINCBIN_WORD(a.bin)',
        "incbin.h dir/c.bin a.bin",
    ),
    "by a macro of the assembler": (
        "x.S",
        '.macro blob f\n.incbin "\\f"\n.endm\nblob a.bin',
        "a.bin",
    ),
    "strings side by side": ("x.c", 'asm(".incbin " "\\"a.bin\\"");', "a.bin"),
    "between strings": ("x.c", '#define F "\\"a.bin\\""\nasm(".incbin "F"\\n");', "a.bin"),
    "the assembler's include": ("x.S", '.include "inner.s"', "inner.s b.bin"),
}


@pytest.mark.parametrize("name", _CASES)
def test_finds_what_the_assembler_reads(gcc: str, tmp_path: Path, name: str) -> None:
    main, text, expected, *arguments = _CASES[name]
    extra = {"h.h": 'asm(".incbin \\"a.bin\\"");\n', "inner.s": '.incbin "b.bin"\n'}
    files = {main: text + "\n", **_FILES, **extra}
    write(tmp_path, files)
    assert assembles(gcc, tmp_path, arguments, main=main)
    files_found = found(files, arguments, main=main)
    assert files_found == set(expected.split())
    for file in _FILES.keys() | files_found:
        (tmp_path / file).rename(tmp_path / "away")
        # gcc's verdict is the same as the scanner's.
        assert assembles(gcc, tmp_path, arguments, main=main) != (file in files_found), file
        (tmp_path / "away").rename(tmp_path / file)


def test_a_member_named_include_is_nothing() -> None:
    files = {"main.c": 'struct s x = { .include = "a.bin" }; int incbin = x.include;\n', **_FILES}
    assert found(files) == set()
