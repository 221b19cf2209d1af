# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find the steps that have to run to bring files up to date.

If the plan was up to date when its database was written, only steps that refer to a changed
file, and the steps after them, can be dirty: the others are not looked at.  Used by session.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .database import Database
    from .judge import Judge
    from .plan import Plan
    from .step import Step


def dirty_steps(
    plan: Plan,
    database: Database,
    judge: Judge,
    paths: Sequence[str],
    *,
    force: Iterable[str] = (),
    mark: str = "",
) -> dict[str, Step]:
    """Return the steps that are dirty or could become dirty, by their first outputs.

    force are outputs of steps to run in any case.  The steps are in an order in which they
    can run; if the database has the mark, in any order.
    """
    if mark and database.has(mark):
        changed = _since(plan, database, judge, paths)
        if changed is not None:
            return changed
    forced = set(force)
    found: dict[str, Step] = {}
    outputs: set[str] = set()
    made = database.numbers_of(plan.steps)

    def read(step: Step) -> Iterable[str]:
        """Return the files that a step read in its last run and that other steps make."""
        record = database.get(step.path) if made else None
        numbers = made.intersection(record.inputs.split()) if record else ()
        return [path for path, _ in database.rows(" ".join(numbers))]

    for step in plan.closure(paths, read):
        if (
            step.path in forced
            or judge.is_dirty(step)
            or (outputs and not outputs.isdisjoint(judge.inputs(step)))
        ):
            found[step.path] = step
            outputs.update(step.outputs)
    return found


def _since(
    plan: Plan, database: Database, judge: Judge, paths: Sequence[str]
) -> dict[str, Step] | None:
    """Return what dirty_steps() does, found by the files that have changed since the mark.

    Return None if the changed files do not tell which steps these are.
    """
    rows = judge.stale()
    if database.shared_rows() & rows:
        # A program or library of a toolchain has changed.
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
    """Whether the requested files, paths, need all of the found steps."""
    makers = {output: step for step in found.values() for output in step.outputs}
    needed: set[str] = set()
    todo = [makers[path] for path in paths if path in makers]
    while todo:
        step = todo.pop()
        if step.path not in needed:
            needed.add(step.path)
            todo += [makers[name] for name in judge.inputs(step) if name in makers]
    return len(needed) == len(found)
