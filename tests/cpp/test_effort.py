# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Sources that could keep a scanner busy for ever, and ones that it cannot make sense of."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from cpp.authority import found, scan
from xen_tool.cpp.directives import parse
from xen_tool.cpp.scan import Scanner, options


@pytest.fixture(autouse=True)
def _fails_when_it_hangs() -> Iterator[None]:
    def hang(signal_number: int, frame: object) -> None:
        raise TimeoutError("the scanner hangs")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_many_undecidable_definitions() -> None:
    text = "".join(
        f"#if __U{i}\n#define A {i}\n#define B{i} {i}\n#endif\n"
        f'#if A == {i}\n#include "h.h"\n#endif\n'
        for i in range(60)
    )
    sum_of_all = " + ".join(f"B{i}" for i in range(60))
    text += f'#if {sum_of_all} == 7 && A * A * A * A\n#include "i.h"\n#endif\n'
    assert found({"main.c": text, "h.h": "", "i.h": ""}) == {"h.h", "i.h"}


def test_headers_that_are_perhaps_included_twice_by_each_other() -> None:
    files = {
        f"h{i}.h": f'#if __U{i}\n#include "h{i + 1}.h"\n#endif\n'
        f'#include "h{i + 1}.h"\n#define D{i}\n'
        for i in range(100)
    }
    files |= {"main.c": '#include "h0.h"\n', "h100.h": ""}
    assert len(found(files)) == 101


def test_headers_that_include_each_other_in_circles() -> None:
    files = {
        f"h{i}.h": f'#ifndef __ASSEMBLY__\n#include "h{(i + 1) % 200}.h"\n'
        f'#include "h{(i * 13 + 5) % 200}.h"\n#endif\n#define D{i} 1\n'
        f"#if D{(i + 7) % 200}\n#define E{i} D{(i * 3) % 200}\n#endif\n"
        for i in range(200)
    }
    files["main.c"] = '#include "h0.h"\n'
    assert len(found(files)) == 200


def test_a_header_that_includes_itself_for_ever() -> None:
    text = '#include "a.h"\n#define A\n#include "h.h"\n#undef A\n#include "h.h"\n'
    assert found({"main.c": '#include "h.h"\n', "h.h": text, "a.h": ""}) == {"h.h", "a.h"}


def test_includes_as_deep_as_gcc_allows() -> None:
    files = {f"h{i}.h": f'#include "h{i + 1}.h"\n' for i in range(198)}
    files |= {"main.c": '#include "h0.h"\n', "h198.h": ""}
    assert len(found(files)) == 199


def test_macros_that_grow_without_end() -> None:
    text = "#define A0 1\n" + "".join(f"#define A{i + 1} A{i} + A{i}\n" for i in range(60))
    text += '#if A60\n#include "a.h"\n#else\n#include "b.h"\n#endif\n'
    assert found({"main.c": text, "a.h": "", "b.h": ""}) == {"a.h", "b.h"}


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 100_000 + "1",
        "!" * 50_000 + "0",
        "F(" * 1000 + "1" + ")" * 1000,
        "1 + " * 50_000 + "1",
    ],
    ids=["parentheses", "operators", "calls", "sums"],
)
def test_long_conditions(condition: str) -> None:
    text = f'#define F(x) x\n#if {condition}\n#include "a.h"\n#endif\n'
    assert found({"main.c": text, "a.h": ""}) == {"a.h"}


@pytest.mark.parametrize(
    "text",
    ["/*", "'\n", '"', "\\\n", "#", "\\ ", 'R"(', " ", "\t\n", "R", "#define ", "#if\n", "CONFIG_"],
)
def test_long_texts_without_end(text: str) -> None:
    parse(text * (1_000_000 // len(text)))


@pytest.mark.parametrize(
    "line",
    [
        *("#define", "#define F(", "#define F(x", "#define +", "#undef", "#ifdef", "#if", "#elif"),
        *("#include", "#include <", '#include "', "#include <>", '#include ""', "#include X"),
        *("#pragma", "#pragma push_macro", "#if defined", "#if defined(", "#if F(", "#if F(1", "#"),
        *("#if CAT(", "#if CAT(,)", "#if CAT(+,+)", "#include STR()", "#if V(", "#if V()", "#if Q"),
        *("#embed", "#if __has_include(", "#if '", '#if "', "\0#if \0", '#include CAT(",")'),
    ],
)
def test_malformed_lines(line: str) -> None:
    macros = "#define F(x) x\n#define CAT(a, b) a ## b\n#define STR(x) #x\n#define Q #\n"
    macros += "#define V(a, b...) a , ## b # b __VA_OPT__(\n"
    assert found({"main.c": f'{macros}{line}\n#endif\n#include "a.h"\n', "a.h": ""}) <= {"a.h"}
    assert found({"main.c": f'{macros}#include "a.h"\n{line}', "a.h": ""}) == {"a.h"}


def test_malformed_arguments() -> None:
    for arguments in (["-D"], ["-D="], ["-D-"], ["-U"], ["-I"], ["-include"], ["-Wp,"], ["-D("]):
        scan({"main.c": ""}, arguments)


def test_bytes_that_are_no_utf_8() -> None:
    text = b'// \xff\xfe\nchar *s = "\xe9";\n#include "a.h"\n'.decode(errors="replace")
    assert found({"main.c": text, "a.h": ""}) == {"a.h"}


def test_each_file_is_read_once_for_all_units() -> None:
    files = {"a.c": '#include "h.h"\n', "b.c": '#include "h.h"\n', "h.h": "#define X\n"}
    read: list[str] = []

    def reader(path: str) -> str | None:
        read.append(path)
        return files.get(path)

    scanner = Scanner(reader, files.__contains__)
    for unit in ("a.c", "b.c", "a.c"):
        assert list(scanner.scan(unit, options([]), {}).files) == ["h.h"]
    assert sorted(read) == ["a.c", "b.c", "h.h"]


def test_a_generated_header_counts_before_it_is_there() -> None:
    texts: dict[str, str] = {"main.c": '#include "generated.h"\n', "a.h": ""}
    scanner = Scanner(texts.get, {"generated.h", *texts}.__contains__)
    assert list(scanner.scan("main.c", options([]), {}).files) == ["generated.h"]
    texts["generated.h"] = '#include "a.h"\n'
    assert list(scanner.scan("main.c", options([]), {}).files) == ["generated.h", "a.h"]


def test_embedded_files_are_not_read_as_source() -> None:
    files = {"main.c": '#embed "data" limit(4)\n', "data": '#include "a.h"\n', "a.h": ""}
    assert found(files) == {"data"}
