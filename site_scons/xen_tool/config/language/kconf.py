# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read a tree of Kconfig files with kconfiglib, and collect what C kconfig warns of.

Kconfiglib reads srctree, and the variables that Kconfig files name, from os.environ: they are
set there during one reading, and restored afterwards.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import XenToolError
from .checks import KconfigPlace, is_misplaced, mend_line, mistakes, problems, where
from .library import import_kconfiglib
from .values import differs_from_default

Kconfig = Any
"""An object of kconfig_class(); kconfiglib has no type information."""

_SOURCES = ("source", "rsource", "osource", "orsource")

# The environment is the process's, so two readings must not overlap.
_environment_lock = threading.Lock()


def read_kconfig(
    path: Path, srctree: Path, variables: Mapping[str, str], *, text: str | None = None
) -> Kconfig:
    """Parse the Kconfig file at path and all that it sources, relative to srctree.

    text: the text to read in place of the file at path.
    The attribute `problems` of the result lists what C kconfig warns of.

    Raises XenToolError with the file, the line and kconfiglib's message.
    """
    kconfiglib = import_kconfiglib()
    with _environment({**variables, "srctree": str(srctree)}):
        try:
            kconf = kconfig_class()(
                os.path.relpath(path, srctree),
                text=text,
                warn_to_stderr=False,
                suppress_traceback=False,
            )
        except (kconfiglib.KconfigError, OSError) as error:
            raise XenToolError(_sentence(str(error))) from error
    refuse(kconf.problems)
    return kconf


def _sentence(text: str) -> str:
    """Return an error message of kconfiglib in the form PLACE: MESSAGE."""
    text = re.sub(r"^([^\s:]+:\d+: )?error: ", r"\1", text.strip())
    if text.endswith("macro expanded to blank string"):
        text += "; set the variable in the environment, or by variables= of env.XenConfigure"
    return text if re.match(r"\S+:\d+: ", text) else f"Kconfig: {text}"


def refuse(warnings: Sequence[str]) -> None:
    """Raise XenToolError if there are warnings and $KCONFIG_WERROR is set."""
    if warnings and os.environ.get("KCONFIG_WERROR"):
        raise XenToolError("; ".join(warnings) + " (KCONFIG_WERROR makes warnings errors)")


@functools.cache
def kconfig_class() -> Any:
    """Return a subclass of kconfiglib.Kconfig that warns of what C kconfig warns of."""
    kconfiglib = import_kconfiglib()

    switches = (kconfiglib._T_OPTION, kconfiglib._T_MODULES)

    class Reader(kconfiglib.Kconfig):  # type: ignore[misc, name-defined]
        modules: Any

        def __init__(self, *args: Any, text: str | None = None, **options: Any) -> None:
            self._text = text
            self.problems: list[str] = []
            self.places: dict[Any, list[KconfigPlace]] = {}
            self._conditions: list[KconfigPlace] = []
            self._node: Any = None
            self._switch: Any = None
            self._first_line = 0
            self.transitional: set[Any] = set()
            self._simple: set[str] = set()
            self.arch = os.environ.get("ARCH", "")
            try:
                super().__init__(*args, **options)
            except (kconfiglib.KconfigError, OSError):
                raise
            except Exception as error:
                # A bug in kconfiglib, or nesting that is too deep, must not show a traceback.
                said = f"kconfiglib cannot read it: {type(error).__name__}: {error}"
                raise kconfiglib.KconfigError(f"{self.filename}:{self.linenr}: {said}") from error
            if found := mistakes(self):
                raise kconfiglib.KconfigError("; ".join(found))
            self.problems += problems(self)

        def _open(self, filename: str, mode: str) -> Any:
            if self._text is not None:
                text, self._text = self._text, None
                return io.StringIO(text)
            # Help texts of old trees may have other encodings.
            return open(filename, mode, encoding="utf-8", errors="replace" if mode == "r" else None)

        def _next_line(self) -> Any:
            if not self._reuse_tokens:
                # linenr becomes that of the last physical line if `\\` continues this one.
                self._first_line = self.linenr + 1
            return super()._next_line()

        def _line_after_help(self, line: str) -> None:
            self._first_line = self.linenr
            super()._line_after_help(line)

        def _tokenize(self, text: str) -> Any:
            if "$" in text and text.lstrip().startswith(_SOURCES):
                # Linux before 4.18 expands $NAME there; elsewhere C kconfig does not expand it.
                text = os.path.expandvars(text)
            symbol = getattr(self._node, "item", None)
            of_symbol = isinstance(symbol, kconfiglib.Symbol)
            if of_symbol and text.partition("#")[0].strip() == "transitional":
                # Linux has `transitional` since v6.18.
                self.transitional.add(symbol)
                return [None]
            try:
                tokens = super()._tokenize(text)
            except kconfiglib.KconfigError:
                mended, mistakes = mend_line(text)
                if not mistakes:
                    raise
                tokens = super()._tokenize(mended)
                for mistake in mistakes:
                    self._problem(mistake)
            if is_misplaced(tokens[0], getattr(self._node, "item", None)):
                self._parse_error("this cannot be here")
            # Linux writes `option modules` without the `option` since v5.14.
            if of_symbol and tokens[0] in switches and kconfiglib._T_MODULES in tokens:
                if tokens[-2] is not kconfiglib._T_MODULES:
                    self._parse_error("nothing may follow `modules`")
                self._switch = symbol
                return [None]
            return tokens

        def _fn_val(self, args: Any) -> Any:
            variable = self.variables.get(args[0])
            if args[0] in self._simple:
                # A variable set by := is already expanded (variable_expand).
                return variable.value
            if variable is not None and not hasattr(variable, "value"):
                # The variable is just being set for the first time.
                return os.environ.get(args[0], "")
            # .config has no strings of several lines.
            return super()._fn_val(args).replace("\n", " ")

        def _parse_assignment(self, s: str) -> None:
            super()._parse_assignment(s)
            self._simple = {name for name, v in self.variables.items() if not v.is_recursive}

        def _expect_expr_and_eol(self) -> Any:
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
                self._settle_modules()
            super()._finalize_node(node, visible_if)

        def _settle_modules(self) -> None:
            """Make m depend on the symbol with the line `modules`, whatever its name, else on n."""
            by_name: Any = self.modules
            switch = self._switch or (self.n if by_name.nodes else by_name)
            if switch is by_name:
                return
            self.modules = switch
            if switch is not self.n and switch.orig_type == kconfiglib.TRISTATE:
                # It cannot depend on itself: C kconfig computes it while modules are off.
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
            self._conditions = self.places[node] = []
            super()._parse_props(node)

        def _parse_cond(self) -> Any:
            # Kconfiglib calls this for each line of a property that may have a condition.
            self._conditions.append(KconfigPlace(self._tokens[0], self._here()))
            return super()._parse_cond()

        def _parse_prompt(self, node: Any) -> None:
            text = self._tokens[1]
            if isinstance(text, str) and text[:1].isspace():
                self._problem("leading blanks of the prompt are ignored")
            if node.prompt:
                self._problem(f"this prompt replaces the earlier one of {_name(node)}")
            with self._quiet():
                super()._parse_prompt(node)

        def _parse_help(self, node: Any) -> None:
            before, here = node.help, self._here()
            with self._quiet():
                super()._parse_help(node)
            if before is not None:
                self._problem(f"this help text replaces the earlier one of {_name(node)}", here)
            if not node.help:
                self._problem(f"the help text of {_name(node)} is empty", here)

        def _set_type(self, item: Any, new: int) -> None:
            if not item.orig_type:
                item.orig_type = new
            elif item.orig_type is not new:
                # The first type counts.
                first, ignored = (kconfiglib.TYPE_TO_STR[kind] for kind in (item.orig_type, new))
                self._warn(f"{item.name} is {first}, so the type {ignored} is ignored")

        def _add_props_to_sym(self, node: Any) -> None:
            super()._add_props_to_sym(node)
            nodes = node.item.nodes
            if len(nodes) > 1:
                # A definition without dependencies does not change them (expr_alloc_or of NULL).
                seen = nodes[: nodes.index(node) + 1]
                given = [each.dep for each in seen if each.dep is not self.y]
                node.item.direct_dep = functools.reduce(self._make_or, given or [self.y])

        def _min_config_contents(self, header: str) -> str:
            return header + "".join(
                symbol.config_string
                for symbol in self.unique_defined_syms
                if differs_from_default(symbol)
            )

        def _check_sym_sanity(self) -> None:
            """problems() checks, as C kconfig."""

        def _check_choice_sanity(self) -> None:
            """problems() checks, as C kconfig."""

        def _warn(self, message: str, filename: str | None = None, line: int | None = None) -> None:
            # Later warnings are about values, which reasons.py explains.
            if self.warn and self._parsing_kconfigs:
                if message.startswith("Kconfiglib expands environment variables"):
                    message = "`option env` is not needed: $(NAME) is the value of a variable"
                self._problem(message, f"{filename}:{line}" if filename else where(self._node))

        def _problem(self, message: str, place: str | None = None) -> None:
            self.problems.append(f"{place or self._here()}: {message}")

        def _here(self) -> str:
            return f"{self.filename}:{self._first_line}"

        @contextlib.contextmanager
        def _quiet(self) -> Iterator[None]:
            self.warn = False
            try:
                yield
            finally:
                self.warn = True

    return Reader


def compared_with_n(kconf: Kconfig, expression: Any, relation: int) -> Any:
    """Return expression = n or expression != n as comparisons of symbols (expr_trans_compare)."""
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


def forget_values(kconf: Kconfig) -> None:
    """Invalidate values that follow from transitional symbols; kconfiglib does so for others."""
    for symbol in kconf.transitional:
        symbol._rec_invalidate()


def _name(node: Any) -> str:
    return str(node.item.name or "the choice")


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    with _environment_lock:
        before = dict(os.environ)
        # CONFIG_ would change the prefix of every symbol.
        os.environ.pop("CONFIG_", None)
        os.environ.update(variables)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
