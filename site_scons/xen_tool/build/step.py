# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""One step of a build: a command, or a Python function, with what it makes and of what."""

from __future__ import annotations

from ..light import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

COMPILE = "compile"
"""A C compiler's command, with a depfile; so is the preprocessing of a linker script."""
LINK = "link"
"""A linker's command, with a dependency file."""


class Step(NamedTuple):
    """What entry points register; paths are as they stand in commands, from the top."""

    name: str
    """As it is printed: CC, LD, CHECK; empty of one that nobody asks for, and few notice."""
    outputs: tuple[str, ...]
    """The files that it makes; the first names the step."""
    inputs: tuple[str, ...]
    """The files that it is given, in order; some are outputs of other steps."""
    action: str
    """COMPILE or LINK, or the name of the function that runs it."""
    flags: Sequence[str] = ()
    """The words of its command up to its files: many steps share one sequence."""
    files: tuple[str, ...] = ()
    """The words behind `-o OUTPUT`; or the arguments of its function."""
    group: str = ""
    """The name of the group of files in the plan that it is made with: its toolchain."""
    symbols: tuple[str, ...] | None = None
    """The symbols whose values count, if they are known; None: those that its inputs mention."""
    after: tuple[str, ...] = ()
    """Files that must be there before, but of which only what it reads counts."""

    @property
    def path(self) -> str:
        """The output that names it."""
        return self.outputs[0]

    @property
    def is_command(self) -> bool:
        """Whether it runs a program."""
        return self.action in (COMPILE, LINK)

    def argv(self, output: str | None = None) -> list[str]:
        """The command that makes its output, or another in its place; [] of a function."""
        if not self.is_command:
            return []
        return [*self.flags, "-o", self.path if output is None else output, *self.files]
