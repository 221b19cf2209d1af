# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The command xen-tool: the package's functions without SCons.

annotate  the command annotate
boot      the commands boot, gdb, test
explain   the command explain
head      the command head
images    the commands check, inspect, map, size, diff
new       the command new
rebuild   the command rebuild
options   arguments that several commands have, and the printing of results

COMMANDS names the function of each command; only the module of the command that runs is
imported.  STATUSES has the exit statuses.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from .. import __version__
from ..errors import COMMAND, XenToolError, print_message
from ..printable import printable

USAGE = 2
"""The status with which argparse exits."""
FAILED = 3
UNUSABLE = 4
INTERRUPTED = 130
UNREAD = 141
"""128 + SIGPIPE: the status that a shell shows for a program ended by that signal."""
STATUSES = {
    0: "success",
    USAGE: "wrong usage",
    FAILED: "a loader refuses the image or would start a guest that cannot run, the guest did not "
    "pass, or the images differ",
    UNUSABLE: "something is missing, or cannot be read or written",
    INTERRUPTED: "interrupted",
    UNREAD: "the reader of the output closed it",
}
"""The meaning of each exit status."""

COMMANDS = {
    "head": ("head.head", "write the Xen head object of a configuration"),
    "new": ("new.new", "write a minimal kernel of five files"),
    "boot": ("boot.boot", "start an image on Xen, under QEMU"),
    "gdb": ("boot.gdb", "start an image, stopped at its entry, with gdb"),
    "test": ("boot.test", "boot images in each mode that suits them"),
    "build": ("", "do what scons does, but faster if nothing that it reads has changed"),
    "annotate": ("annotate.annotate", "add Xen notes to an image that was linked elsewhere"),
    "check": ("images.check", "print the verdicts of loaders on images"),
    "inspect": ("images.inspect", "show an image's notes, segments and verdicts"),
    "explain": ("explain.explain", "explain a rule by which loaders accept images"),
    "map": ("images.layout", "show the memory that loaders lay out for an image"),
    "size": ("images.size", "show the sizes of the parts of an image"),
    "rebuild": ("rebuild.rebuild", "build an image again from its bill of materials"),
    "diff": ("images.diff", "show the differences between two images"),
}
"""By command: the function that adds its arguments, as MODULE.FUNCTION of this package, and what it
does.  build has no arguments of its own: it passes its words on, as ./sconsw does."""

_COLUMNS = 79
_NEWLINE = "\n"
_STATUS = "Exit status: " + "; ".join(f"{number}: {what}" for number, what in STATUSES.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, by default that of this process; return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["build"] and words[1:] != ["--help"]:
        from ..shortcut.__main__ import main as build

        return build(words[1:])
    if sys.stdout is None:
        print_message("standard output is closed", program=COMMAND)
        return UNUSABLE
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name may have characters that the terminal's encoding does not have.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            return _run(words)
        finally:
            print(end="", flush=True)
    except BrokenPipeError:
        status = UNREAD
    except OSError as error:
        name = error.filename or "standard output"
        print_message(f"{printable(str(name))}: {error.strerror}", program=COMMAND)
        status = UNUSABLE
    # Python flushes standard output once more at exit: let that not fail.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _run(words: list[str]) -> int:
    """Run a command line, except for build; print errors, and return the exit status."""
    # The value of --gdb is optional: without one, argparse would take the image for it.
    end = words.index("--") if "--" in words else len(words)
    words = ["--gdb=1" if word == "--gdb" else word for word in words[:end]] + words[end:]
    options = parser(*words[:1]).parse_args(words)
    try:
        return int(options.function(options))
    except XenToolError as error:
        # Some messages have several lines.
        print_message(printable(str(error), keep=_NEWLINE), program=COMMAND)
        return UNUSABLE
    except KeyboardInterrupt:
        print_message("interrupted", program=COMMAND)
        return INTERRUPTED


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_formatter, **options)


def _formatter(prog: str) -> argparse.HelpFormatter:
    # Without a width, argparse would import shutil in every run to get the terminal's.
    return argparse.HelpFormatter(prog, width=_COLUMNS)


def parser(only: str = "") -> argparse.ArgumentParser:
    """Return the parser of the command line.

    only: the command whose arguments are added; "", and a word that is no command: all commands.
    The manual page and the completions for shells are made from this parser as well.
    """
    top = _Parser(
        prog="xen-tool",
        description="Build, check and boot kernels that run on Xen.",
        epilog=f"{_STATUS}.",
    )
    top.add_argument("--version", action="version", version=f"xen-tool {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, (function, what) in COMMANDS.items():
        command = commands.add_parser(name, help=what)
        if not function:
            command.usage = f"xen-tool {name} [SCONS ARGUMENTS]"
        elif only in (name, "") or only not in COMMANDS:
            module, _, add = function.partition(".")
            getattr(import_module(f".{module}", __name__), add)(command)
    return top
