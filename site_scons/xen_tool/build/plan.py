# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The plan of a build directory: its steps, and the values that they depend on."""

from __future__ import annotations

from ..errors import XenToolError
from ..light import NamedTuple
from ..toolchain.words import LAUNCHER_SETTINGS
from .step import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


CACHE_LIMIT = 1 << 30
"""The default limit of a cache of objects, in bytes."""


class Group(NamedTuple):
    """Files by which steps are made: a toolchain, or modules of this tool."""

    files: tuple[str, ...]
    gas: str = ""
    """When GNU as assembles for a compiler: "always", "where needed" (clang), or "" (never)."""
    launcher: tuple[str, ...] = ()
    """The words of a compiler launcher (ccache), which may begin a command."""

    def launches(self, flags: Sequence[str]) -> bool:
        """Whether a command begins with the launcher."""
        return bool(self.launcher) and tuple(flags[: len(self.launcher)]) == self.launcher

    def without_launcher(self, flags: Sequence[str]) -> Sequence[str]:
        """Return a command, or its start, without the launcher."""
        return flags[len(self.launcher) :] if self.launches(flags) else flags


class Plan:
    """Steps by each of their outputs; filled by entry points, read by the judge and the runner.

    folder is the build directory.  symbols has the values of configuration symbols by name,
    without CONFIG_.  configured are the files that hold all of these values: a step that
    reads one depends on the symbols that it mentions, not on the whole file.  cache is a folder of
    objects that other builds made (cache.py), of at most cache_limit bytes; "" is none.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.symbols: Mapping[str, str] = {}
        self.configured: frozenset[str] = frozenset()
        self.groups: dict[str, Group] = {}
        self.environment: dict[str, str] = {}
        """The environment of every command."""
        self.cache = ""
        self.cache_limit = 0
        self.steps: dict[str, Step] = {}

    def group(self, name: str, group: Group) -> str:
        """Add a group; return its name, which is extended if another group has it."""
        while self.groups.setdefault(name, group) != group:
            name += "'"
        return name

    def launcher_settings(self, step: Step) -> list[str]:
        """Return the environment variables of the launcher of a step, as NAME=value."""
        group = self.groups.get(step.group)
        if group is None or not group.launches(step.flags):
            return []
        variables = self.environment.items()
        return [
            f"{name}={value}" for name, value in variables if name.startswith(LAUNCHER_SETTINGS)
        ]

    def add(self, step: Step) -> None:
        """Add a step.

        Raises XenToolError if a different step makes one of its outputs.
        """
        for output in step.outputs:
            other = self.steps.get(output)
            if other is not None and other != step:
                raise XenToolError(_two_ways(output, other, step))
            self.steps[output] = step

    def closure(
        self, paths: Iterable[str], read: Callable[[Step], Iterable[str]] = lambda step: ()
    ) -> Iterator[Step]:
        """Yield all steps by which files are made, each once, in an order in which they can run.

        paths: the files.  read returns what a step is known to read besides its inputs.
        """
        seen: set[str] = set()
        # A step is on the stack twice: before its inputs, and after them.
        stack = [(path, False) for path in reversed(list(paths)) if path in self.steps]
        while stack:
            path, inputs_done = stack.pop()
            step = self.steps[path]
            if inputs_done:
                yield step
            elif step.path not in seen:
                seen.add(step.path)
                stack.append((path, True))
                names = (*step.inputs, *step.after, *read(step))
                stack += [(name, False) for name in reversed(names) if name in self.steps]


def _two_ways(output: str, one: Step, other: Step) -> str:
    import shlex

    ways = (shlex.join(step.argv()) or step.name for step in (one, other))
    return f"{output} would be made in two ways: {', and '.join(ways)}"
