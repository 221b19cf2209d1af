# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write plans as a build.ninja, so that ninja runs the commands.

The commands are those of a build by SCons, with options for a depfile.  shortcut/one_step.py runs
the steps that are Python functions, from a stored plan.  SCons makes the files of other builders,
and build.ninja itself.  Used by scons/targets/ninja.py.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..errors import XenToolError
from ..toolchain import words
from .commands import LONGEST, integrated, needs_gas
from .discover import Texts
from .plan import Plan
from .step import COMPILE, Step

FILE = "build.ninja"
"""The name that ninja looks for."""
_HEAD = """\
# Made by xen_tool: `scons build.ninja`; edits are lost.
#
# ninja builds the same bytes as scons, but does not notice everything that scons does.
# It does not notice:
#   - a change of contents that leaves a file's time as it was, or sets it back
#   - that contents are as before: what was only touched is made again
#   - which CONFIG_ symbols a source mentions: after a change of one all is compiled
#   - a new header where one was looked for before, or asked for by __has_include
#   - files that .incbin and .include name, and INCLUDE in a linker script; libraries of -l
#   - other compilers, assemblers and linkers of the same name
#   - new files that SConscripts would find, and the first .config: type `scons build.ninja`
#   - what a SConscript asks by Depends(), AddPostAction() and the like of a step's file
#   - outputs that something else has written, or that a killed run left half-written
# What reads a file with a quote or the like in its name is made again every time.
# Neither knows what the other has built: used in turn, each makes again what the other made
# of a change.  No two of them may build in one folder at the same time.

ninja_required_version = 1.7
"""


class Manifest(NamedTuple):
    """The contents of a build.ninja."""

    plans: Mapping[str, Plan]
    """The plans by the files in which they are stored."""
    defaults: Sequence[str]
    """The files that ninja makes without arguments."""
    others: Mapping[str, Sequence[str]]
    """Files of other builders of SCons, with their sources."""
    before: Callable[[Step], Iterable[str]]
    """The files of other builders that must exist before a step runs."""
    read: Callable[[Step], Iterable[str]]
    """The files that a step read in its last run, as far as they are known."""
    scons: Sequence[str]
    """The command line of SCons, to which targets are appended."""
    made_of: Sequence[str]
    """The files that SCons reads to write build.ninja."""
    one_step: Sequence[str]
    """The command that makes an output of a plan; the plan's file and the output are appended."""


def text(manifest: Manifest) -> str:
    """Return the text of a build.ninja.

    Raises XenToolError for a file name that ninja cannot take.
    """
    parts = [_HEAD, f"builddir = {_value(next(iter(manifest.plans.values())).folder)}\n"]
    parts += _by_scons(manifest)
    for file, plan in manifest.plans.items():
        parts += _steps(manifest, file, plan)
    if manifest.defaults:
        parts.append(f"default {_paths(manifest.defaults)}\n")
    return "".join(f"{part}\n" for part in parts)


def _by_scons(manifest: Manifest) -> Iterator[str]:
    # Two SCons at once would write the same signature database.
    yield "pool scons\n  depth = 1\n"
    again = [*manifest.scons, FILE]
    yield _rule("again", again, f"SCONS {FILE}", "generator = 1", "pool = scons")
    yield _rule("scons", manifest.scons, "SCONS $out", "restat = 1", "pool = scons", more="$out")
    yield f"build {_paths([FILE])} | {_paths(manifest.plans)}: again {_paths(manifest.made_of)}"
    # A missing one is no error for ninja: SCons runs and reports it.
    yield f"build {_paths(manifest.made_of)}: phony\n"
    for path, inputs in manifest.others.items():
        yield f"build {_paths([path])}: scons {_paths(inputs)}"


def _steps(manifest: Manifest, file: str, plan: Plan) -> Iterator[str]:
    number = list(manifest.plans).index(file)
    environment = ["env", "-i", *(f"{name}={value}" for name, value in plan.environment.items())]
    yield f"environment{number} = {_command(environment)}\n"
    yield _rule(
        f"step{number}", [*manifest.one_step, file], "$name $out", "restat = 1", more="$out"
    )
    rules: dict[tuple[int, bool], str] = {}
    texts = Texts()
    for step in {id(step): step for step in plan.steps.values()}.values():
        order = [*step.after, *manifest.before(step)]
        behind = f" || {_paths(order)}" if order else ""
        if not step.is_command:
            group = plan.groups[step.group].files if step.group else ()
            inputs = f"{_paths(step.inputs)} | {_paths([file, *group])}{behind}"
            yield f"build {_paths(step.outputs)}: step{number} {inputs}"
            yield f"  name = {step.name or step.action.upper()}\n"
            continue
        facts = (texts.of(name) for name in (*step.inputs, *manifest.read(step)))
        by_gas = "-c" in step.flags and needs_gas(plan.groups[step.group], facts)
        key = id(step.flags), by_gas
        if key not in rules:
            rules[key] = f"{step.name.lower()}{number}-{len(rules)}"
            yield _command_rule(rules[key], number, plan, step, by_gas)
        yield f"build {_paths(step.outputs)}: {rules[key]} {_paths(step.inputs)}{behind}"
        yield f"  files = {_command(step.files)}\n"


def _command_rule(name: str, number: int, plan: Plan, step: Step, by_gas: bool) -> str:
    flags = list(step.flags)
    depfile = ""
    settings = []
    if step.action == COMPILE:
        group = plan.groups[step.group]
        flags = [*words.without_depfiles(flags), *integrated(group, by_gas)]
        if by_gas:
            flags = list(group.without_launcher(flags))
        depfile = "-MD -MF $out.d "
        settings = ["depfile = $out.d", "deps = gcc"]
    files = "$files"
    if sum(map(len, (*flags, *step.files))) >= LONGEST:
        files = "@$out.rsp"
        settings += ["rspfile = $out.rsp", "rspfile_content = $files"]
    lines = [
        f"rule {name}",
        f"  command = $environment{number} {_command(flags)} {depfile}-o $out {files}",
        f"  description = {step.name} $out",
        *(f"  {setting}" for setting in settings),
    ]
    return "\n".join(lines) + "\n"


def _rule(name: str, command: Sequence[str], shown: str, *settings: str, more: str = "") -> str:
    lines = [f"rule {name}", f"  command = {_command(command)} {more}", f"  description = {shown}"]
    return "\n".join([*lines, *(f"  {setting}" for setting in settings)]) + "\n"


def _command(command: Iterable[str]) -> str:
    """Quote the words of a command for the shell and for ninja."""
    return _value(shlex.join(command))


def _value(text: str) -> str:
    if "\n" in text:
        raise XenToolError(f"{text!r}: no {FILE} can hold a line break")
    return text.replace("$", "$$")


def _paths(paths: Iterable[str]) -> str:
    return " ".join(map(_path, paths))


def _path(path: str) -> str:
    if "|" in path or "\n" in path:
        raise XenToolError(f"{path!r}: no {FILE} can hold such a name; rename it")
    return path.replace("$", "$$").replace(" ", "$ ").replace(":", "$:")
