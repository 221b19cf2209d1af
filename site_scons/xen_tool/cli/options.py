# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Arguments that several commands of xen-tool have, and the printing of their results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ..errors import COMMAND, XenToolError, print_message
from ..loaders.model.releases import Xen
from ..loaders.names import ALL, listed
from ..loaders.names import named as loader_named
from . import FAILED

IMAGE = "an ELF file, compressed or not, or a bzImage"
DEFAULT = "default: %(default)s"

_T = TypeVar("_T")


def add_loaders(parser: argparse.ArgumentParser, loaders: Sequence[str] = ALL) -> None:
    """Add --loader, whose value is one of loaders or "all", and --xen-release and --json."""

    def named(text: str) -> Sequence[str]:
        return loaders if text == "all" else (loader_named(text, loaders),)

    parser.add_argument(
        "--loader",
        action="extend",
        type=of_text(named),
        metavar="NAME",
        help="a loader that must accept the image; may be repeated (default: those it claims): "
        f"{listed(loaders)}, or all",
    )
    add_release(parser)


def add_release(parser: argparse.ArgumentParser) -> None:
    """Add --xen-release and --json."""
    add_renamed(
        parser,
        "--xen-release",
        "--xen",
        type=of_text(Xen.parse),
        default=Xen(),
        metavar="VERSION",
        help="the release whose loaders are modelled, such as 4.20, or 4.17+pv32 if built with "
        f"CONFIG_PV32 ({DEFAULT})",
    )
    add_json(parser)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option --json."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def add_renamed(parser: argparse.ArgumentParser, name: str, old: str, **how: Any) -> None:
    """Add the option name, and its old name, which sets the same value and prints a note.

    how: arguments of add_argument().
    """

    class Old(argparse.Action):
        def __call__(self, _: object, options: argparse.Namespace, value: Any, *__: object) -> None:
            print_message(f"{old} is now {name}; the old name will go", "note", program=COMMAND)
            setattr(options, self.dest, value)

    dest = parser.add_argument(name, **how).dest
    hidden = {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
    parser.add_argument(old, dest=dest, action=Old, **{**how, **hidden})


def of_text(parse: Callable[[str], _T]) -> Callable[[str], _T]:
    """Return a function for argparse's type=: parse, with its XenToolError as a usage error."""

    def parsed(text: str) -> _T:
        try:
            return parse(text)
        except XenToolError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed


def positive(text: str) -> int:
    """Return the number above 0 that a text is; for argparse's type=."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def pairs(options: argparse.Namespace, words: Iterable[str]) -> dict[str, str]:
    """Return the values by name of words NAME=VALUE.

    Exit with a usage error if a word has another form, or if a name has two values.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or found.setdefault(name, value) != value:
            options.parser.error(f"{word}: not NAME=VALUE, or {name} a second time")
    return found


def print_result(
    options: argparse.Namespace,
    document: Mapping[str, Any] | None,
    lines: Iterable[str],
    *,
    good: bool,
) -> int:
    """Print the lines of a result or, with --json, its document; return the exit status.

    good: whether the status is 0; else it is FAILED.
    """
    if options.json and document is not None:
        from ..json_text import pieces

        sys.stdout.writelines(pieces(document))
    else:
        for line in lines:
            print(line)
    return 0 if good else FAILED
