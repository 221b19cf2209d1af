# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Arguments that several commands of xen-tool have, and the printing of their results."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from ..errors import XenToolError
from ..loaders.model.releases import Xen
from ..loaders.names import ALL
from . import FAILED

IMAGE = "an ELF file, compressed or not, or a bzImage"
DEFAULT = "default: %(default)s"


def add_loaders(parser: argparse.ArgumentParser, loaders: Sequence[str] = ALL) -> None:
    """Add --loader, which may be one of loaders, --xen and --json."""

    def named(text: str) -> Sequence[str]:
        if text != "all" and text not in loaders:
            names = ", ".join(map(repr, (*loaders, "all")))
            raise argparse.ArgumentTypeError(f"invalid choice: {text!r} (choose from {names})")
        return loaders if text == "all" else (text,)

    parser.add_argument(
        "--loader",
        action="extend",
        type=named,
        metavar="NAME",
        help="a loader that must accept the image; may be repeated (default: those it claims): "
        f"{', '.join(loaders)}, or all",
    )
    add_xen(parser)


def add_xen(parser: argparse.ArgumentParser) -> None:
    """Add --xen and --json."""
    parser.add_argument(
        "--xen",
        type=_xen,
        default=Xen(),
        metavar="VERSION",
        help="the release whose loaders are modelled, such as 4.20, or 4.17+pv32 if built with "
        f"CONFIG_PV32 ({DEFAULT})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def _xen(text: str) -> Xen:
    try:
        return Xen.parse(text)
    except XenToolError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def positive(text: str) -> int:
    """Parse a number above 0."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def pairs(options: argparse.Namespace, words: Iterable[str]) -> dict[str, str]:
    """Parse words NAME=VALUE; exit with a usage error if one is malformed or repeated."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or found.setdefault(name, value) != value:
            options.parser.error(f"{word}: not NAME=VALUE, or {name} a second time")
    return found


def print_result(
    options: argparse.Namespace, document: object, lines: Iterable[str], *, good: bool
) -> int:
    """Print a result as text or, with --json, as JSON; return the exit status."""
    if options.json:
        import json

        print(json.dumps(document, indent=2))
    else:
        for line in lines:
            print(line)
    return 0 if good else FAILED
