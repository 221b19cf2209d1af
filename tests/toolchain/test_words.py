# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Files and folders that a command's words name, also within response files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xen_tool.toolchain import words

WORDS = st.lists(st.text(st.sampled_from("ab\\'\"@# \t\n\r\f\v$é\x01\x7f")))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str = "") -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return path


def test_flatten_puts_a_nested_response_file_in_place() -> None:
    write("outer", "-a @inner 'b c'")
    write("inner", "-i\n-j")
    found = words.flatten(["cc", "@outer", "end"])
    assert found == ["cc", "@outer", "-a", "@inner", "-i", "-j", "b c", "end"]


def test_flatten_reads_a_response_file_that_names_itself_once() -> None:
    write("loop", "-a @loop -b")
    assert words.flatten(["@loop"]) == ["@loop", "-a", "@loop", "-b"]


def test_flatten_ends_with_response_files_that_name_each_other() -> None:
    write("one", "@two 1")
    write("two", "@one 2")
    assert words.flatten(["@one"]) == ["@one", "@two", "@one", "2", "1"]


@pytest.mark.parametrize("word", ["@", "@gone", "@folder", "@a\0b"])
def test_flatten_keeps_what_is_no_response_file(word: str) -> None:
    Path("folder").mkdir()
    assert words.flatten([word, "x"]) == [word, "x"]


@given(WORDS)
def test_unquote_takes_apart_what_quote_wrote(given_words: list[str]) -> None:
    assert words.unquote(words.quote(given_words)) == given_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb\n\nc", ["a", "b", "c"]),
        ("'a b'c", ["a bc"]),
        ('"it\'s"', ["it's"]),
        ("a\\ b", ["a b"]),
        ('"a\\"b"', ['a"b']),
        ("'a\\'b'", ["a'b"]),
        ('"" x', ["", "x"]),
        ("'open", ["open"]),
        ("end\\", ["end"]),
    ],
)
def test_unquote_splits_as_libiberty_does(text: str, expected: list[str]) -> None:
    assert words.unquote(text) == expected


LITERALS = [
    r'"a b"',
    r'"a\\b"',
    r'"say \"yes\""',
    '"it\'s"',
    '"a\tb"',
    r'"\\ \\\" "',
    '"$HOME `x` *"',
]


@pytest.mark.parametrize("literal", LITERALS)
def test_gcc_reads_what_quote_wrote(gcc: str, literal: str) -> None:
    write("t.c", "NAME\n")
    write("given", words.quote(["-E", "-P", f"-DNAME={literal}", "t.c"]))
    result = subprocess.run([gcc, "@given"], capture_output=True, text=True, check=True)
    assert result.stdout == f"{literal}\n"
    assert f"-DNAME={literal}" in words.flatten([gcc, "@given"])


@pytest.mark.parametrize(
    "word",
    [
        "a file",
        "--symbols=a file",
        "-Wl,--retain-symbols-file=a file",
        "-Wl,--retain-symbols-file=a file,--gc-sections",
        "-Wl,-T,a file",
        "@a file",
        "-specs=a file",
        "--x=y=a file",
    ],
)
def test_files_finds_an_existing_file_in_a_word(word: str) -> None:
    write("a file")
    assert words.files([word]) == ["a file"]


def test_files_names_each_file_once_in_order_and_no_folder() -> None:
    for name in ("b", "a"):
        write(name)
    Path("folder").mkdir()
    assert words.files(["b", "folder", "gone", "a", "-x=b", "", "=", "\0"]) == ["b", "a"]


def test_files_takes_a_name_with_a_comma_or_an_equals_sign() -> None:
    write("a,b=c")
    assert words.files(["a,b=c", "--x=a,b=c"]) == ["a,b=c"]


@pytest.mark.parametrize(
    "given_words",
    [
        ["-I", "d"],
        ["-Id"],
        ["-isystem", "d"],
        ["-isystemd"],
        ["-iquote", "d"],
        ["-idirafter", "d"],
        ["-Wa,-I,d"],
        ["-Wa,-Id"],
        ["-Wp,-I,d"],
        ["-Xpreprocessor", "-I", "-Xpreprocessor", "d"],
        ["-Xassembler", "-I", "-Xassembler", "d"],
        ["-L", "d"],
        ["-Ld"],
        ["-Wl,-L,d"],
        ["-Xlinker", "-Ld"],
        ["--library-path=d"],
        ["--include-directory=d"],
    ],
    ids=" ".join,
)
def test_search_folders_knows_a_way_to_name_a_folder(given_words: list[str]) -> None:
    assert words.search_folders(["-O2", *given_words, "x.c"]) == ["d"]


def test_search_folders_keeps_the_order_and_names_each_once() -> None:
    given_words = ["-Ib", "-I", "a", "-isystem", "b", "-iquote", "c"]
    assert words.search_folders(given_words) == ["b", "a", "c"]


def test_search_folders_takes_no_other_option_for_a_folder() -> None:
    assert words.search_folders(["-include", "x.h", "-l", "x", "-O2", "-o", "x"]) == []


def test_without_depfiles_drops_what_asks_for_one_and_its_argument() -> None:
    asks = ["-MD", "-MF", "d", "-MT", "t", "-MQ", "q", "-MP", "-MFd", "-MMD", "-Wp,-MD,x", "-MG"]
    assert words.without_depfiles(["cc", *asks, "-c", "x.c"]) == ["cc", "-c", "x.c"]


def test_without_depfiles_keeps_everything_else() -> None:
    others = ["cc", "-Map", "-Wp,-DX", "M", "-mM", "-o", "x"]
    assert words.without_depfiles(others) == others


def test_forced_headers() -> None:
    options = "-include a.h -includeb.h --include=c.h --include d.h -imacros e.h --imacros=f.h"
    others = "-include-pch x.gch --include-directory=y --include-prefix z"
    assert list(words.forced_headers(f"{options} {others}".split())) == [
        f"{name}.h" for name in "abcdef"
    ]


def test_places_of_precompiled_headers() -> None:
    options = ["-include", "a.h", "-Ifolder", "-include-pch", "b.gch"]
    assert set(words.precompiled_headers(options)) == {
        *("a.h.gch", "a.h.pch", "folder/a.h.gch", "folder/a.h.pch", "b.gch"),
    }


def test_files_that_name_more() -> None:
    write("my.specs", "*cc1:\n+ -DX\n\n%include <more.specs>\n%include_noerr <gone.specs>\n")
    write("more.specs", "%include <last.specs>\n")
    write("last.specs")
    write("as.rsp", "@as2.rsp")
    write("as2.rsp", "-Iembedded")
    # clang looks for such files beside the file that names them.
    write("cfg/my.cfg", "# @no.cfg\n-include \\\nforced.h -I<CFGDIR>/inc\n@more.cfg\n")
    write("cfg/more.cfg", "-Ideep")
    write("tools/as")
    write("wrap.sh")
    for specs in (["-specs=my.specs"], ["-specs", "my.specs"], ["--specs=my.specs"]):
        named = ["my.specs", "more.specs", "last.specs"]
        assert words.files(words.flatten(specs)) == named
    for config in (["--config", "cfg/my.cfg"], ["--config=cfg/my.cfg"]):
        flat = words.flatten(config)
        assert words.files(flat) == ["cfg/my.cfg", "cfg/more.cfg"]
        assert words.search_folders(flat) == ["cfg/inc", "deep"]
        assert list(words.forced_headers(flat)) == ["forced.h"]
    flat = words.flatten(["-Wa,-a,@as.rsp", "-wrapper", "wrap.sh,x", "-Btools", "-B", "tools"])
    assert words.files(flat) == ["as.rsp", "as2.rsp", "wrap.sh", "tools/as"]
    assert words.search_folders(flat) == ["embedded"]


def test_search_folders_below_a_prefix_or_root() -> None:
    options = (
        "-iwithprefix a -iprefix p/ -iwithprefix b -iwithprefixbefore c -I=/d -isystem-after e"
    )
    options += " -L=/f --sysroot=r -iwithsysroot /g -cxx-isystemh --embed-dir i"
    assert words.search_folders(options.split()) == [
        *("a", "p/b", "p/c", "r/d", "e", "r/f", "r/g", "h", "i"),
    ]
