# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Apply the settings of one run (NAME=value), or report why they cannot hold."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import XenToolError
from .assignments import COMMAND_LINE, Assignment, origins
from .explain.reasons import has_prompt, needed, reason
from .language.symbol_values import Symbol


def apply(settings: Sequence[Assignment], saved: Sequence[Assignment]) -> list[str]:
    """Assign the settings over the saved values, which are assigned already; return notes.

    If a setting needs another symbol, that symbol is switched on too, provided that it is clear
    which one, and that the command line does not set it; a note reports this.  Notes also report
    saved values that no longer hold.

    Raises XenToolError for a setting that cannot hold.
    """
    for assignment in settings:
        assign(assignment)
    notes: list[str] = []
    assignments = list(settings)
    for assignment in settings:
        if switched := _switch_on_needs(assignment, settings):
            names = " and ".join(other.symbol.name for other in switched)
            notes.append(f"{assignment} {COMMAND_LINE} switches on {names}, which it needs")
            assignments += switched
    where = origins([*saved, *assignments])
    for assignment in settings:
        if not assignment.holds():
            why = reason(assignment, where)
            raise XenToolError(f"{assignment} cannot hold: {why}")
    return notes + overruled(saved, assignments)


def overruled(earlier: Sequence[Assignment], later: Sequence[Assignment]) -> list[str]:
    """Return a note for each earlier assignment that does not hold, with the reason.

    The reason is a later assignment, or what keeps the symbol from having the value.
    """
    last = {assignment.symbol: assignment for assignment in (*earlier, *later)}
    where = origins(last.values())
    notes = []
    for assignment in earlier:
        # Every saved file lists promptless symbols, whose values follow from others.
        if assignment.holds() or not has_prompt(assignment.symbol):
            continue
        by = last[assignment.symbol]
        if by is not assignment and by.value == assignment.value:
            continue
        if by is assignment:
            why = f"does not hold: {reason(assignment, where)}"
        else:
            why = f"is overruled by {by} {by.origin}"
        notes.append(f"{assignment} {assignment.origin} {why}")
    return notes


def assign(assignment: Assignment) -> None:
    """Assign the value to its symbol, if that has a prompt; it may not take the value."""
    # A symbol without a prompt cannot be assigned; kconfiglib would only warn.
    symbol = assignment.symbol
    if has_prompt(symbol):
        if symbol.choice is not None and assignment.value != "n":
            # The mode of an optional choice, or of a choice of tristates, is set separately.
            symbol.choice.set_value(assignment.value)
        symbol.set_value(assignment.value)


def _switch_on_needs(assignment: Assignment, settings: Sequence[Assignment]) -> list[Assignment]:
    """Switch on the symbols that an assignment needs to hold; return these assignments.

    Return [], and change nothing, if they are not clear, if one of the settings sets one of them,
    or if the assignment would not hold even so.
    """
    set_by_user = {setting.symbol for setting in settings}
    switched: dict[Symbol, int | None] = {}
    while assignment.value != "n" and not assignment.holds():
        more = [symbol for symbol in needed(assignment.symbol) if symbol not in switched]
        if not more or set_by_user & set(more):
            break
        for symbol in more:
            switched[symbol] = symbol.user_value
            symbol.set_value("y")
    if assignment.holds():
        why = f"for {assignment} {COMMAND_LINE}"
        return [Assignment(symbol, "y", "y", why) for symbol in switched]
    for symbol, before in switched.items():
        symbol.unset_value() if before is None else symbol.set_value(before)
    return []
