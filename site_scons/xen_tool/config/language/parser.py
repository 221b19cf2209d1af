# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Parse Kconfig files as C kconfig does, with kconfiglib's parser and Linux's later additions.

kconf.py adds the warnings to the class.  Functions in parentheses are those of scripts/kconfig.
"""

from __future__ import annotations

import functools
import io
import os
from typing import Any

from .lexer import end_comments, has_ignored, mend_line
from .library import import_kconfiglib
from .problems import is_misplaced, where

_SOURCES = ("source", "rsource", "osource", "orsource")
_WITH_VALUES = ("default", "def_", "depends", "if")


@functools.cache
def parser_class() -> Any:
    """Return a subclass of kconfiglib.Kconfig that parses as C kconfig does.

    Its argument text replaces the text of the first file.  Its attribute problems lists the
    warnings, as FILE:LINE: MESSAGE, and transitional the symbols with that property.
    """
    kconfiglib = import_kconfiglib()

    switches = (kconfiglib._T_OPTION, kconfiglib._T_MODULES)
    blocks = {
        kconfiglib._T_ENDIF: "if",
        kconfiglib._T_ENDMENU: "menu",
        kconfiglib._T_ENDCHOICE: "choice",
    }

    class KconfigParser(kconfiglib.Kconfig):  # type: ignore[misc, name-defined]
        modules: Any

        def __init__(self, *args: Any, text: str | None = None, **options: Any) -> None:
            self._text = text
            self.problems: list[str] = []
            self._node: Any = None
            """The menu node whose properties are being read."""
            self._switch: Any = None
            """The symbol with the line `modules`."""
            self._first_line = 0
            """The first line of those that `\\` joins with the current one."""
            self._unclosed = ""
            """The error to raise if the current block is not closed; "" outside of blocks."""
            self.transitional: set[Any] = set()
            self._simple: set[str] = set()
            """The variables that were set by :=, and so are already expanded."""
            self.arch = os.environ.get("ARCH", "")
            super().__init__(*args, **options)

        def _open(self, filename: str, mode: str) -> Any:
            """Open a file; to read, with comments corrected, and the argument text at first."""
            if mode != "r":
                return open(filename, mode, encoding="utf-8")
            text, self._text = self._text, None
            if text is None:
                # Help texts of old trees may have other encodings.
                with open(filename, encoding="utf-8", errors="replace") as file:
                    text = file.read()
            return io.StringIO(end_comments(text))

        def _next_line(self) -> Any:
            if not self._reuse_tokens:
                # linenr becomes that of the last physical line if `\\` continues this one.
                self._first_line = self.linenr + 1
            found = super()._next_line()
            if not found and self._unclosed:
                raise kconfiglib.KconfigError(self._unclosed)
            return found

        def _line_after_help(self, line: str) -> None:
            self._first_line = self.linenr
            super()._line_after_help(line)

        def _parse_block(self, end: Any, parent: Any, prev: Any) -> Any:
            """Parse a block; one that is not closed is an error with the line of its beginning."""
            outer, self._unclosed = self._unclosed, ""
            if end is not None:
                # The node of an `if` has no place: its line is the current one.
                place = where(parent) if parent.item else self._here()
                self._unclosed = f"{place}: this {blocks[end]} has no end{blocks[end]}"
            last = super()._parse_block(end, parent, prev)
            self._unclosed = outer
            return last

        def _parse_error(self, message: str) -> None:
            if message.startswith("no corresponding") and self._unclosed:
                raise kconfiglib.KconfigError(self._unclosed)
            super()._parse_error(message)

        def _tokenize(self, text: str) -> Any:
            """Return the tokens of a line as C kconfig reads it; [None] skips the line."""
            if "$" in text and text.lstrip().startswith(_SOURCES):
                # Linux before 4.18 expands $NAME there; elsewhere C kconfig does not expand it.
                text = os.path.expandvars(text)
            if "\ufffd" in text and text.lstrip().startswith(_WITH_VALUES):
                self._line = text
                self._parse_error("it is not UTF-8 text; convert the file, for example by iconv")
            symbol = getattr(self._node, "item", None)
            of_symbol = isinstance(symbol, kconfiglib.Symbol)
            if of_symbol and text.partition("#")[0].strip() == "transitional":
                # Linux has `transitional` since v6.18.
                self.transitional.add(symbol)
                return [None]
            if has_ignored(text):
                word = kconfiglib._command_match(text)
                if word and kconfiglib._get_keyword(word[1]) and word[1] not in _SOURCES:
                    text = self._mended(text)
            try:
                tokens = super()._tokenize(text)
            except kconfiglib.KconfigError:
                mended = self._mended(text)
                if mended == text:
                    raise
                tokens = super()._tokenize(mended)
            if is_misplaced(tokens[0], symbol):
                self._parse_error("this cannot be here")
            if tokens[0] == kconfiglib._T_HELP and tokens[1] is not None:
                self._parse_error("the help text begins on the next line")
            if tokens[0] == kconfiglib._T_VISIBLE and tokens[1] is None:
                # Without a condition it is always visible.
                return [None]
            # Linux writes `option modules` without the `option` since v5.14.
            if of_symbol and tokens[0] in switches and kconfiglib._T_MODULES in tokens:
                if tokens[-2] is not kconfiglib._T_MODULES:
                    self._parse_error("nothing may follow `modules`")
                if self._switch is not None:
                    self._parse_error(f"{self._switch.name} has the line `modules` already")
                self._switch = symbol
                return [None]
            return tokens

        def _mended(self, text: str) -> str:
            """Return a line as C kconfig reads it, and add its warnings to problems."""
            mended, mistakes = mend_line(text)
            for mistake in mistakes:
                self._problem(mistake)
            return mended if mistakes else text

        def _fn_val(self, args: Any) -> Any:
            """Return the value of the macro $(NAME) or $(NAME,ARGUMENTS)."""
            variable = self.variables.get(args[0])
            if args[0] in self._simple:
                # It needs no further expansion (variable_expand).
                return variable.value
            if variable is not None and not hasattr(variable, "value"):
                # This is within the first assignment to the variable, which has no value yet.
                return os.environ.get(args[0], "")
            # .config has no strings of several lines.
            return super()._fn_val(args).replace("\n", " ")

        def _parse_assignment(self, s: str) -> None:
            super()._parse_assignment(s)
            self._simple = {name for name, v in self.variables.items() if not v.is_recursive}

        def _expect_expr_and_eol(self) -> Any:
            """Return the expression after `if`, `depends on` or `visible if`; it ends the line."""
            dependency = self._parse_expr(True)
            is_depends = self._tokens[0] is kconfiglib._T_DEPENDS
            if is_depends and self._check_token(kconfiglib._T_IF):
                # Linux has `depends on A if B` since v7.0 (menu_add_dep); an `m` in B does not
                # depend on modules.
                condition = compared_with_n(self, self._parse_expr(False), kconfiglib.EQUAL)
                dependency = self._make_or(dependency, condition)
            if self._tokens[self._tokens_i] is not None:
                self._trailing_tokens_error()
            return dependency

        def _finalize_node(self, node: Any, visible_if: Any) -> None:
            if node is self.top_node:
                self._relate_m_to_modules()
            super()._finalize_node(node, visible_if)

        def _relate_m_to_modules(self) -> None:
            """Make m depend on the symbol with the line `modules`, whatever its name, else on n."""
            by_name: Any = self.modules
            switch = self._switch or (self.n if by_name.nodes else by_name)
            if switch is by_name:
                return
            self.modules = switch
            if switch is not self.n and switch.orig_type == kconfiglib.TRISTATE:
                # C kconfig computes its value as if modules were off, so it cannot be m.
                switch.orig_type = kconfiglib.BOOL

            def swapped(part: Any) -> Any:
                if part.__class__ is not tuple:
                    return part
                if part == (kconfiglib.AND, self.m, by_name):
                    return (kconfiglib.AND, self.m, switch)
                return tuple(map(swapped, part))

            for node in self.node_iter():
                node.dep = swapped(node.dep)
                if node.prompt:
                    node.prompt = swapped(node.prompt)
                for kind in ("defaults", "selects", "implies", "ranges"):
                    setattr(node, kind, list(map(swapped, getattr(node, kind))))
                if node.item is kconfiglib.MENU:
                    node.visibility = swapped(node.visibility)

        def _parse_props(self, node: Any) -> None:
            self._node = node
            super()._parse_props(node)

        def _add_props_to_sym(self, node: Any) -> None:
            super()._add_props_to_sym(node)
            nodes = node.item.nodes
            if len(nodes) > 1:
                # A definition without dependencies does not change them (expr_alloc_or of NULL).
                earlier = nodes[: nodes.index(node) + 1]
                dependencies = [each.dep for each in earlier if each.dep is not self.y]
                node.item.direct_dep = functools.reduce(self._make_or, dependencies or [self.y])

        def _problem(self, message: str, place: str | None = None) -> None:
            """Add a warning; place: FILE:LINE, by default that of the current line."""
            self.problems.append(f"{place or self._here()}: {message}")

        def _here(self) -> str:
            return f"{self.filename}:{self._first_line}"

    return KconfigParser


def compared_with_n(kconf: Any, expression: Any, relation: int) -> Any:
    """Return `expression = n` or `expression != n` as comparisons of symbols (expr_trans_compare).

    relation: kconfiglib.EQUAL or UNEQUAL.
    """
    kconfiglib = import_kconfiglib()
    is_equal = relation == kconfiglib.EQUAL
    if not isinstance(expression, tuple):
        return (relation, expression, kconf.n)
    operator, *parts = expression
    if operator == kconfiglib.NOT:
        other = kconfiglib.UNEQUAL if is_equal else kconfiglib.EQUAL
        return compared_with_n(kconf, parts[0], other)
    if operator not in (kconfiglib.AND, kconfiglib.OR):
        return (kconfiglib.NOT, expression) if is_equal else expression
    # An AND is n if one part is n; an OR is n if both are.
    either = (operator == kconfiglib.AND) == is_equal
    left, right = (compared_with_n(kconf, part, relation) for part in parts)
    return (kconfiglib.OR if either else kconfiglib.AND, left, right)
