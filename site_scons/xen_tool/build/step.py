# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A build step: a command or a Python function, with its outputs and inputs."""

from __future__ import annotations

from ..light import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

COMPILE = "compile"
"""Action of a compiler command with a depfile; also for preprocessing a linker script."""
LINK = "link"
"""Action of a linker command with a dependency file."""
COMMAND = "command"
"""Action of another command, which depends on its declared inputs only."""


class Step(NamedTuple):
    """A build step; paths are relative to the top, as in its command."""

    name: str
    """The name in the progress output: CC, LD, CHECK; "" for steps that are not shown."""
    outputs: tuple[str, ...]
    """The files that it makes; the first identifies the step."""
    inputs: tuple[str, ...]
    """The declared inputs, in order; some are outputs of other steps."""
    action: str
    """COMPILE, LINK or COMMAND, or the name of the function that runs it."""
    flags: Sequence[str] = ()
    """The words of its command before its files; many steps share one sequence."""
    files: tuple[str, ...] = ()
    """The words after `-o OUTPUT`; or the arguments of its function."""
    group: str = ""
    """The name of its toolchain: a group of files in the plan."""
    symbols: tuple[str, ...] | None = None
    """The symbols that it depends on; None: those that the files it reads mention."""
    after: tuple[str, ...] = ()
    """Files that must exist before it runs; they are dependencies only if it reads them."""

    @property
    def path(self) -> str:
        """The first output."""
        return self.outputs[0]

    @property
    def is_command(self) -> bool:
        """Whether it is a command, not a function."""
        return self.action in (COMPILE, LINK, COMMAND)

    def argv(self, output: str | None = None) -> list[str]:
        """Return the command, with another output if one is given; [] for a function."""
        if not self.is_command:
            return []
        return [*self.flags, "-o", self.path if output is None else output, *self.files]
