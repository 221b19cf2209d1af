# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The arithmetic of #if, held against gcc's."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

from xen_tool.cpp.directives import tokenize
from xen_tool.cpp.expression import evaluate

_OPERATORS = [
    "&&",
    "||",
    "|",
    "^",
    "&",
    "==",
    "!=",
    "<",
    ">",
    "<=",
    ">=",
    "<<",
    ">>",
    "+",
    "-",
    "*",
    "/",
    "%",
]
_NUMBERS = (
    *("0", "1", "2", "7", "010", "0x1F", "0b101", "3u", "1UL", "5LL", "'a'", "'\\n'", "'\\0'"),
    *("63", "64", "65", "100", "9223372036854775807", "0x8000000000000000", "0xFFFFFFFFFFFFFFFF"),
    *("name", "0XAbCuLl", "18446744073709551615u", "'\\''", "'0'"),
)


def _expression(dice: random.Random, depth: int) -> str:
    if depth == 0 or dice.random() < 0.15:
        return dice.choice(_NUMBERS)
    a, b, c = (_expression(dice, depth - 1) for _ in range(3))
    operator = dice.choice(_OPERATORS)
    forms = [f"{a} {operator} {b}"] * 4 + [f"({a} {operator} {b})"] * 3
    forms += [f"-{a}", f"~{a}", f"!{a}", f"+{a}", f"({a} ? {b} : {c})", f"{a} ? {b} : {c}"]
    return dice.choice(forms)


def test_values_are_those_of_gcc(gcc: str, tmp_path: Path) -> None:
    dice = random.Random(1)
    expressions = [_expression(dice, 3) for _ in range(4000)]
    source = "".join(f"#if {e}\nyes {i}\n#endif\n" for i, e in enumerate(expressions))
    (tmp_path / "x.c").write_text(source)
    command = [gcc, "-E", "-P", "-w", "x.c"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    yes = set(map(int, re.findall(r"yes (\d+)", result.stdout)))
    wrong = {int(line) // 3 for line in re.findall(r"x.c:(\d+):\d+: error", result.stderr)}
    assert 1000 < len(yes) < 3000
    assert len(wrong) < 1000
    for index, expression in enumerate(expressions):
        if index not in wrong:
            value = evaluate(tokenize(expression))
            if value is None:
                # A division by zero that ?: leaves out: good C, but no loss.
                assert "?" in expression and re.search("[/%]", expression), expression
            else:
                assert value == (index in yes), expression


def test_what_gcc_rejects_has_no_value() -> None:
    for expression in (
        "",
        "1 +",
        "(1",
        "1 2",
        "1 / 0",
        "2 % 0",
        '"x"',
        "1.5",
        "1 ? 2",
        "08",
        "= 1",
    ):
        assert evaluate(tokenize(expression)) is None, expression


def test_division_by_zero_does_not_count_where_it_is_not_evaluated() -> None:
    assert evaluate(tokenize("0 && 1 / 0")) is False
    assert evaluate(tokenize("1 || 1 / 0")) is True
