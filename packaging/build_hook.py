# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a wheel has besides the package, made of the parser of xen-tool when it is built.

    share/man/man1/xen-tool.1
    share/bash-completion/completions/xen-tool
    share/zsh/site-functions/_xen-tool
    share/fish/vendor_completions.d/xen-tool.fish

hatchling runs it (pyproject.toml); an editable install does without.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHELLS = {
    "bash": "share/bash-completion/completions/xen-tool",
    "zsh": "share/zsh/site-functions/_xen-tool",
    "fish": "share/fish/vendor_completions.d/xen-tool.fish",
}
MAN_PAGE = "share/man/man1/xen-tool.1"
_FILES = ("FILE", "A", "B")
"""Words for a file in the usage, by which a shell knows what to complete."""


class Documents(BuildHookInterface):  # type: ignore[type-arg]
    """Adds them to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Makes them in a folder that lasts as long as the build."""
        if version != "standard":
            return
        sys.path.insert(0, str(Path(self.root, "site_scons")))
        from xen_tool import __version__
        from xen_tool.cli import parser

        self._folder = tempfile.TemporaryDirectory()
        texts = {SHELLS[shell]: completion(parser(), shell) for shell in SHELLS}
        texts[MAN_PAGE] = man_page(parser(), __version__)
        for number, (place, text) in enumerate(texts.items()):
            file = Path(self._folder.name, str(number))
            file.write_text(text)
            build_data["shared_data"][str(file)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes the folder."""
        if version == "standard":
            self._folder.cleanup()


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script that completes the command's words in a shell."""
    import shtab

    from xen_tool.loaders.names import ALL, LOADERS, SHORT

    for each in (parser, *_commands(parser).values()):
        for action in each._actions:
            if action.metavar in _FILES or action.dest == "image":
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif action.dest == "loader":
                loaders = LOADERS if each.prog.endswith(" map") else ALL
                action.choices = [*loaders, *SHORT.values(), "all"]
    return str(shtab.complete(parser, shell))


def man_page(parser: argparse.ArgumentParser, version: str) -> str:
    """The manual page, in roff's macros (man(7))."""
    lines = [
        f'.TH XEN-TOOL 1 "" "xen_tool {version}" "User Commands"',
        ".SH NAME",
        "xen-tool \\- configure, build, check and boot kernels that run on Xen",
        ".SH SYNOPSIS",
        ".B xen-tool",
        ".I COMMAND",
        "[\\fIARGUMENT\\fR ...]",
        ".SH DESCRIPTION",
        _escaped(parser.description or ""),
        ".SH COMMANDS",
    ]
    helps = {choice.dest: choice.help for choice in _choices(parser)}
    for name, command in _commands(parser).items():
        # Python 3.14 colours a usage that is made on a terminal.
        command.color = False  # type: ignore[attr-defined, unused-ignore]
        usage = " ".join(command.format_usage().split()).removeprefix("usage: ")
        lines += [f".SS {_escaped(usage)}", _escaped(_sentence(helps.get(name) or ""))]
        if command.description:
            lines += [".PP", _escaped(command.description)]
        for action in command._actions:
            if action.dest != "help" and action.help != argparse.SUPPRESS:
                lines += [".TP", f".B {_escaped(_term(action))}", _escaped(_help(command, action))]
    lines += [".SH EXIT STATUS", _escaped((parser.epilog or "").removeprefix("Exit status: "))]
    lines += [".SH SEE ALSO", ".BR scons (1)"]
    return "\n".join(lines) + "\n"


def _choices(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action._choices_actions


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _term(action: argparse.Action) -> str:
    value = action.metavar or action.dest.upper()
    shown = "" if action.nargs == 0 else str(value)
    if action.choices and not action.metavar:
        shown = "{" + ",".join(map(str, action.choices)) + "}"
    return f"{', '.join(action.option_strings)} {shown}".strip() if action.option_strings else shown


def _help(command: argparse.ArgumentParser, action: argparse.Action) -> str:
    return command._get_formatter()._expand_help(action) if action.help else ""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" if text else ""


def _escaped(text: str) -> str:
    """Text in which roff sees no macros: no backslashes, hyphens that are to be typed."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def get_build_hook() -> type[Documents]:
    """What hatchling asks for."""
    return Documents
