# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The console is read as a terminal shows it; the authority is pyte, another terminal."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator, Sequence

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyte.modes import LNM

from xen_tool.boot.console import console as console_module
from xen_tool.boot.console.console import MAX_CHARACTERS, MAX_LINES, Console
from xen_tool.boot.console.row import COLUMNS, Seen
from xen_tool.boot.console.terminal import Terminal
from xen_tool.boot.result.evidence import Evidence
from xen_tool.boot.result.protocols import GuestResult

ROWS, WIDTH = 6, 20
SHOWN = (Seen.LINE, Seen.PART)


def rows_of(*pieces: bytes, rows: int = ROWS, columns: int = WIDTH) -> list[tuple[str, Seen]]:
    """Return all rows that the terminal emits for bytes."""
    rows_told: list[tuple[str, Seen]] = []
    terminal = Terminal(
        lambda text, seen: rows_told.append((text, seen)), rows=rows, columns=columns
    )
    for piece in pieces:
        terminal.feed(piece)
    terminal.close()
    return rows_told


def lines(data: bytes) -> list[str]:
    return [text for text, seen in rows_of(data, columns=COLUMNS) if seen in SHOWN]


def evidence(*pieces: bytes, rows: int = ROWS, columns: int = WIDTH) -> Evidence:
    found = Evidence()
    for text, seen in rows_of(*pieces, rows=rows, columns=columns):
        found.see(text, seen)
    return found


def passes(data: bytes) -> bool:
    reader = evidence(data, columns=COLUMNS).reader
    return reader.verdict().result is GuestResult.PASSED and not reader.objection()


def fails(data: bytes) -> bool:
    return evidence(data).reader.failures > 0


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"plain\r\n", ["plain"]),
        (b"a\n\nb", ["a", "", "b"]),
        (b"\rof Xen in a Xen", ["of Xen in a Xen"]),
        (b"a\tb", ["a       b"]),
        (b"50%\rFAIL a\n", ["FAIL a"]),
        (b"50% done\rFAIL a\n", ["FAIL ane"]),
        (b"FAIK\bL a\n", ["FAIL a"]),
        (b"\x1b[31mFAIL a\x1b[0m\n", ["FAIL a"]),
        (b"\x1b[2J\x1b[HFAIL a\n", ["FAIL a"]),
        (b"\x1b]0;a title\aFAIL a\n", ["FAIL a"]),
        (b"\x1b]0;a title\x1b\\FAIL a\n", ["FAIL a"]),
        (b"\x1bP1;2q...\x1b\\FAIL a\n", ["FAIL a"]),
        (b"\x1b(0FAIL x\x1b(B\n", ["FAIL \u2502"]),
        (b"\x1b)0\x0ex\x0f FAIL a\n", ["\u2502 FAIL a"]),
        (b"\x1b(0_\x1b(BFAIL a\n", [" FAIL a"]),
        (b"\x1b[38;5;1mFAIL a\n", ["FAIL a"]),
        (b"\x1b[?25lFAIL a\n", ["FAIL a"]),
        (b"\x1b[3;3HFA\x1b[5;1Hother\x1b[3;5HIL a\n", ["  FA", "other", "  FAIL a"]),
        (b"AIL a\r\x1b[@F\n", ["FAIL a"]),
        (b"AIL a\r\x1b[4hF\x1b[4l\n", ["FAIL a"]),
        (b"xFAIL a\r\x1b[P\n", ["FAIL a"]),
        (b"FAIL a\x1b[5G\x1b[K\n", ["FAIL"]),
        (b"FAIL a\x1b[10;1H\x1b[2Jb", ["FAIL a", "b"]),
        (b"x\x1b[1\rmFAIL a\x1b[1\n2m\n", ["FAIL a", ""]),
        (b"\xff\x1b[mx\n", ["\N{REPLACEMENT CHARACTER}x"]),
        (b"\xf0\x9f\x1b[mx\n", ["\N{REPLACEMENT CHARACTER}x"]),
        # The C1 control characters of ECMA-48, in UTF-8 and as single bytes.
        ("\x9b31mFAIL a\x85\x90q\x9cb\x84c\n".encode(), ["FAIL a", "b", " c"]),
        (b"\x9b31mFAIL a\x85\x9d0;title\x9cb\n", ["FAIL a", "b"]),
        (b"xxxxxxxx\x1b[ZFAIL a\x1b[2Ib\n", ["FAIL axx        b"]),
        (
            "\N{RIGHT-TO-LEFT OVERRIDE}F\N{ZERO WIDTH SPACE}AIL\N{NO-BREAK SPACE}a".encode(),
            ["FAIL a"],
        ),
        (
            "h\N{LATIN SMALL LETTER E WITH ACUTE}\0\x7f".encode(),
            ["h\N{LATIN SMALL LETTER E WITH ACUTE}"],
        ),
        ("F\N{VARIATION SELECTOR-1}A\N{HANGUL FILLER}IL a".encode(), ["FAIL a"]),
        (b"zzzz\r \x1b[3bFAIL a\n", ["    FAIL a"]),
        ("\u6f22\x1b[b\n".encode(), ["\u6f22\u6f22"]),
        (b"x\x1b#8FAIL a\n", ["x", "FAIL a"]),
        (b"xAIL a\r\x1b[?1049hx\x1b[?1049lF\n", ["xAIL a", "x", "FAIL a"]),
        (b"x\x1b[?47hFAIL a\n", ["x", " FAIL a"]),
        (b"\x1b[3;5r\x1b[?6h\x1b[1;3HIL a\x1b[?6l\x1b[3;1HFA\n", ["  IL a", "FAIL a"]),
        (b"x\r\x1b[8mx\x1b[mFAIL a\n", [" FAIL a"]),
        (b"\x1b[1;38;5;4;48;5;4mx\x1b[49mFAIL a\n", [" FAIL a"]),
        (b"\x1b[38:5:8;8;28;38;5;8;48;2;8;8;8mFAIL a\n", ["FAIL a"]),
        (b"x" * (2 * COLUMNS + 1), ["x" * COLUMNS, "x" * COLUMNS, "x"]),
    ],
)
def test_rows_are_what_a_terminal_shows(data: bytes, shown: list[str]) -> None:
    assert [line.rstrip() for line in lines(data)] == shown


@pytest.mark.parametrize(
    "data",
    [
        b"FAIL a\rPASS a\n",
        b"FAIL a\r\x1b[K\n",
        b"FAIL a\x1b[2J\n",
        b"FAIL a\x1b[2K\n",
        b"FAIL a\n\x1b[A\x1b[2K",
        b"FAIL a\x1b[1;1Hx\x1bc",
        b"FAIL a\x1b[L",
        b"\x1b]0;\nFAIL a\n\a\n",
        b"FAIL a",
        b"x" * WIDTH + b"FAIL a\n",
        b" " * (WIDTH - 2) + b"FAIL a\n",
        b"\xffFAIL a\n",
        b"\xe2\x82FAIL a\n",
        b"[ FAIL ] a\n",
        b"[INFO] kernel: FAIL a\n",
        b" * FAIL\n",
        b"[a:] [" + b"-" * 5000 + b"FAIL a\n",
        b"50% FAIL a: x\n",
        b"one two ... FAIL\n",
        b"one two   FAIL\n",
        b"one two [FAIL]\n",
        b"(XEN) d0: FAIL a: x\n",
        b"FA(XEN) x\n(XEN) y\nIL a\n",
        b"not(XEN) x\n ok 1 a\n",
        b"\x1b[4h\x1b[!pXAIL a\rF\n",
        b"\x1b_x\aFAIL a\n\x1b\\",
        b"\x1b]P0ff00ffFAIL a\n\a",
        # Concealed, and black on black.
        b"x\x1b[8mFAIL a\x1b[m\n",
        b"x\x1b[30;40mFAIL a\x1b[m\n",
        # The letters of other scripts that look the same.
        "\uff26\uff21\uff29\uff2c a\n".encode(),
        "(XEN) FA\u0406L a\n".encode(),
        "\U0001d405\U0001d400\U0001d408\U0001d40b a\n".encode(),
        "\ua730\u1d00\u026a\u029f\n".encode(),
        "\U0001f175\U0001f170\U0001f178\U0001f17b\n".encode(),
        "n\uff4ft ok 1 a\n".encode(),
        "\uff21 FAIL a\n".encode(),
        # The output of two CPUs on one line.
        b"PASS a FAIL b: c\n",
    ],
)
def test_a_failure_that_was_visible_at_any_time_counts(data: bytes) -> None:
    assert fails(data)


@pytest.mark.parametrize(
    "front",
    [
        "[ 0.12] ",
        "[    1.234567] ",
        "[    1.234567][    T1] ",
        "<6>[    1.234567] ",
        "(d1) ",
        "(XEN) (d1) ",
        "(XEN) [2026-01-02 03:04:05] (d1) ",
        "(XEN) [    1.234567] (d1) [ 0.1] ",
        "[2026-01-02T03:04:05.678Z] ",
        "[Fri Jan  2 03:04:05 2026] ",
        "[02/Jan/2026 03:04:05] ",
        "2026-01-02T03:04:05.678+01:00 ",
        "2026-01-02 03:04:05,678: ",
        "Jan  2 03:04:05 ",
        "03:04:05 ",
        "1.234567: ",
        "[+1.234s] ",
        "[   12ms] ",
        "(1.234) ",
        "[    1.234567@0] ",
        "<14>[    1.234567] [    T1] [CPU 1] ",
    ],
)
def test_a_time_or_speaker_may_precede_a_result(front: str) -> None:
    passed = "".join(f"{front}{line}\n" for line in ("PASS a", "CHECKS: 1", "RESULT: PASS"))
    assert passes(passed.encode())
    failed = f"{front}FAIL a: why\n{passed}"
    assert not passes(failed.encode())


PASSED = b"PASS a\nCHECKS: 1\nRESULT: PASS\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (PASSED + b"BUG: died\n", "said after it: BUG: died"),
        (PASSED + b"\x1b[31mBUG: died\r      \n", "said after it: BUG: died"),
        (PASSED + b"\x1b[A\x1b[2K", "erased the line"),
        (PASSED + PASSED, "its 1 checks gave 2 lines PASS"),
        (PASSED + b"FAIL b\n", "also FAIL b"),
        (b"FAIL: broken\n" + PASSED, "also FAIL: broken"),
        (b"CHECKS: 2\n" + PASSED, "its lines CHECKS: 2 and CHECKS: 1 differ"),
        (b"CHECKS: 1000000000\nRESULT: PASS\n", "its 1000000000 checks gave 0 lines PASS"),
        (b"CHECKS: many\nRESULT: PASS\n", "CHECKS: many is no number of checks"),
        (b"CHECKS: -1\nRESULT: PASS\n", "CHECKS: -1 is no number of checks"),
        (b"FAIL x\n" * 100_000 + PASSED, "also FAIL x, FAIL x, FAIL x, and 99997 more lines FAIL"),
    ],
)
def test_output_that_is_no_pass_has_a_reason(data: bytes, reason: str) -> None:
    assert evidence(data).reader.objection() == reason


@pytest.mark.parametrize(
    "piece", [b"[a:]", b"[", b"-", b"a:", b"ok 1 # ", b"<a:", b"1.1 ", b"(1", b"a FAIL-b "]
)
def test_a_line_is_read_in_linear_time(piece: bytes) -> None:
    # A search that begins again at each character would not come to its end here.
    assert evidence(piece * (COLUMNS // len(piece)), columns=COLUMNS).reader.failures == 0


@pytest.mark.parametrize(
    "piece",
    [b"a\bb\b", b"ab\b\b", b"\x1b[4ha\b\x1b[4l", b"\x1b[D\x1b[P", b"\r-\x1b[3000Cx"],
)
def test_a_change_of_a_long_row_is_emitted_without_the_whole_row(piece: bytes) -> None:
    long = b"".join(b"%08d" % number for number in range(500))
    count = 200
    emitted = sum(len(text) for text, _ in rows_of(long + piece * count, columns=COLUMNS))
    assert emitted < len(long) * 4 + 2 * count * 600


@pytest.mark.parametrize(
    "data",
    [
        b"FAIL: " + b"x" * 3000 + b"\r" + b"y" * 20,
        b"(XEN) " + b"x" * 3000 + b" FAIL a: b\n",
        b"x" * 3000 + b" FAIL a: b\b\b\b\b\b\b\b\b\b\by\n",
        b"x" * 3000 + b"\rFAIL a\ry\n",
        b"x" * 3000 + b"\r\x1b[4hFAIL a\ry\n",
    ],
)
def test_a_failure_in_a_long_row_that_changes_counts(data: bytes) -> None:
    assert evidence(data, columns=COLUMNS).reader.failures > 0


@pytest.mark.parametrize("piece", [b"\r", b"\x1b", b"\x1b(", b"\x1b]\x1b"])
def test_pieces_of_sequences_are_read_in_linear_time(piece: bytes) -> None:
    # A parser that looks at all that follows, again and again, would not come to its end here.
    assert evidence(piece * (1 << 18)).reader.failures == 0


def test_a_line_that_is_printed_again_counts_once() -> None:
    assert passes(b"PASS a\n\x1b[A\x1b[7Cb\nCHECKS: 1\nRESULT: PASS\n")


@pytest.mark.parametrize(
    "data",
    [
        b"x" * COLUMNS + b"RESULT: PASS\n",
        b"RESULT: PASS" + b" " * COLUMNS + b"x\n",
        b"RESULT: PASS\r            \n",
        b"RESULT: PASSED\n",
        b"RESULT: PASS 1\n",
        b"RESULT: PASS\rRESULT: FAIL\n",
        b"RESULT: FAIL\rRESULT: PASS\n",
        b"not RESULT: PASS\n",
        b"\x1b_x\aRESULT: PASS\n\x1b\\",
        b"RESULT: PASS\n\x1b[A\x1b[2K",
        b"RESULT: PASS\n\x1b[A\x1b[M",
        b"RESULT: PASS\n\x1b[A            \n",
        b"RESULT: PASS\x1b[2J",
        b"RESULT: PASS\n\x1bc",
        b"RESULT: PASS\n\x1b#8",
        b"\x1b#8\x1b[HRESULT: PASS\n",
        b"\x1b[?1049hRESULT: PASS\n\x1b[?1049l",
        b"\x1b[8mRESULT: PASS\n",
        b"\x1b[37;47mRESULT: PASS\n",
        "RESULT: P\u0410SS\n".encode(),
    ],
)
def test_a_pass_is_a_line_of_its_own_that_stayed(data: bytes) -> None:
    assert not passes(data)


@pytest.mark.parametrize(
    "piece",
    [
        b"x",
        b"FAIL ",
        b"FAIL x\n",
        b"FAIL\r",
        b"(XEN) Panic on CPU 0:\n",
        b"\x1b]0;x",
        b"\x1b[1;",
        b"\xf0\x9f\n",
    ],
)
def test_memory_is_bounded_for_any_output(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_module, "MAX_CHARACTERS", 10_000)
    found = Evidence()
    console = Console(found.see)
    data = piece * (4_000 // len(piece))
    tracemalloc.start()
    for _ in range(30):
        console.feed(data)
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(10):
        console.feed(data)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < len(data)
    assert len(found.reader.objection() + found.last_line) < 1000


def test_the_last_lines_are_kept() -> None:
    console = Console(lambda text, seen: None)
    console.feed(b"".join(b"%d\n" % i for i in range(MAX_LINES + 5)))
    assert len(console.lines) == MAX_LINES
    assert console.lines[0] == "5"
    console.feed(b"x" * 3000 + b"\n")
    console.feed((b"y" * 3000 + b"\n") * (MAX_CHARACTERS // 3000))
    assert sum(map(len, console.lines)) <= MAX_CHARACTERS
    assert console.lines[0].startswith("y")


# Sequences that both terminals know.  pyte knows no strings but OSC, reads one number only, and
# has tab stops, modes and scrolled regions, none of which is set here.
_TEXTS = st.sampled_from(["FAIL a", "AIL a", "FA", "F", "IL", "x", " ", "PASS a", "\u6f22"])
_NUMBERS = st.integers(0, 25).map(str) | st.just("")
_SEQUENCES = (
    st.builds("\x1b[{}{}".format, _NUMBERS, st.sampled_from([*"ABCDEFGHLMPX@`adem"]))
    | st.builds("\x1b[{}{}".format, st.integers(0, 2), st.sampled_from("JK"))
    | st.builds("\x1b[{};{}{}".format, _NUMBERS, _NUMBERS, st.sampled_from("Hf"))
)
_CONTROLS = st.sampled_from([*"\n\n\r\r\b\t\v\0\a\x7f", "\r\n"]) | st.sampled_from(
    [f"\x1b{rest}" for rest in ("7", "8", "D", "E", "M", "(0", "(B", "[4h", "[4l", "[?25l")]
    + ["\x1b#8\x1b[H", "\x1bc\x1b[20h", "\x1b]0;FAIL a\a", "\x1b]2;x\x1b\\"],
)
_TOKENS = st.lists(_TEXTS | _SEQUENCES | _CONTROLS | st.characters(max_codepoint=26), max_size=30)


def shown_by_pyte(tokens: Sequence[str]) -> Iterator[list[str]]:
    """Return the rows that pyte shows, before each sequence that is not text."""
    screen = pyte.Screen(WIDTH, ROWS)
    screen.set_mode(LNM)
    stream = pyte.Stream(screen)
    for token, coming in itertools.zip_longest(tokens, tokens[1:], fillvalue="\n"):
        for character in token:
            stream.feed(character)
        if not coming.isprintable():
            # pyte's screen.display fails if half of a wide character was overwritten.
            cells = [[screen.buffer[y][x].data for x in range(WIDTH)] for y in range(ROWS)]
            yield ["".join(row) for row in cells]


@given(_TOKENS, st.lists(st.integers(0, 100), max_size=20))
@settings(max_examples=400, deadline=None)
def test_no_failure_that_another_terminal_shows_is_lost(tokens: list[str], cuts: list[int]) -> None:
    visible = any(
        row.lstrip().startswith("FAIL ") and row.strip() != "FAIL"
        for display in shown_by_pyte(tokens)
        for row in display
    )
    data = "".join(tokens).encode()
    whole = rows_of(data)
    bounds = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    assert rows_of(*(data[a:b] for a, b in itertools.pairwise(bounds))) == whole
    if visible:
        assert fails(data)


@given(st.lists(st.binary(max_size=30), max_size=10))
@settings(max_examples=200, deadline=None)
def test_rows_of_any_bytes_are_printable(pieces: list[bytes]) -> None:
    for text, _ in rows_of(*pieces):
        assert text.isprintable()
    assert rows_of(*pieces) == rows_of(b"".join(pieces))
    # Whatever the bytes did to the terminal, after a reset it shows new text.
    end = b"\x18\x1b\\\x1bc\nFAIL a\n"
    assert fails(b"".join(pieces) + end)
