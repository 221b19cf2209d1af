# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""SCons' node of a file that a step of a plan makes."""

from __future__ import annotations

from typing import Any

from SCons.Node import executed
from SCons.Node.FS import File
from SCons.Script import GetOption


class StepFile(File):  # type: ignore[misc]
    """A file that a step of a plan makes."""

    __slots__ = ()

    def is_up_to_date(self) -> bool:
        """Whether nothing is due; what a SConscript asks besides is for SCons to judge."""
        graph = self.attributes.xen_graph
        return graph.is_clean(self) and (not is_special(self) or bool(super().is_up_to_date()))

    def get_csig(self) -> str:
        """The signature for what depends on it: another one if -n says that it would be made."""
        if GetOption("no_exec") and self.get_state() == executed:
            return "made"
        return str(super().get_csig())

    def explain(self) -> str:
        """What --debug=explain says."""
        graph = self.attributes.xen_graph
        return "".join(f"{line}\n" for line in graph.reasons(self))


def is_special(node: Any) -> bool:
    """Whether a SConscript asks more of a node than its step."""
    if node.depends or node.always_build or node.ignore or node.side_effects:
        return True
    executor = node.get_executor(create=0) if hasattr(node, "executor") else None
    return bool(executor and (executor.pre_actions or executor.post_actions))
