# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The client of QEMU's monitor, with a program at the other end that speaks as QEMU does.

The messages are QEMU 7.2's; the tests of the tier boot have the real one.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from xen_tool.boot.console.dump import DumpPlace
from xen_tool.boot.monitor import Monitor

GREETING = '{"QMP": {"version": {"qemu": {"micro": 7, "minor": 2, "major": 7}}}}\n'
EVENT = '{"timestamp": {"seconds": 1, "microseconds": 2}, "event": '
SHUTDOWN = EVENT + '"SHUTDOWN", "data": {"guest": %s, "reason": "%s"}}\n'
REGISTERS = """CPU#0
RAX=0000000000000000 RBX=ffffffff81001000
RIP=ffffffff81000123 RFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=%d

CPU#1
EAX=00000000 EBX=00000000
EIP=00100020 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=%d

CPU#2
no registers
"""
Answers = Mapping[str, dict[str, Any] | None]


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    found = Monitor()
    # A test that gets no request fails after 20 s.
    found.qemu_end.settimeout(20)
    yield found
    found.close()
    found.qemu_end.close()


def says(monitor: Monitor, *texts: str) -> list[dict[str, Any]] | None:
    """Send lines as QEMU; return what the client makes of them."""
    for text in texts:
        monitor.qemu_end.send(text.encode())
    return monitor.read()


def requested(end: socket.socket) -> dict[str, Any]:
    """Return the next request of the client."""
    line = b""
    while not line.endswith(b"\n"):
        line += end.recv(1)
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.fixture
def answering(monitor: Monitor) -> Iterator[Callable[[Answers], list[dict[str, Any]]]]:
    """A function that answers requests as QEMU would, by the name of the command.

    It returns the list of requests, which grows.  None as an answer: QEMU hangs up instead.
    """
    threads: list[threading.Thread] = []

    def start(answers: Answers) -> list[dict[str, Any]]:
        requests: list[dict[str, Any]] = []

        def serve() -> None:
            while len(requests) < len(answers):
                requests.append(requested(monitor.qemu_end))
                answer = answers[requests[-1]["execute"]]
                if answer is None:
                    monitor.qemu_end.shutdown(socket.SHUT_RDWR)
                    return
                text = json.dumps({**answer, "id": requests[-1]["id"]}) + "\n"
                # The answer comes in pieces, with an event between them.
                for piece in (EVENT + '"STOP"}\n', text[:20], text[20:]):
                    monitor.qemu_end.send(piece.encode())

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return requests

    yield start
    for thread in threads:
        thread.join()


def test_the_greeting_is_answered(monitor: Monitor) -> None:
    assert monitor.read() == []
    assert says(monitor, GREETING) == []
    request = requested(monitor.qemu_end)
    assert (request["execute"], request["arguments"]) == ("qmp_capabilities", {})
    monitor.quit()
    assert requested(monitor.qemu_end)["execute"] == "quit"


def test_only_the_guest_shuts_down(monitor: Monitor) -> None:
    assert says(monitor, SHUTDOWN % ("false", "host-signal")) == []
    assert monitor.shutdown is None
    assert says(monitor, SHUTDOWN % ("true", "guest-reset"), '{"return": {}}\n') == [{"return": {}}]
    assert monitor.shutdown == "guest-reset"


@pytest.mark.parametrize("noise", ["\n", "not JSON\n", "[1]\n", "7\n", '{"event": "RESUME"}\n'])
def test_other_lines_are_ignored(monitor: Monitor, noise: str) -> None:
    assert says(monitor, noise) == []
    assert says(monitor, '{"return"', ": 1}\n") == [{"return": 1}]


def test_a_line_without_an_end_needs_little_memory(monitor: Monitor) -> None:
    monitor.qemu_end.setblocking(True)
    for _ in range(40):
        monitor.qemu_end.sendall(b"x" * (1 << 15))
        while monitor.read():
            pass
    assert len(monitor._buffer) <= 1 << 20
    assert says(monitor, '\n{"return": 2}\n') == [{"return": 2}]


def test_the_end_of_qemu_is_seen(monitor: Monitor) -> None:
    monitor.qemu_end.close()
    assert monitor.read() is None
    monitor.quit()


@pytest.mark.parametrize(
    ("halted", "expected"),
    [
        ((0, 1), [DumpPlace("CPU 0", 0xFFFFFFFF81000123)]),
        ((1, 0), [DumpPlace("CPU 1", 0x100020)]),
        ((1, 1), [DumpPlace("CPU 0", 0xFFFFFFFF81000123), DumpPlace("CPU 1", 0x100020)]),
    ],
)
def test_running_cpus_are_named(
    monitor: Monitor,
    answering: Callable[[Answers], list[dict[str, Any]]],
    halted: tuple[int, int],
    expected: list[DumpPlace],
) -> None:
    says(monitor, GREETING)
    text = (REGISTERS % halted).replace("\n", "\r\n")
    requests = answering(
        {"qmp_capabilities": {"return": {}}, "human-monitor-command": {"return": text}}
    )
    assert monitor.cpus() == expected
    assert requests[1]["arguments"] == {"command-line": "info registers -a"}


def test_a_program_without_a_greeting_gets_no_request(monitor: Monitor) -> None:
    assert monitor.cpus() == []
    monitor.qemu_end.setblocking(False)
    with pytest.raises(BlockingIOError):
        monitor.qemu_end.recv(1)


def test_cpus_of_an_ended_machine_are_unknown(
    monitor: Monitor, answering: Callable[[Answers], list[dict[str, Any]]]
) -> None:
    says(monitor, GREETING)
    answering({"qmp_capabilities": {"return": {}}, "human-monitor-command": None})
    assert monitor.cpus() == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"return": {}}, ""),
        ({"error": {"class": "GenericError", "desc": "no space"}}, "no space"),
        (None, "QEMU does not answer"),
    ],
)
def test_a_dump_is_written_of_a_stopped_machine(
    monitor: Monitor,
    answering: Callable[[Answers], list[dict[str, Any]]],
    answer: dict[str, Any] | None,
    expected: str,
) -> None:
    requests = answering({"stop": {"return": {}}, "dump-guest-memory": answer})
    assert monitor.dump("/x/core") == expected
    assert [each["execute"] for each in requests] == ["stop", "dump-guest-memory"]
    assert requests[1]["arguments"] == {"paging": False, "protocol": "file:/x/core"}
