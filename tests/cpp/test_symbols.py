# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The CONFIG_ symbols that a translation unit mentions."""

from __future__ import annotations

import pytest

from cpp.authority import scan

_MENTIONS = {
    "in an #ifdef": ("#ifdef CONFIG_X\n#endif", {"X"}),
    "in code": ("int x = CONFIG_X;", {"X"}),
    "as an argument": ("int x = IS_ENABLED(CONFIG_X);", {"X"}),
    "of a module": ("#ifdef CONFIG_X_MODULE\n#endif", {"X_MODULE"}),
    "in a branch that is left out": ("#if 0\nint x = CONFIG_X;\n#endif", {"X"}),
    "in a header": ('#include "h.h"', {"HEADER"}),
    "not in a header that is left out": ('#if 0\n#include "h.h"\n#endif', set()),
    "in a header that may be read": ('#ifdef __U\n#include "h.h"\n#endif', {"HEADER"}),
    "not in a comment": ("/* CONFIG_X */ // CONFIG_Y\nint x;", set()),
    "next to a string with a comment in it": ('char *s = "/*"; int x = CONFIG_X; // */', {"X"}),
    "not as a part of another name": ("int MY_CONFIG_X, xCONFIG_Y;", set()),
    "across a line's end": ("int x = CONFIG_\\\nX;", {"X"}),
    "after ##": ("#define M(x) x ## CONFIG_X", {"X"}),
}


@pytest.mark.parametrize("name", _MENTIONS)
def test_mentions(name: str) -> None:
    text, expected = _MENTIONS[name]
    found = scan({"main.c": text + "\n", "h.h": "int x = CONFIG_HEADER;\n"})
    assert found.symbols == expected
    assert not found.pastes


@pytest.mark.parametrize(
    "text",
    ["#define C(x) CONFIG_ ## x", "#define C(x) CONFIG_X86_##x", "int x = PASTE(CONFIG_, X);"],
)
def test_pasted_names_may_be_any(text: str) -> None:
    assert scan({"main.c": text + "\n"}).pastes
    assert scan({"main.c": '#include "h.h"\n', "h.h": text + "\n"}).pastes


def test_arguments_mention_symbols() -> None:
    found = scan({"main.c": "int x = X;\n"}, ["-DX=CONFIG_X"])
    assert found.symbols == {"X"}


def test_included_by_the_value_of_a_symbol() -> None:
    files = {"main.c": "#include CONFIG_HEADER\n", "a.h": "", "b.h": ""}
    found = scan(files, ["-I."], {"CONFIG_HEADER": '"b.h"'})
    assert list(found.files) == ["b.h"]
    assert found.symbols == {"HEADER"}
