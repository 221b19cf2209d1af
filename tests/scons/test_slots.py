# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Job slots: threads share them, and never use more than their number."""

from __future__ import annotations

import select
import threading

import pytest

from xen_tool.scons.graph.jobs import SharedSlots


def waiter(slots: SharedSlots, got: list[bool]) -> threading.Thread:
    """Start a thread that waits for a slot; got gets whether it has one."""
    thread = threading.Thread(target=lambda: got.append(slots.wait()))
    thread.start()
    return thread


def can_read(slots: SharedSlots) -> bool:
    return bool(select.select([slots.handle], [], [], 0)[0])


def test_no_more_slots_are_taken_than_there_are() -> None:
    slots = SharedSlots(2)
    assert [slots.take() for _ in range(3)] == [True, True, False]
    assert not can_read(slots)
    slots.give()
    assert can_read(slots)
    assert [slots.wait(), slots.take()] == [True, False]


@pytest.mark.parametrize("number", [0, -1])
def test_there_is_at_least_one_slot(number: int) -> None:
    # scons -j0 gives this number; without a slot a build would never end.
    slots = SharedSlots(number)
    assert [slots.take(), slots.take()] == [True, False]


def test_a_thread_waits_for_a_free_slot() -> None:
    slots, got = SharedSlots(1), list[bool]()
    assert slots.take()
    thread = waiter(slots, got)
    slots.give()
    thread.join()
    assert got == [True]
    assert not slots.take()


def test_a_waiting_thread_can_be_refused() -> None:
    slots, got = SharedSlots(1), list[bool]()
    assert slots.take()
    thread = waiter(slots, got)
    while thread.is_alive():
        slots.refuse()
    assert got == [False]
    slots.give()
    assert [slots.take(), slots.take()] == [True, False]


def test_a_lent_slot_comes_back() -> None:
    slots = SharedSlots(1)
    assert slots.take()
    with slots.lent():
        assert slots.take()
        slots.give()
    assert not slots.take()
