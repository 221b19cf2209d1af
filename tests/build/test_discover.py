# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Dependencies of a text besides its includes, and negative dependencies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from xen_tool.build import discover
from xen_tool.build.contents import Contents
from xen_tool.build.discover import ANY, Lookups, facts, symbols_of


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str = "") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        (b"#ifdef CONFIG_SMP", {"SMP"}),
        (b"IS_ENABLED(CONFIG_A) + CONFIG_B_2", {"A", "B_2"}),
        (b"/* CONFIG_A */ // CONFIG_B\nCONFIG_C", {"C"}),
        (b"/* one\n CONFIG_A \n two */ CONFIG_B /* CONFIG_C */", {"B"}),
        (b'"CONFIG_A"', {"A"}),
        (b'"/*" CONFIG_A "*/"', {"A"}),
        (b"'\"' CONFIG_A // '\"' CONFIG_B", {"A"}),
        (b'"a\\"/*" CONFIG_A', {"A"}),
        (b"don't /* CONFIG_A */ CONFIG_B", {"B"}),
        (b"CONFIG_##x", {""}),
        (b"MY_CONFIG_A XCONFIG_B", set()),
        (b"nothing", set()),
        (b"", set()),
    ],
)
def test_symbols_that_count_of_a_text(text: bytes, symbols: set[str]) -> None:
    assert facts(text).symbols == symbols


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"#if __has_include(<a/b.h>)", {"a/b.h"}),
        (b'#if __has_include ( "a.h" )', {"a.h"}),
        (b"#if __has_include_next(<a.h>)", {"a.h"}),
        (b"#if __has_embed(<a.bin>)", {"a.bin"}),
        (b"#if __has_include(HEADER)", {ANY}),
        (b'#if __has_include("a.h") || __has_include(B)', {"a.h", ANY}),
        (b"#define HAS __has_include\n", {ANY}),
        (b"#if defined(__has_include) && __has_include(<a.h>)", {"a.h"}),
        (b"#ifdef __has_include\n#if defined __has_embed\n", set()),
        (b"/* __has_include(<a.h>) */", set()),
        (b"#if __has_attribute(x)", set()),
    ],
)
def test_names_that_a_text_asks_for(text: bytes, names: set[str]) -> None:
    assert facts(text).has_include == names


@pytest.mark.parametrize(
    ("text", "literal", "is_literal"),
    [
        (b'.incbin "a.bin"', {"a.bin"}, True),
        (b'asm(".incbin \\"a.bin\\"");', {"a.bin"}, True),
        (b'.include "a.inc"\n.incbin "b"', {"a.inc", "b"}, True),
        (b".incbin NAME", set(), False),
        (b'asm(".incbin \\"" NAME "\\"");', set(), False),
        (b'.incbin "a"\n.incbin NAME', {"a"}, False),
        (b'.INCBIN "a.bin"', {"a.bin"}, True),
        (b"#define I incbin", set(), False),
    ],
)
def test_files_that_a_text_embeds(text: bytes, literal: set[str], is_literal: bool) -> None:
    found = facts(text)
    assert found.embeds
    assert found.literal == literal
    assert found.is_literal == is_literal


def test_a_text_of_nothing_special_embeds_nothing() -> None:
    assert facts(b'#include "a.h"\nint include;').embeds is False


def test_values_are_found_of_symbols_in_texts_and_words() -> None:
    values = {"A": "y", "B": "1", "C": "y"}
    found = symbols_of([facts(b"CONFIG_A CONFIG_NEW")], ["-DX=CONFIG_B"], values)
    assert found == {"A": "y", "B": "1", "NEW": ""}


def test_a_pasted_symbol_makes_all_count() -> None:
    values = {"A": "y", "B": "1"}
    assert symbols_of([facts(b"CONFIG_##x")], [], values) == values


def test_a_module_symbol_counts_as_its_tristate() -> None:
    assert symbols_of([facts(b"CONFIG_A_MODULE")], [], {"A": "m"})["A"] == "m"


def test_a_file_that_cannot_be_read_has_no_facts() -> None:
    assert discover.Texts().of("gone") == facts(b"")


def test_facts_are_read_again_when_they_are_forgotten() -> None:
    texts = discover.Texts()
    write("a.h", "CONFIG_A")
    assert texts.of("a.h").symbols == {"A"}
    write("a.h", "CONFIG_B")
    assert texts.of("a.h").symbols == {"A"}
    texts.forget(["a.h"])
    assert texts.of("a.h").symbols == {"B"}


class Looked:
    """The lookups of a compilation, as its record stores them.

    read: the files that were read; search: the folders of headers; names: names of __has_include.
    """

    def __init__(
        self, read: Iterable[str], search: Iterable[str], names: Iterable[str] = ()
    ) -> None:
        contents = Contents({})
        self.where: Lookups = discover.lookups(read, search, names, contents)
        self._present = discover.present(self.where, contents)
        self._folders = {folder: contents.digest(folder) for folder in self.where.folders}

    def holds(self) -> bool:
        """Whether the lookups would find the same files now, as the judge decides."""
        contents = Contents({})
        if all(contents.digest(f) == was for f, was in self._folders.items()):
            return True
        return discover.present(self.where, contents) == self._present


def test_a_header_that_appears_in_an_earlier_folder() -> None:
    write("first/other.h")
    write("second/a.h")
    looked = Looked(["second/a.h"], ["first", "second"])
    assert looked.holds()
    write("first/a.h")
    assert not looked.holds()
    Path("first/a.h").unlink()
    assert looked.holds()


def test_a_header_that_goes_from_an_earlier_folder() -> None:
    write("first/a.h")
    write("second/a.h")
    looked = Looked(["first/a.h", "second/a.h"], ["first", "second"])
    Path("first/a.h").unlink()
    assert not looked.holds()


def test_a_header_of_another_name_does_not_count() -> None:
    write("first/other.h")
    write("second/a.h")
    looked = Looked(["second/a.h"], ["first", "second"])
    write("first/b.h")
    assert looked.holds()


def test_a_header_beside_the_source() -> None:
    write("src/x.c")
    write("include/a.h")
    looked = Looked(["include/a.h"], ["src", "include"])
    write("src/a.h")
    assert not looked.holds()


def test_a_header_in_the_current_folder() -> None:
    write("include/a.h")
    looked = Looked(["include/a.h"], ["", "include"])
    write("a.h")
    assert not looked.holds()


def test_a_name_with_a_folder_in_it() -> None:
    write("first/sys/other.h")
    write("second/sys/a.h")
    looked = Looked(["second/sys/a.h"], ["first", "second"])
    assert looked.holds()
    write("first/sys/a.h")
    assert not looked.holds()


def test_a_new_folder_with_a_header_in_it() -> None:
    write("first/other.h")
    write("second/sys/a.h")
    looked = Looked(["second/sys/a.h"], ["first", "second"])
    write("first/sys/a.h")
    assert not looked.holds()


@pytest.mark.parametrize("folder", ["late", "deep/late", "very/deep/late", "late/"])
def test_a_search_folder_that_does_not_exist_yet(folder: str) -> None:
    write("second/a.h")
    looked = Looked(["second/a.h"], [folder, "second"])
    assert looked.holds()
    write(f"{folder}/a.h")
    assert not looked.holds()


def test_an_absolute_search_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    write("second/a.h")
    looked = Looked(["second/a.h"], [str(tmp_path / "deep/late"), "second"])
    assert looked.holds()
    write("deep/late/a.h")
    assert not looked.holds()


def test_a_name_of_has_include_that_appears() -> None:
    write("include/a.h")
    looked = Looked(["include/a.h"], ["include"], ["maybe.h"])
    write("include/unrelated.h")
    assert looked.holds()
    write("include/maybe.h")
    assert not looked.holds()


def test_after_an_include_by_a_macro_any_new_name_counts() -> None:
    write("include/a.h")
    looked = Looked(["include/a.h"], ["include"], [ANY])
    write("include/whatever")
    assert not looked.holds()


@pytest.mark.parametrize("name", ["a.h.gch", "a.h.pch"])
def test_a_precompiled_header_that_appears(name: str) -> None:
    write("include/a.h")
    looked = Looked(["include/a.h"], ["include"])
    write(f"include/{name}")
    assert not looked.holds()


def test_an_excluded_path_counts_as_missing() -> None:
    write("first/a.h")
    write("second/a.h")
    contents = Contents({})
    where = discover.lookups(["second/a.h"], ["first", "second"], (), contents)
    without = discover.present(where, contents, lambda _, path: path == "first/a.h")
    Path("first/a.h").unlink()
    assert discover.present(where, Contents({})) == without
