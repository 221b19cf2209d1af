# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run the commands of a step so that they report what they read, for reports.py to interpret.

A program writes into a temporary folder beside the output (part.py).  Its files are moved
into place once all commands of the step have succeeded, so no output is ever half-written.
An output that would contain the path of that folder is written in place instead.
A run is a generator: it yields one command line after another, is sent how each command
ended, and returns a Read; it raises CommandError if a command failed.  Used by the executor.
"""

from __future__ import annotations

import itertools
import os

from ..errors import XenToolError
from ..files import remove
from ..light import NamedTuple
from ..toolchain import words
from . import depfile, discover
from .contents import Contents, stamp
from .discover import Texts
from .part import OURS, Parts, as_if_in_place, beside, move
from .plan import Group, Plan
from .reports import NOTHING, Read, Reports, link
from .spawn import Ended
from .step import COMMAND, COMPILE, LINK, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    Run = Generator[list[str], Ended, Read]

LONGEST = 100_000
"""Longest command line in bytes; Linux allows 128 KiB for one word and 2 MiB in all."""
_COLOUR = "-fdiagnostics-color"
_NAMES_OTHERS = (
    *("-gsplit-dwarf", "--coverage", "-coverage"),
    *("-fprofile-arcs", "-ftest-coverage", "-fprofile-generate"),
)
"""Options with which an object contains the path of a file beside it (.dwo, .gcda)."""


class CommandError(Exception):
    """A command of a step failed."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status
        """Its exit status, or the negative number of the signal that ended it."""


class _Job(NamedTuple):
    """A step whose commands run, and where they write."""

    step: Step
    argv: list[str]
    """The words of its command, each @FILE followed by the words in that file."""
    known: Sequence[str]
    """The files that it read in its last run."""
    part: str
    """The temporary folder."""
    output: str
    """The file that the program writes: in the temporary folder, or in its final place."""

    def report(self, suffix: str = "") -> str:
        """Return a path in the temporary folder for what a program reports."""
        return os.path.join(self.part, f"{OURS}{suffix}")


class Commands:
    """Runs the commands of the steps of one plan."""

    def __init__(self, plan: Plan, texts: Texts, contents: Contents, *, colours: bool) -> None:
        self._plan = plan
        self._texts = texts
        self._reports = Reports(plan, texts, contents)
        self._colours = colours
        self._parts = Parts()
        self._runs = {COMPILE: self._compile, LINK: self._link, COMMAND: self._other}

    def run(self, step: Step, known: Sequence[str]) -> Run:
        """Yield the commands of a step, and return what it read.

        known: the files that it read in its last run.
        Raises CommandError if a command failed, XenToolError if it made no output, or OSError.
        """
        output = step.path
        part = self._parts.make(output)
        try:
            argv = words.flatten(step.argv())
            declared = {*step.inputs, *step.outputs, *self._plan.configured}
            # The words before the first option are programs, whose contents the group has.
            options = itertools.dropwhile(lambda word: not word.startswith("-"), argv)
            undeclared = [word for word in options if word not in declared]
            named = _stamps(undeclared)
            before: dict[str, str] = {}
            in_place = step.action == COMPILE and any(w.startswith(_NAMES_OTHERS) for w in argv)
            if in_place:
                remove(output)
                before = beside(output)
            written = output if in_place else os.path.join(part, os.path.basename(output))
            read = yield from self._runs[step.action](_Job(step, argv, known, part, written))
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

    def _compile(self, job: _Job) -> Run:
        """Compile, with a depfile; let GNU as assemble where only that reports embedded files."""
        step, group = job.step, self._plan.groups[job.step.group]
        deps, deps_of_as = job.report(), job.report(".as")
        assembles = "-c" in job.argv
        always = group.gas == "always" and not group.launcher
        # With clang, the text of the sources decides whether GNU as assembles them.
        before = () if always else self._texts.all_of([*step.inputs, *job.known])
        by_gas = assembles and (always or needs_gas(group, before))
        target: list[str] = []
        options = ["-MD", "-MF", deps, "-MT", "x"]
        if any(map(words.asks_for_depfile, job.argv)):
            # A second -MF would replace the one of the user.
            flags = words.without_depfiles(group.without_launcher(step.flags))
            report = [*(word for word in flags if word != "-c"), "-M", "-MF", deps, "-MT", "x"]
            _check((yield _fitting([*report, "-o", os.devnull], step.files, job.part)))
            if not any(word.startswith(("-MT", "-MQ")) for word in job.argv):
                # The depfile of the user names the output in its final place.
                target = ["-MQ", step.path]
            options = list(target)
        if self._colours and not any(word.startswith(_COLOUR) for word in job.argv):
            options.append(f"{_COLOUR}=always")
        options += _gas(group, by_gas, deps_of_as)
        _check((yield self._argv(job, options, by_gas=by_gas)))
        headers = depfile.compiler(_text(deps))
        texts = self._texts.all_of([*step.inputs, *headers])
        if assembles and not by_gas and needs_gas(group, texts):
            by_gas = True
            options = [*target, *_gas(group, by_gas, deps_of_as)]
            _check((yield self._argv(job, options, by_gas=by_gas)))
        embeds = assembles and any(text.embeds for text in texts)
        if embeds and by_gas and any(word.startswith("-flto") for word in job.argv):
            # With LTO the linker assembles, and reports no embedded files.
            partial = job.report(".o")
            options = [*target, "-fno-lto", *_gas(group, by_gas, deps_of_as)]
            _check((yield self._argv(job._replace(output=partial), options, by_gas=by_gas)))
            os.unlink(partial)
        unknown = ""
        if by_gas:
            embedded = self._reports.embedded_by_gas(step, job.argv, headers, _text(deps_of_as))
        else:
            embedded, unknown = self._reports.literal(step, job.argv, texts if embeds else ())
        return self._reports.compilation(step, job.argv, headers, embedded, unknown)

    def _link(self, job: _Job) -> Run:
        """Link, with a dependency file if the linker can write one."""
        step, deps = job.step, job.report()
        ended = yield self._argv(job, [f"--dependency-file={deps}"])
        if ended.status != 0 and b"dependency-file" in ended.output:
            # This linker does not know the option.
            ended = yield self._argv(job, [])
        _check(ended)
        reports = os.path.exists(deps)
        text = _text(deps)
        for name in words.dependency_files(job.argv):
            # A linker writes only the last dependency file that it is given: ours.
            with open(name, "wb") as file:
                file.write(as_if_in_place(os.fsencode(text), step.path))
        return link(step, job.argv, text if reports else None)

    def _other(self, job: _Job) -> Run:
        """Run a command that reports nothing."""
        _check((yield self._argv(job, [])))
        return NOTHING

    def _argv(self, job: _Job, options: Sequence[str], *, by_gas: bool = False) -> list[str]:
        """Return the command of a step with further options."""
        flags = job.step.flags
        if by_gas:
            # A launcher would not see the files that the assembler reads, nor its report.
            flags = self._plan.groups[job.step.group].without_launcher(flags)
        return _fitting([*flags, *options, "-o", job.output], job.step.files, job.part)


def _check(ended: Ended) -> None:
    """Raise CommandError if a command failed."""
    if ended.status != 0:
        raise CommandError(ended.status)


def needs_gas(group: Group, texts: Iterable[discover.Facts]) -> bool:
    """Whether GNU as has to assemble, without a launcher, so that embedded files are reported."""
    can = group.gas == "where needed" or (group.gas and group.launcher)
    return bool(can) and any(text.embeds for text in texts)


def integrated(group: Group, by_gas: bool) -> list[str]:
    """Return the option by which clang leaves assembling to GNU as; [] if it is not needed."""
    return ["-fno-integrated-as"] if by_gas and group.gas == "where needed" else []


def _gas(group: Group, by_gas: bool, deps: str) -> list[str]:
    """Return the options that make GNU as write what it reads to deps; [] if not by_gas."""
    if not by_gas:
        return []
    return [*integrated(group, by_gas), "-Xassembler", f"--MD={deps}"]


def _fitting(start: list[str], files: Sequence[str], part: str) -> list[str]:
    """Return a command line, with the files in a response file in part if it is too long."""
    if sum(map(len, start)) + sum(map(len, files)) < LONGEST:
        return [*start, *files]
    path = os.path.join(part, f"{OURS}.rsp")
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(words.quote(files))
    return [*start, f"@{path}"]


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
    """Return the stamp of each existing file that a command line names."""
    return {name: stamp(os.stat(name)) for name in words.files(argv)}
