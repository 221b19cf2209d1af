# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""List what an image was made from: steps, and the files that each of them read and made.

The input is a plan and its database; nothing is guessed, and nothing is run.  Files are named as
portable.py says, so an inventory does not depend on the folder of the tree.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..build.commands import needs_gas
from ..build.contents import Contents
from ..build.database import Database
from ..build.discover import Texts
from ..build.plan import Plan
from ..build.record import Record, lines
from ..build.step import COMPILE, Step
from ..errors import XenToolError, unreadable
from ..light import NamedTuple
from .portable import Names
from .toolchain_files import Program, Programs, among

CONFIG_FILE = "/.config"
"""The end of the name of the configuration that a build writes."""
_ASSEMBLERS = ("as", "-as")
_SYMBOL = re.compile(r"^(?:(CONFIG_\w+)=(.*)|# (CONFIG_\w+) is not set)$", re.MULTILINE)


class RecordedStep(NamedTuple):
    """A step of the last build."""

    name: str
    """Its name in the output of the build, such as CC."""
    path: str
    """Its first output."""
    command: tuple[str, ...]
    """Its command line; () if it is a function of this tool."""
    inputs: tuple[str, ...]
    """The files that it read, except files of tools."""
    outputs: tuple[str, ...]
    tools: tuple[str, ...]
    """The programs that it ran and what they load, or the modules of a function."""
    symbols: Mapping[str, str]
    """The values of the configuration symbols that it depends on, by name without CONFIG_."""
    incomplete: str
    """The reason why files that it read may be missing in inputs; "" if none is."""


class Inventory(NamedTuple):
    """All steps of an image, in an order in which they can run, and all their files.

    Files are named as portable.py says.
    """

    image: str
    steps: tuple[RecordedStep, ...]
    digests: Mapping[str, str]
    """SHA-256 of each file, in order of names."""
    made: frozenset[str]
    """The files that steps make."""
    configuration: str
    """The name of the saved configuration that the build wrote; "" if it wrote none."""
    values: Mapping[str, str]
    """Its symbols, as values() returns them."""
    programs: Mapping[str, Program]
    """The programs of toolchains by the names of their files."""


def read(
    plan: Plan,
    database: Database,
    contents: Contents,
    image: str,
    cache: Digests,
    programs: Programs,
) -> Inventory:
    """Return what an up-to-date image was made from.

    The current folder must be the top of the tree, from which image is named.
    Raises XenToolError if a step has no record, or if a file cannot be read.
    """
    steps = []
    texts = Texts()
    for step in plan.closure([image], lambda s: recorded(database, s)):
        # compile_commands.json is written with an image, and is no part of it.
        if not step.name:
            continue
        record = database.get(step.path)
        if record is None:
            raise XenToolError(f"{step.path} has no record of how it was built: build it again")
        steps.append(_recorded_step(plan, database, step, record, texts, programs))
    named = {name for s in steps for name in (*s.inputs, *s.outputs, *s.tools)}
    names = Names(os.getcwd(), plan.folder)
    digests = {names.of(path): cache.of(path, contents.digest(path)) for path in sorted(named)}
    steps = [_renamed(step, names) for step in steps]
    made = frozenset(output for step in steps for output in step.outputs)
    config = next((o for s in steps for o in s.outputs if o.endswith(CONFIG_FILE)), "")
    by_name = {names.of(path): program for path, program in programs.by_path.items()}
    return Inventory(
        names.of(image),
        tuple(steps),
        dict(sorted(digests.items())),
        made,
        config,
        values(names.path(config)) if config else {},
        by_name,
    )


def values(path: str) -> Mapping[str, str]:
    """Return the symbols in a configuration file, CONFIG_NAME, and their values as written there.

    The value is "n" if a symbol is not set.
    Raises XenToolError if the file cannot be read.
    """
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except OSError as error:
        raise unreadable(path, error) from error
    return {one or other: value or "n" for one, value, other in _SYMBOL.findall(text)}


def recorded(database: Database, step: Step) -> Iterator[str]:
    """Yield all files that a step read when it last ran; none if it has no record."""
    record = database.get(step.path)
    if record is not None:
        yield from (path for path, _ in database.rows(record.inputs))
        yield from lines(database.text(record.provided))


def _recorded_step(
    plan: Plan, database: Database, step: Step, record: Record, texts: Texts, programs: Programs
) -> RecordedStep:
    """Return what is recorded of a step, with paths in place of names."""
    rows = [path for path, _ in database.rows(record.inputs) if not path.endswith("/")]
    provided = lines(database.text(record.provided))
    group = [path for path, _ in database.rows(database.text(record.group))]
    pairs = (line.partition("=") for line in lines(record.symbols))
    argv = step.argv()
    return RecordedStep(
        step.name or step.action,
        step.path,
        tuple(argv),
        tuple(dict.fromkeys([*rows, *provided])),
        tuple(path for path, _ in database.rows(record.outputs)),
        tuple(_tools(plan, step, rows, group, texts, programs)),
        {name: value for name, _, value in pairs},
        record.dirty,
    )


def _renamed(step: RecordedStep, names: Names) -> RecordedStep:
    """Return a step with names in place of paths."""
    inputs, outputs, tools = (
        tuple(dict.fromkeys(map(names.of, paths)))
        for paths in (step.inputs, step.outputs, step.tools)
    )
    return step._replace(
        path=names.of(step.path),
        command=tuple(map(names.word, step.command)),
        inputs=inputs,
        outputs=outputs,
        tools=tools,
        incomplete=names.word(step.incomplete),
    )


def _tools(
    plan: Plan,
    step: Step,
    inputs: Sequence[str],
    group: Sequence[str],
    texts: Texts,
    programs: Programs,
) -> Iterator[str]:
    """Yield the files of the programs that a step ran, or of the modules of its function.

    group: the files of its toolchain, or these modules.  Assemblers of the toolchain are left out
    if the compiler assembled by itself.
    """
    if not step.is_command:
        yield from group
        return
    found = plan.groups[step.group]
    assembles = step.action == COMPILE and "-c" in step.flags
    by_gas = assembles and (
        found.gas == "always" or needs_gas(found, [texts.of(name) for name in inputs])
    )
    for path in among(group):
        if by_gas or not os.path.basename(path).endswith(_ASSEMBLERS):
            yield from programs.of(path).loaded


class Digests:
    """Look up the SHA-256 of files; known: those that were used earlier."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self.used: dict[str, str] = {}
        """The SHA-256 that were looked up, by the digest of the same content in the database."""

    def of(self, path: str, content: str) -> str:
        """Return the SHA-256 of a file; content: the digest of its content in the database.

        Raises XenToolError if it is not known, and the file cannot be read.
        """
        found = self._known.get(content)
        if found is None:
            try:
                with open(path, "rb") as file:
                    found = _sha256(iter(lambda: file.read(1 << 20), b""))
            except OSError as error:
                raise unreadable(path, error) from error
        self.used[content] = found
        return found


def _sha256(chunks: Iterable[bytes]) -> str:
    result = hashlib.sha256()
    for chunk in chunks:
        result.update(chunk)
    return result.hexdigest()
