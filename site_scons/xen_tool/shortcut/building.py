# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Build the plans of a reading without SCons."""

from __future__ import annotations

import sys

from .. import signals
from ..build.runner import RunResult
from ..build.session import Session
from ..build.slots import Slots
from ..errors import XenToolError
from ..functions import IMPORTS, functions
from ..progress import Lines
from . import watched
from .reading import Reading, StoredPlan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..build.contents import Contents
    from ..build.database import Database

_FAILED = 2
"""The exit status of SCons for every failure."""


def build(known: Reading, plans: Sequence[tuple[StoredPlan, Database, Contents]]) -> int | None:
    """Build the requested files; return the exit status, or None if SCons is needed."""
    sessions: list[tuple[StoredPlan, Session]] = []
    for plan, database, contents in plans:
        steps = plan.read()
        if steps is None:
            return None
        lines = Lines(verbose=known.verbose, silent=known.silent, passing=watched.is_watched())
        sessions.append(
            (plan, Session(steps, functions(steps), IMPORTS, lines, (database, contents)))
        )
    if known.others_follow and any(
        step.name for plan, session in sessions for step in session.due(plan.targets).values()
    ):
        return None
    known.say()
    signals.listen()
    signals.handle()
    status = 0
    for plan, session in sessions:
        if status and not known.keep_going:
            break
        try:
            session.open(signals.descriptor())
            due = session.due(plan.targets, mark=plan.mark)
            works = any(step.name for step in due.values())
            if works:
                watched.tell(watched.BUILT)
            result = session.build(
                plan.targets,
                slots=Slots(known.jobs),
                keep_going=known.keep_going,
                due=due,
                signals=signals.descriptor(),
            )
            status = _told(result) or status
            if not status:
                if not (works or known.silent):
                    for target in plan.targets:
                        print(f"scons: `{target}' is up to date.")
                session.mark(plan.mark)
        except XenToolError as error:
            print(f"scons: *** {error}", file=sys.stderr)
            status = _FAILED
        finally:
            session.close()
    return status


def _told(result: RunResult) -> int:
    for failure in result.failures:
        print(f"scons: *** [{failure.step.path}] {failure.reason}", file=sys.stderr)
    if result.interrupted:
        print("scons: Build interrupted.", file=sys.stderr)
    return _FAILED if result.failures or result.interrupted else 0
