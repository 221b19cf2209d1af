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
from . import watch_messages
from .reading import Reading, StoredPlan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..build.contents import Contents
    from ..build.database import Database
    from ..build.step import Step

_FAILED = 2
"""The exit status of SCons for every failure."""


def build(reading: Reading, plans: Sequence[tuple[StoredPlan, Database, Contents]]) -> int | None:
    """Build the requested files of some plans, and print which targets were up to date.

    plans: those of the reading that are dirty, each with its database and what is known of files.
    Returns the exit status, or None if SCons is needed, before anything is built or printed.
    """
    sessions: list[tuple[StoredPlan, Session]] = []
    for plan, database, contents in plans:
        session = _session(reading, plan, database, contents)
        if session is None:
            return None
        sessions.append((plan, session))
    # A step whose name is not empty is shown, and may change what other builders of SCons read.
    if reading.others_follow and any(
        step.name
        for plan, session in sessions
        for step in session.dirty_steps(plan.targets).values()
    ):
        return None
    reading.print_output()
    signals.listen()
    signals.handle()
    status = 0
    built: set[str] = set()
    for plan, session in sessions:
        if status and not reading.keep_going:
            break
        try:
            session.open(signals.descriptor())
            dirty = session.dirty_steps(plan.targets, mark=plan.mark)
            if any(step.name for step in dirty.values()):
                watch_messages.tell(watch_messages.BUILT)
                built |= _dirty_targets(session, plan.targets, dirty)
            result = session.build(
                plan.targets,
                slots=Slots(reading.jobs),
                keep_going=reading.keep_going,
                dirty=dirty,
                signals=signals.descriptor(),
            )
            status = _print_failures(result) or status
            if not status:
                session.mark(plan.mark)
        except XenToolError as error:
            print(f"scons: *** {error}", file=sys.stderr)
            status = _FAILED
        finally:
            session.close()
    if not status:
        reading.print_up_to_date(built)
    return status


def _session(
    reading: Reading, plan: StoredPlan, database: Database, contents: Contents
) -> Session | None:
    """Return a session for a stored plan; None if the plan cannot be read."""
    steps = plan.read()
    if steps is None:
        return None
    passing = watch_messages.is_watched()
    lines = Lines(verbose=reading.verbose, silent=reading.silent, passing=passing)
    return Session(steps, functions(steps), IMPORTS, lines, (database, contents))


def _dirty_targets(session: Session, targets: Sequence[str], dirty: Mapping[str, Step]) -> set[str]:
    """Return the targets that a dirty step makes or leads to, if the step is shown.

    At least one dirty step is shown (has a name).
    """
    if len(targets) == 1:
        return set(targets)
    shown = {path for path, step in dirty.items() if step.name}
    closure = session.plan.closure
    return {path for path in targets if any(step.path in shown for step in closure([path]))}


def _print_failures(result: RunResult) -> int:
    """Print what failed; return the exit status."""
    for failure in result.failures:
        print(f"scons: *** [{failure.step.path}] {failure.reason}", file=sys.stderr)
    if result.interrupted:
        print("scons: Build interrupted.", file=sys.stderr)
    return _FAILED if result.failures or result.interrupted else 0
