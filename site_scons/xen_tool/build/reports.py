# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Determine, from the reports of its programs, what a step read.

depfile parses the reports; discover derives symbols and negative dependencies from the files in
them.  Used by commands, which runs the programs.
"""

from __future__ import annotations

import os

from ..light import NamedTuple
from ..toolchain import archive, words
from . import depfile, discover
from .contents import Contents
from .discover import Texts
from .plan import Plan
from .step import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Read(NamedTuple):
    """What the programs of a step reported, and what its command line names."""

    files: list[str]
    """Files that were read, as the program spells them, without the declared inputs."""
    named: list[str]
    """Other files that the command line names."""
    outputs: list[str]
    """Files that were written besides the declared outputs."""
    search: list[str]
    """Folders that were searched for names."""
    searched_names: frozenset[str]
    """Names that were searched for, found or not."""
    symbols: dict[str, str]
    """Values of the symbols that the files and the command line mention."""
    provided: tuple[str, ...]
    """Files of the toolchain, and of plan.configured, that were reported as well."""
    unknown: str
    """Why the list of files may be incomplete; empty if it is complete."""


NOTHING = Read([], [], [], [], frozenset(), {}, (), "")
"""The Read of a command that reports nothing."""


class Reports:
    """Interprets what compilers and assemblers report, for the steps of one plan."""

    def __init__(self, plan: Plan, texts: Texts, contents: Contents) -> None:
        self._plan = plan
        self._texts = texts
        self._contents = contents

    def compilation(
        self,
        step: Step,
        argv: Sequence[str],
        headers: Sequence[str],
        embedded: Sequence[str],
        unknown: str,
    ) -> Read:
        """Return what a compilation read.

        headers: the files in its depfile.  embedded: those of .incbin and .include; unknown: why
        these may not be all, or "".
        """
        plan = self._plan
        # clang reports the absolute paths of files in a precompiled header.
        configured = {*plan.configured, *map(os.path.abspath, plan.configured)}
        toolchain = configured.union(plan.groups[step.group].files)
        files = list(dict.fromkeys([*headers, *embedded]))
        search = words.search_folders(argv)
        if embedded or not plan.configured.issuperset(words.forced_headers(argv)):
            search.append("")
        read = [name for name in files if name not in toolchain]
        texts = [self._texts.of(name) for name in read]
        searched_names = [text.has_include for text in texts]
        if any("__has_" in word for word in argv):
            searched_names.append(frozenset([discover.ANY]))
        # Those that steps make are left out: the command line names the ones it uses.
        precompiled = discover.precompiled(_folders(files, search), self._contents)
        return Read(
            files=[*read, *(name for name in precompiled if name not in plan.steps)],
            named=[],
            outputs=[],
            search=search,
            searched_names=frozenset().union(*searched_names),
            symbols=discover.symbols_of(texts, argv, plan.symbols),
            provided=tuple(name for name in files if name in toolchain),
            unknown=unknown,
        )

    def embedded_by_gas(
        self, step: Step, argv: Sequence[str], headers: Sequence[str], text: str
    ) -> list[str]:
        """Return the embedded files in text, a depfile of GNU as."""
        # It also reports the names in `.file`, the sources for debuggers.
        sources = {os.path.basename(name) for name in [*step.inputs, *headers]}
        prerequisites = depfile.assembler(text)
        if any(word.lstrip("-").startswith("save-temps") for word in argv):
            # The last name is the temporary assembly file, made from the source.
            del prerequisites[-1:]
        return [
            name
            for name in prerequisites
            if not self._is_temporary(name) and os.path.basename(name) not in sources
        ]

    def literal(
        self, step: Step, argv: Sequence[str], texts: Sequence[discover.Facts]
    ) -> tuple[list[str], str]:
        """Return the files that .incbin and .include in texts name, and why these may not be all.

        For assemblers that do not report them: only literal names can be found.  The reason is
        "" if all names are literal.
        """
        folders = ["", *words.search_folders(argv)]
        found = []
        for name in sorted(frozenset().union(*(text.literal for text in texts))):
            places = (os.path.join(folder, name) for folder in folders)
            found += [place for place in places if os.path.isfile(place)][:1]
        if all(text.is_literal for text in texts):
            return found, ""
        source = step.inputs[0]
        return found, f"{source} embeds a file by a name that the compiler does not report"

    def _is_temporary(self, name: str) -> bool:
        """Whether a reported file is a temporary file of the compiler."""
        folder = self._plan.environment.get("TMPDIR", "/tmp")
        return name in ("-", "<stdin>", "{standard input}") or (
            name.startswith(os.path.join(folder, "")) and not os.path.lexists(name)
        )


def link(step: Step, argv: Sequence[str], text: str | None) -> Read:
    """Return what a linker read; text is its dependency file, or None if it wrote none."""
    # GNU ld reports a file that a script INCLUDEs by the name there, without the folder.
    folders = words.search_folders(argv)
    objects = set(step.inputs)
    names = depfile.linker(text or "")
    read = [name if name in objects else _found(name, folders) for name in names]
    archives = [name for name in [*step.inputs, *read] if name.endswith(".a")]
    read += [member for name in archives for member in archive.thin_members(name)]
    libraries = [word[2:] for word in argv if word.startswith("-l")]
    libraries += [os.path.basename(n)[3:-2] for n in read if n.endswith(".a")]
    return NOTHING._replace(
        files=read,
        search=["", *folders],
        searched_names=frozenset(f"lib{name}{end}" for name in libraries for end in (".so", ".a")),
        unknown=f"{step.flags[0]} does not report what it reads" if text is None else "",
    )


def _found(name: str, folders: Sequence[str]) -> str:
    """Return the file that a linker found for a name; the name itself if there is none."""
    places = (name, *(os.path.join(folder, name) for folder in folders))
    return next(filter(os.path.lexists, places), name)


def _folders(files: Sequence[str], search: Sequence[str]) -> list[str]:
    folders = dict.fromkeys([*map(os.path.dirname, files), *search])
    return [f"{folder.rstrip('/') or '.'}/" for folder in folders]
