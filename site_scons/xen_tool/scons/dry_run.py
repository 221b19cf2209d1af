# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Under -n: what would be made counts as changed, so that all that would follow is shown.

SCons says of a step that it does it, and then finds in the old file what it
found before.  Used by steps, and by whatever an environment builds.
"""

from __future__ import annotations

from typing import Any

from SCons.Node import executed
from SCons.Script import GetOption


def is_pretended(node: Any) -> bool:
    """Whether this run has only said that it makes node."""
    return bool(GetOption("no_exec")) and bool(node.get_state() == executed)


def decide(env: Any) -> None:
    """Has env's targets, and those of its clones, depend on what is pretended, too."""
    if not GetOption("no_exec"):
        return
    has_changed = env.decide_source

    def changed(dependency: Any, target: Any, known: Any, repository: Any = None) -> bool:
        return is_pretended(dependency) or bool(has_changed(dependency, target, known, repository))

    env.Decider(changed)
