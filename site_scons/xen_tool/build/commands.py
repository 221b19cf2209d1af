# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run the commands of a step so that they report what they read.

A program writes into a temporary folder beside the output (see part).  Its files are moved
into place once all commands of the step have succeeded, so no output is ever half-written.
If the output would contain the path of that folder, it is written in place instead.
A run is a generator: it yields one command line after another, is sent how each command
ended, and returns a Read, or None if a command failed.  Used by the executor.
"""

from __future__ import annotations

import itertools
import os

from ..errors import XenToolError
from ..files import remove
from ..light import NamedTuple
from ..toolchain import archive, words
from . import depfile, discover
from .contents import Contents, stamp
from .discover import Texts
from .part import OURS, Parts, as_if_in_place, beside, move
from .plan import Group, Plan
from .spawn import Ended
from .step import COMMAND, COMPILE, LINK, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    Run = Generator[list[str], Ended, "Read | None"]

LONGEST = 100_000
"""Longest command line in bytes; Linux allows 128 KiB for one word and 2 MiB in all."""
_COLOUR = "-fdiagnostics-color"
_NAMES_OTHERS = (
    *("-gsplit-dwarf", "--coverage", "-coverage"),
    *("-fprofile-arcs", "-ftest-coverage", "-fprofile-generate"),
)
"""Options with which an object contains the path of a file beside it (.dwo, .gcda)."""


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
    asked: frozenset[str]
    """Names that were searched for, found or not."""
    symbols: dict[str, str]
    provided: tuple[str, ...]
    """Files of the toolchain, and configured ones, that were reported as well."""
    unknown: str
    """Why the list of files may be incomplete; empty if it is complete."""


class Commands:
    """Runs the commands of the steps of one plan."""

    def __init__(self, plan: Plan, texts: Texts, contents: Contents, *, colours: bool) -> None:
        self._plan = plan
        self._texts = texts
        self._contents = contents
        self._colours = colours
        self._parts = Parts()
        self._runs = {COMPILE: self._compile, LINK: self._link, COMMAND: self._other}

    def run(self, step: Step, known: Sequence[str]) -> Run:
        """Yield the commands of a step; known are the files that it read in its last run."""
        output = step.path
        part = self._parts.make(output)
        try:
            argv = words.flatten(step.argv())
            declared = {*step.inputs, *step.outputs, *self._plan.configured}
            # The programs before the first option are compared as the toolchain.
            options = itertools.dropwhile(lambda word: not word.startswith("-"), argv)
            undeclared = [word for word in options if word not in declared]
            named = _stamps(undeclared)
            written = os.path.join(part, os.path.basename(output))
            before: dict[str, str] = {}
            in_place = step.action == COMPILE and any(w.startswith(_NAMES_OTHERS) for w in argv)
            if in_place:
                written = output
                remove(output)
                before = beside(output)
            read = yield from self._runs[step.action](step, part, written, argv, known)
            if read is None:
                return None
            if not os.path.lexists(written):
                raise XenToolError(f"{step.flags[0]} made no {output}")
            made = move(part, output)
            if in_place:
                now = {n: s for n, s in beside(output).items() if n not in self._plan.steps}
                made += [name for name in now if before.get(name) != now[name]]
            changed = {n for n, s in _stamps(undeclared).items() if named.get(n) != s}
            return read._replace(
                files=[name for name in dict.fromkeys(read.files) if name not in declared],
                named=[name for name in named if name not in changed],
                outputs=[*made, *sorted(changed)],
            )
        finally:
            self._parts.give_back(part)

    def close(self) -> None:
        """Remove the temporary folders of steps that have ended."""
        self._parts.remove()

    def _compile(
        self, step: Step, part: str, output: str, argv: list[str], known: Sequence[str]
    ) -> Run:
        plan = self._plan
        group = plan.groups[step.group]
        deps, deps_of_as = os.path.join(part, OURS), os.path.join(part, f"{OURS}.as")
        assembles = "-c" in argv
        always = group.gas == "always" and not group.launcher
        # With clang, the text of the sources decides whether GNU as assembles them.
        before = () if always else self._texts.all_of([*step.inputs, *known])
        by_gas = assembles and (always or needs_gas(group, before))
        target_options: list[str] = []
        report_words = ["-MD", "-MF", deps, "-MT", "x"]
        if any(map(words.asks_for_depfile, argv)):
            # A second -MF would replace the one of the user.
            flags = words.without_depfiles(group.without_launcher(step.flags))
            report = [word for word in flags if word != "-c"]
            report += ["-M", "-MF", deps, "-MT", "x"]
            ended = yield _fitting([*report, "-o", os.devnull], step.files, part)
            if ended.status != 0:
                return None
            if not any(word.startswith(("-MT", "-MQ")) for word in argv):
                # The depfile of the user names the output in its final place.
                target_options = ["-MQ", step.path]
            report_words = list(target_options)
        if self._colours and not any(word.startswith(_COLOUR) for word in argv):
            report_words.append(f"{_COLOUR}=always")
        extra = [*report_words, *_gas(group, by_gas, deps_of_as)]
        ended = yield self._argv(step, output, part, extra, by_gas)
        if ended.status != 0:
            return None
        read = depfile.compiler(_text(deps))
        texts = self._texts.all_of([*step.inputs, *read])
        if assembles and not by_gas and needs_gas(group, texts):
            by_gas = True
            extra = [*target_options, *_gas(group, by_gas, deps_of_as)]
            ended = yield self._argv(step, output, part, extra, by_gas)
            if ended.status != 0:
                return None
        embeds = assembles and any(text.embeds for text in texts)
        if embeds and by_gas and any(word.startswith("-flto") for word in argv):
            # With LTO it is assembled at the link, which reports no files.
            partial = os.path.join(part, f"{OURS}.o")
            extra = [*target_options, "-fno-lto", *_gas(group, by_gas, deps_of_as)]
            ended = yield self._argv(step, partial, part, extra, by_gas)
            if ended.status != 0:
                return None
            os.unlink(partial)
        unknown = ""
        if by_gas:
            # GNU as also reports the names in `.file`, the sources for debuggers.
            sources = {os.path.basename(name) for name in [*step.inputs, *read]}
            prerequisites = depfile.assembler(_text(deps_of_as))
            if any(word.lstrip("-").startswith("save-temps") for word in argv):
                # The last name is the temporary assembly file, made from the source.
                del prerequisites[-1:]
            embedded = [
                name
                for name in prerequisites
                if not self._is_temporary(name) and os.path.basename(name) not in sources
            ]
        else:
            embedded, unknown = self._literal(step, texts if embeds else (), argv)
        # clang reports the absolute paths of files in a precompiled header.
        configured = {*plan.configured, *map(os.path.abspath, plan.configured)}
        toolchain = configured.union(group.files)
        files = list(dict.fromkeys([*read, *embedded]))
        search = words.search_folders(argv)
        if embedded or not plan.configured.issuperset(words.forced_headers(argv)):
            search.append("")
        read_files = [name for name in files if name not in toolchain]
        mentioning = [self._texts.of(name) for name in read_files]
        asked = [text.asked for text in mentioning]
        if any("__has_" in word for word in argv):
            asked.append(frozenset([discover.ANY]))
        # The command line names the precompiled headers that steps make.
        found = discover.precompiled(_folders(files, search), self._contents)
        return Read(
            files=[*read_files, *(name for name in found if name not in plan.steps)],
            named=[],
            outputs=[],
            search=search,
            asked=frozenset().union(*asked),
            symbols=discover.symbols_of(mentioning, argv, plan.symbols),
            provided=tuple(name for name in files if name in toolchain),
            unknown=unknown,
        )

    def _literal(
        self, step: Step, texts: Sequence[discover.Facts], argv: Sequence[str]
    ) -> tuple[list[str], str]:
        """Return the files that .incbin and .include name, and why these may not be all.

        For assemblers that do not report them: only literal names can be found.
        """
        folders = ["", *words.search_folders(argv)]
        found = []
        for name in sorted(frozenset().union(*(text.literal for text in texts))):
            places = (os.path.join(folder, name) for folder in folders)
            found += [place for place in places if os.path.isfile(place)][:1]
        if all(text.is_literal for text in texts):
            return found, ""
        return found, f"{step.inputs[0]} embeds a file by a name that the compiler does not report"

    def _is_temporary(self, name: str) -> bool:
        """Whether a reported file is a temporary file of the compiler."""
        folder = self._plan.environment.get("TMPDIR", "/tmp")
        return name in ("-", "<stdin>", "{standard input}") or (
            name.startswith(os.path.join(folder, "")) and not os.path.lexists(name)
        )

    def _link(
        self, step: Step, part: str, output: str, argv: list[str], known: Sequence[str]
    ) -> Run:
        deps = os.path.join(part, OURS)
        ended = yield self._argv(step, output, part, [f"--dependency-file={deps}"])
        if ended.status != 0 and b"dependency-file" in ended.output:
            # This linker does not know the option.
            ended = yield self._argv(step, output, part, [])
        if ended.status != 0:
            return None
        reports = os.path.exists(deps)
        unknown = "" if reports else f"{step.flags[0]} does not report what it reads"
        folders = words.search_folders(argv)
        # GNU ld reports a file that a script INCLUDEs by the name there, without the folder.
        text = _text(deps)
        for name in words.dependency_files(argv):
            # A linker writes only the last dependency file that it is given: ours.
            with open(name, "wb") as file:
                file.write(as_if_in_place(os.fsencode(text), step.path))
        objects = set(step.inputs)
        read = [name if name in objects else _found(name, folders) for name in depfile.linker(text)]
        archives = [name for name in [*step.inputs, *read] if name.endswith(".a")]
        read += [member for name in archives for member in archive.thin_members(name)]
        libraries = [word[2:] for word in argv if word.startswith("-l")]
        libraries += [os.path.basename(n)[3:-2] for n in read if n.endswith(".a")]
        return Read(
            files=read,
            named=[],
            outputs=[],
            search=["", *folders],
            asked=frozenset(f"lib{name}{end}" for name in libraries for end in (".so", ".a")),
            symbols={},
            provided=(),
            unknown=unknown,
        )

    def _other(
        self, step: Step, part: str, output: str, argv: list[str], known: Sequence[str]
    ) -> Run:
        ended = yield self._argv(step, output, part, [])
        return None if ended.status != 0 else Read([], [], [], [], frozenset(), {}, (), "")

    def _argv(
        self, step: Step, output: str, part: str, extra: Sequence[str], by_gas: bool = False
    ) -> list[str]:
        flags = _flags(self._plan.groups.get(step.group), step, by_gas)
        return _fitting([*flags, *extra, "-o", output], step.files, part)


def needs_gas(group: Group, texts: Iterable[discover.Facts]) -> bool:
    """Whether GNU as has to assemble, as the compiler would not report embedded files."""
    can = group.gas == "where needed" or (group.gas and group.launcher)
    return bool(can) and any(text.embeds for text in texts)


def _flags(group: Group | None, step: Step, by_gas: bool) -> Sequence[str]:
    """Return the flags of a step, without a launcher if GNU as assembles.

    A launcher would not see the files that the assembler reads, nor its report.
    """
    return group.without_launcher(step.flags) if group and by_gas else step.flags


def integrated(group: Group, by_gas: bool) -> list[str]:
    """Return the option that keeps clang from assembling, if GNU as has to."""
    return ["-fno-integrated-as"] if by_gas and group.gas == "where needed" else []


def _gas(group: Group, by_gas: bool, deps: str) -> list[str]:
    """Return the options that make GNU as report what it reads."""
    if not by_gas:
        return []
    return [*integrated(group, by_gas), "-Xassembler", f"--MD={deps}"]


def _fitting(start: list[str], files: Sequence[str], part: str) -> list[str]:
    """Return a command line, with the files in a response file if it would be too long."""
    if sum(map(len, start)) + sum(map(len, files)) < LONGEST:
        return [*start, *files]
    path = os.path.join(part, f"{OURS}.rsp")
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(words.quote(files))
    return [*start, f"@{path}"]


def _found(name: str, folders: Sequence[str]) -> str:
    """Return the file that a linker found for a name."""
    places = (name, *(os.path.join(folder, name) for folder in folders))
    return next(filter(os.path.lexists, places), name)


def _text(path: str) -> str:
    """Read a file and remove it; "" if it does not exist."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            text = file.read()
        os.unlink(path)
    except FileNotFoundError:
        return ""
    return text


def _stamps(argv: Sequence[str]) -> Mapping[str, str]:
    """Return the stamps of the files that words of a command line name."""
    return {name: stamp(os.stat(name)) for name in words.files(argv)}


def _folders(files: Sequence[str], search: Sequence[str]) -> list[str]:
    folders = dict.fromkeys([*map(os.path.dirname, files), *search])
    return [f"{folder.rstrip('/') or '.'}/" for folder in folders]
