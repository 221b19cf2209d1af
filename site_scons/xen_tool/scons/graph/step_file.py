# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The node class for files that steps of a plan make."""

from __future__ import annotations

from typing import Any

from SCons.Node import executed
from SCons.Node.FS import File
from SCons.Script import GetOption


class StepFile(File):  # type: ignore[misc]
    """A file that a step of a plan makes."""

    __slots__ = ()

    def is_up_to_date(self) -> bool:
        """Whether no step for the file is dirty; if it is special, SCons must agree."""
        graph = self.attributes.xen_graph
        return graph.is_clean(self) and (not is_special(self) or bool(super().is_up_to_date()))

    def get_csig(self) -> str:
        """Return the signature that dependents compare; with -n, a new one if it would be made."""
        if GetOption("no_exec") and self.get_state() == executed:
            return "made"
        return str(super().get_csig())

    def explain(self) -> str:
        """Return the text of --debug=explain."""
        graph = self.attributes.xen_graph
        return "".join(f"{line}\n" for line in graph.reasons(self))


def is_special(node: Any) -> bool:
    """Whether a SConscript declares more for a node than its step.

    That is a dependency, one to ignore, an action, a side effect, or that it is always built.
    """
    if node.depends or node.always_build or node.ignore or node.side_effects:
        return True
    executor = node.get_executor(create=0) if hasattr(node, "executor") else None
    return bool(executor and (executor.pre_actions or executor.post_actions))
