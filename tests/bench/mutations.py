# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The mutants of the tool: changes of one place of a module, in a random order.  For mutants.py."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

TOOL = Path(__file__).resolve().parents[2] / "site_scons/xen_tool"

_SWAPS: dict[type[ast.AST], str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.And: "or",
    ast.Or: "and",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "//",
    ast.FloorDiv: "*",
    ast.Mod: "//",
    ast.LShift: ">>",
    ast.RShift: "<<",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.BitXor: "|",
}
_DELETED = (ast.AugAssign, ast.Expr, ast.Raise, ast.Continue, ast.Break, ast.Delete)


class Mutant(NamedTuple):
    """A change of one place of a module.

    path: of the module, below the tool; first, last: lines of the statement, without its body;
    start, end: offsets in the module's bytes; text: of the line.
    """

    path: str
    first: int
    last: int
    line: int
    column: int
    start: int
    end: int
    text: str
    before: str
    after: str

    @property
    def key(self) -> str:
        """What identifies it: once its line has moved or changed, it is another one."""
        where = f"{self.path}:{self.line}:{self.column}"
        return f"{where}: {self.text}: {self.before!r} -> {self.after!r}"

    def diff(self) -> str:
        """The change, for people."""
        before = self.before.partition("\n")[0]
        return f"{self.path}:{self.line}: {self.text}\n    {before!r} -> {self.after!r}"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield all mutants of a module, in the order of the module."""
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def place(node: Any) -> tuple[int, int]:
        return (
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def mutant(node: Any, after: str, span: tuple[int, int] | None = None) -> Mutant:
        start, end = span or place(node)
        line = content.count(b"\n", 0, start) + 1
        of: Any = statement
        body = getattr(of, "body", None)
        last = max(of.lineno, body[0].lineno - 1) if body else of.end_lineno
        text, before = lines[line - 1].decode().strip(), content[start:end].decode()
        name, column = str(path.relative_to(TOOL)), start - starts[line - 1]
        return Mutant(name, of.lineno, last, line, column, start, end, text, before, after)

    def between(left: ast.AST, right: ast.AST, after: str) -> Mutant:
        # Parentheses around the operands stay; a comment there would be lost with its operator.
        start, end = place(left)[1], place(right)[0]
        text = content[start:end]
        start += len(text) - len(text.lstrip(b") \n"))
        end -= len(text) - len(text.rstrip(b"( \n"))
        return mutant(left, after, (start, end))

    statement: ast.stmt
    for node in _code(ast.parse(content)):
        if isinstance(node, ast.stmt):
            statement = node
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            for operator, left, right in zip(node.ops, operands, operands[1:], strict=False):
                yield between(left, right, _SWAPS[type(operator)])
        elif isinstance(node, ast.BinOp) and type(node.op) in _SWAPS:
            yield between(node.left, node.right, _SWAPS[type(node.op)])
        elif isinstance(node, ast.BoolOp):
            for left, right in zip(node.values, node.values[1:], strict=False):
                yield between(left, right, _SWAPS[type(node.op)])
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield mutant(node, "not not", (place(node)[0], place(node)[0] + len("not")))
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, bool):
                yield mutant(node, str(not node.value))
            elif isinstance(node.value, int):
                yield mutant(node, str(node.value + 1))
            elif isinstance(node.value, str):
                yield mutant(node, repr(node.value + "~"))
            elif isinstance(node.value, bytes):
                yield mutant(node, repr(node.value + b"~"))
        elif isinstance(node, ast.Return) and node.value is not None:
            if not (isinstance(node.value, ast.Constant) and node.value.value is None):
                yield mutant(node.value, "None")
        elif isinstance(node, _DELETED) or (
            # Without a name that is used, everything fails.
            isinstance(node, ast.Assign)
            and not any(isinstance(target, ast.Name | ast.Tuple) for target in node.targets)
        ):
            yield mutant(node, "pass")


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs: without annotations, docstrings, f-strings and what only mypy reads."""
    if isinstance(node, ast.JoinedStr):
        # Before Python 3.12 what is in it has no place.
        return
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        return
    yield node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _code(child)


def sample(packages: Sequence[str], seed: int) -> Iterator[Mutant]:
    """Yield all mutants of the packages in the order of the sample."""
    shuffled = []
    for package in packages:
        found = [m for path in sorted((TOOL / package).rglob("*.py")) for m in mutants_of(path)]
        random.Random(seed).shuffle(found)
        shuffled.append(found)
    return (each for each in chain.from_iterable(zip_longest(*shuffled)) if each is not None)
