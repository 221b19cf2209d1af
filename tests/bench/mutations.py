# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The mutants of the tool: changes of one place of a module, in a random order.  For mutants.py."""

from __future__ import annotations

import ast
import random
from collections import Counter
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
_CONDITIONAL = (ast.If, ast.While, ast.IfExp, ast.Assert)
_DELETED = (ast.AugAssign, ast.Expr, ast.Raise, ast.Continue, ast.Break, ast.Delete)


class Mutant(NamedTuple):
    """A change of one place of a module.

    key: what identifies it, in each state of the module that has the same line in the same
    function; path: of the module, below the tool; first, last: lines of the statement, without its
    body; imported: whether it runs when the module is imported; start, end: offsets in the
    module's bytes; line, text: where it starts; before, after: what is changed.
    """

    key: str
    path: str
    first: int
    last: int
    imported: bool
    start: int
    end: int
    line: int
    text: str
    before: str
    after: str

    def diff(self) -> str:
        """Return the change as lines for people to read."""
        before = self.before.partition("\n")[0]
        return f"{self.path}:{self.line}: {self.text}\n    {before!r} -> {self.after!r}"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield all mutants of a module, in the order of the module."""
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def span_of(node: Any) -> tuple[int, int]:
        return (
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def mutant(node: Any, after: str, span: tuple[int, int] | None = None) -> Mutant:
        start, end = span or span_of(node)
        line = content.count(b"\n", 0, start) + 1
        of = where.at
        last = max(of.lineno, of.body[0].lineno - 1) if hasattr(of, "body") else of.end_lineno
        text, before = lines[line - 1].decode().strip(), content[start:end].decode()
        name, column = str(path.relative_to(TOOL)), start - starts[line - 1]
        key = f"{name}: {'.'.join(where.names)}: {text}: {column}: {before!r} -> {after!r}"
        seen[key] += 1
        key += f" ({seen[key]})" if seen[key] > 1 else ""
        place = (start, end, line)
        return Mutant(key, name, of.lineno, last, where.imported, *place, text, before, after)

    def between(left: ast.AST, right: ast.AST, after: str) -> Mutant:
        # Parentheses around the operands stay; a comment there would be lost with its operator.
        start, end = span_of(left)[1], span_of(right)[0]
        text = content[start:end]
        start += len(text) - len(text.lstrip(b") \n"))
        end -= len(text) - len(text.rstrip(b"( \n"))
        return mutant(left, after, (start, end))

    seen: Counter[str] = Counter()
    for node, place in _code(ast.parse(content), _Where(None, (), True)):
        where = place
        for condition in _conditions(node):
            yield mutant(condition, f"not ({ast.unparse(condition)})")
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
            yield mutant(node, "not not", (span_of(node)[0], span_of(node)[0] + len("not")))
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


def _conditions(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the conditions of a statement or expression in which no operator can be swapped."""
    tests = [node.test] if isinstance(node, _CONDITIONAL) else getattr(node, "ifs", [])
    for test in tests:
        negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        if not negated and not isinstance(test, ast.Compare | ast.BoolOp | ast.Constant):
            yield test


class _Where(NamedTuple):
    """Where code is.

    at: the statement, handler or pattern; names: of the classes and functions around it;
    imported: whether it runs when the module is imported.
    """

    at: Any
    names: tuple[str, ...]
    imported: bool


def _code(node: ast.AST, where: _Where) -> Iterator[tuple[ast.AST, _Where]]:
    """Yield each node of code that runs: no annotations, docstrings, f-strings or TYPE_CHECKING."""
    if isinstance(node, ast.JoinedStr):
        # Before Python 3.12 the nodes in an f-string have no right offsets.
        return
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return
    if isinstance(node, ast.stmt | ast.ExceptHandler | ast.pattern):
        where = where._replace(at=node)
    yield node, where
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        inner = where
        if field == "body" and isinstance(node, ast.FunctionDef | ast.ClassDef):
            imported = where.imported and isinstance(node, ast.ClassDef)
            inner = where._replace(names=(*where.names, node.name), imported=imported)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _code(child, inner)


def sample(packages: Sequence[str], seed: int) -> Iterator[Mutant]:
    """Yield all mutants of the packages, a package in turn.

    A change of one line does not change the order of the mutants of other lines.
    """
    shuffled = [
        sorted(all_of(package), key=lambda each: random.Random(f"{seed} {each.key}").random())
        for package in packages
    ]
    return (each for each in chain.from_iterable(zip_longest(*shuffled)) if each is not None)


def all_of(package: str) -> list[Mutant]:
    """Return all mutants of a package."""
    return [m for path in sorted((TOOL / package).rglob("*.py")) for m in mutants_of(path)]
