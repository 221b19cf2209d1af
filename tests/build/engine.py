# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A small tree with a plan, built in this process as entry points do."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from xen_tool.build.contents import changed_since, clock
from xen_tool.build.executor import Progress
from xen_tool.build.plan import Group, Plan
from xen_tool.build.runner import RunResult
from xen_tool.build.session import Session
from xen_tool.build.slots import Slots
from xen_tool.build.step import COMPILE, LINK, Step

if TYPE_CHECKING:
    from xen_tool.build.executor import Function


class Shown(Progress):
    """The progress messages of a build, by output, and its result."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.output: dict[str, bytes] = {}
        self.errors: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        self.result = RunResult([], 0)

    def begin(self, step: Step) -> None:
        self.begun.append(step.path)

    def end(self, step: Step, output: bytes, error: str) -> None:
        self.ended.append(step.path)
        self.output[step.path] = output
        if error:
            self.errors[step.path] = error

    def note(self, step: Step, reason: str) -> None:
        self.notes[step.path] = reason

    @property
    def failed(self) -> list[str]:
        """Return the outputs whose steps failed."""
        return [failure.step.path for failure in self.result.failures]


class Engine:
    """Steps in the current folder, which make files in the folder out."""

    def __init__(self, gcc: str) -> None:
        self.plan = Plan("out")
        self.plan.environment = {"PATH": os.environ["PATH"]}
        self.plan.group("cc", Group((gcc,), gas="always"))
        self.plan.group("script", Group(()))
        self.functions: dict[str, Function] = {}
        self._gcc = gcc
        self._flags: dict[tuple[str, ...], tuple[str, ...]] = {}

    def compile(self, name: str, *options: str) -> str:
        """Add a step that compiles NAME.c to out/NAME.o; return the object."""
        output, source = f"out/{name}.o", f"{name}.c"
        flags = (self._gcc, "-c", *options)
        flags = self._flags.setdefault(flags, flags)
        self.plan.add(Step("CC", (output,), (source,), COMPILE, flags, (source,), "cc"))
        return output

    def script(self, output: str, program: str, *inputs: str) -> str:
        """Add a step that runs a shell script; in it $out is the output, and "$@" the inputs."""
        path = Path(f"{output.replace('/', '_')}.sh")
        start = 'while [ "$1" != -o ]; do shift; done; out=$2; shift 2\n'
        path.write_text(f"#!/bin/sh\n{start}{program}\n")
        path.chmod(0o755)
        flags = (str(path.absolute()),)
        self.plan.add(Step("SH", (output,), inputs, COMPILE, flags, inputs, "script", ()))
        return output

    def function(
        self, output: str, inputs: Iterable[str], run: Function, *, after: Iterable[str] = ()
    ) -> str:
        """Add a step that calls a function in this process; after: files that must exist before."""
        self.functions[output] = run
        step = Step("FN", (output,), tuple(inputs), output, symbols=(), after=tuple(after))
        self.plan.add(step)
        return output

    def joined(self, output: str, *inputs: str, after: Iterable[str] = ()) -> str:
        """Add a step whose function concatenates its inputs."""

        def run(step: Step) -> None:
            Path(output).write_bytes(b"".join(Path(name).read_bytes() for name in step.inputs))

        return self.function(output, inputs, run, after=after)

    def link(self, output: str, linker: str, *inputs: str) -> str:
        """Add a step that links objects to one object."""
        self.plan.group("ld", Group((linker,)))
        self.plan.add(Step("LD", (output,), inputs, LINK, (linker, "-r"), inputs, "ld"))
        return output

    def build(
        self, *paths: str, jobs: int = 1, keep_going: bool = False, signals: int = -1
    ) -> Shown:
        """Build the paths in a new session, once the clock is later than the last edit."""
        write("probe")
        while changed_since(os.stat("probe"), clock()):
            time.sleep(0.001)
        shown = Shown()
        session = Session(self.plan, self.functions, {}, shown)
        try:
            shown.result = session.build(
                paths, slots=Slots(jobs), keep_going=keep_going, signals=signals
            )
        finally:
            session.close()
        return shown


def write(path: str, text: str = "") -> None:
    """Write a file of the tree."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
