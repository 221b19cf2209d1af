# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The steps to run, of a plan that was up to date when its database was written.

Only a step that names a file which has changed since, or what such a step makes, can be
dirty then: the others need no look.  Used by the runner.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Database
    from .judge import Judge
    from .plan import Plan
    from .step import Step


def due(
    plan: Plan, database: Database, judge: Judge, paths: Iterable[str]
) -> dict[str, Step] | None:
    """The dirty steps that files come from, and those that could become so, by first outputs.

    None if all steps have to be looked at.
    """
    rows = judge.stale()
    if database.shared_rows() & rows:
        # A toolchain has changed.
        return None
    found: dict[str, Step] = {}
    users = database.users()
    todo = [path for row in rows for path in users.get(row, ())]
    is_cause = True
    while todo:
        makes: list[str] = []
        for path in dict.fromkeys(todo):
            step = plan.steps.get(path)
            if step is None:
                return None
            if path not in found and (not is_cause or judge.is_dirty(step)):
                found[path] = step
                makes += step.outputs
        todo = [path for row in database.numbers_of(set(makes)) for path in users.get(row, ())]
        is_cause = False
    return found if _lead_to(paths, found, judge) else None


def _lead_to(paths: Iterable[str], found: dict[str, Step], judge: Judge) -> bool:
    """Whether all that was found is needed for files: others may be dirty, and nobody asks."""
    makers = {output: step for step in found.values() for output in step.outputs}
    needed: set[str] = set()
    todo = [makers[path] for path in paths if path in makers]
    while todo:
        step = todo.pop()
        if step.path not in needed:
            needed.add(step.path)
            todo += [makers[name] for name in judge.inputs(step) if name in makers]
    return len(needed) == len(found)
