# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read a tree of Kconfig files with kconfiglib, and collect what C kconfig warns of.

Kconfiglib reads srctree, and the variables that Kconfig files name, from os.environ: they are
set there during one reading, and restored afterwards.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import XenToolError, unreadable
from ...files import shown
from .library import import_kconfiglib
from .parser import parser_class
from .problems import KconfigPlace, mistakes, problems, where
from .symbol_values import differs_from_default

Kconfig = Any
"""An object of kconfig_class(); kconfiglib has no type information."""

_REWORDED = {
    r"(macro expanded to blank string)$": r"\1; set the variable in the environment, or by "
    "variables= of env.XenConfigure",
    r"'([^']*)' not found \(in '(.*\$.*)'\)\. Check.*": r"there is no file '\1', which `\2` "
    "names; a variable that is not set is empty",
    r"'([^']*)' not found \(in '(.*)'\)\. Check.*": r"there is no file '\1', which `\2` names",
    r"detected\. Check.*Include path:\n": "by ",
}
"""Regular expressions of kconfiglib's messages, and what is said in their place."""

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
        except kconfiglib.KconfigError as error:
            raise XenToolError(_sentence(str(error))) from error
        except FileNotFoundError as error:
            raise XenToolError(
                f"there is no {shown(path)}: write it, or declare symbols in the SConstruct, by "
                "env.XenConfigure(symbols={...})"
            ) from error
        except OSError as error:
            raise unreadable(shown(path), error) from error
    refuse(kconf.problems)
    return kconf


def _sentence(text: str) -> str:
    """Return an error message of kconfiglib in the form PLACE: MESSAGE."""
    text = re.sub(r"^([^\s:]+:\d+: )?error: ", r"\1", text.strip())
    for pattern, words in _REWORDED.items():
        text = re.sub(pattern, words, text, flags=re.DOTALL)
    text = text.replace("\n", ", ")
    return text if re.match(r"\S+:\d+: ", text) else f"Kconfig: {text}"


def refuse(warnings: Sequence[str]) -> None:
    """Raise XenToolError if there are warnings and $KCONFIG_WERROR is set."""
    if warnings and os.environ.get("KCONFIG_WERROR"):
        raise XenToolError("; ".join(warnings) + " (KCONFIG_WERROR makes warnings errors)")


@functools.cache
def kconfig_class() -> Any:
    """Return a subclass of parser_class(), whose attribute problems lists C kconfig's warnings."""
    kconfiglib = import_kconfiglib()

    class KconfigReader(parser_class()):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            self.places: dict[Any, list[KconfigPlace]] = {}
            """The places of the properties of each menu node, in their order."""
            self._conditions: list[KconfigPlace] = []
            """The same list for the node that is being read."""
            try:
                super().__init__(*args, **options)
            except (kconfiglib.KconfigError, OSError):
                raise
            except Exception as error:
                # A bug in kconfiglib, or nesting that is too deep, must not show a traceback.
                message = f"kconfiglib cannot read it: {type(error).__name__}: {error}"
                raise kconfiglib.KconfigError(
                    f"{self.filename}:{self.linenr}: {message}"
                ) from error
            if found := mistakes(self):
                raise kconfiglib.KconfigError("; ".join(found))
            self.problems += problems(self)

        def _parse_props(self, node: Any) -> None:
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
                # C kconfig keeps the first type, and kconfiglib the last.
                first, ignored = (kconfiglib.TYPE_TO_STR[kind] for kind in (item.orig_type, new))
                self._warn(f"{item.name} is {first}, so the type {ignored} is ignored")

        def _min_config_contents(self, header: str) -> str:
            return header + "".join(
                symbol.config_string
                for symbol in self.unique_defined_syms
                if differs_from_default(symbol)
            )

        def _check_sym_sanity(self) -> None:
            """Do nothing: problems() checks symbols as C kconfig does."""

        def _check_choice_sanity(self) -> None:
            """Do nothing: problems() checks choices as C kconfig does."""

        def _warn(self, message: str, filename: str | None = None, line: int | None = None) -> None:
            # Warnings after the parsing are about values, which reasons.py explains.
            if self.warn and self._parsing_kconfigs:
                if message.startswith("Kconfiglib expands environment variables"):
                    message = "`option env` is not needed: $(NAME) is the value of a variable"
                if "but the environment variable" in message:
                    message = "the environment variable of `option env` is not set"
                message = re.sub(r" \(defined at .*?\)", "", message)
                self._problem(message, f"{filename}:{line}" if filename else where(self._node))

        @contextlib.contextmanager
        def _quiet(self) -> Iterator[None]:
            """Ignore kconfiglib's warnings in this context."""
            self.warn = False
            try:
                yield
            finally:
                self.warn = True

    return KconfigReader


def forget_values(kconf: Kconfig) -> None:
    """Have values that depend on transitional symbols computed again.

    After an assignment to another symbol kconfiglib does so itself.
    """
    for symbol in kconf.transitional:
        symbol._rec_invalidate()


def _name(node: Any) -> str:
    """Return what a message calls the symbol or choice of a menu node."""
    return str(node.item.name or "the choice")


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables in os.environ in this context; other threads wait for its end."""
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
