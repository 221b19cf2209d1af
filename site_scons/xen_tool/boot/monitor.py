# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""QEMU's monitor: what ended the machine, and where its CPUs are.

Its protocol, QMP, is a JSON object a line: a greeting, answers, and events such as SHUTDOWN
(QEMU, docs/interop/qmp-spec.rst).  A QEMU that does not speak it is not waited for.
"""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
import time
from collections.abc import Callable
from typing import Any

from .console.dump import Where

_SECONDS = 2.0
"""How long an answer is waited for."""
_DUMP_SECONDS = 60.0
_MAX_BYTES = 1 << 20
"""A longer answer is none."""
_CPU = re.compile(r"CPU#(\d+)(.*?)(?=CPU#|\Z)", re.DOTALL)
_ADDRESS = re.compile(r"\b[RE]IP=([0-9a-f]+)")
_HALTED = re.compile(r"\bHLT=1")


class Monitor:
    """One end of the monitor; QEMU has the other."""

    def __init__(self) -> None:
        self._own, self.given = socket.socketpair()
        self._own.setblocking(False)
        self._buffer = b""
        self._greeted = False
        self.shutdown: str | None = None
        """How the guest ended the machine: "guest-reset" or "guest-shutdown"; None: not yet."""

    def options(self) -> list[str]:
        """Return QEMU's options for its end."""
        chardev = f"socket,id=monitor,fd={self.given.fileno()}"
        return ["-chardev", chardev, "-mon", "chardev=monitor,mode=control"]

    def fileno(self) -> int:
        """Return our end, to be read when something is there."""
        return self._own.fileno()

    def close(self) -> None:
        """Close our end."""
        self._own.close()

    def read(self) -> list[dict[str, Any]] | None:
        """Return the answers that are there, and notice events; None: QEMU has hung up."""
        try:
            data = self._own.recv(1 << 16)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            return None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._buffer = self._buffer[-_MAX_BYTES:]
        return [message for line in lines if (message := self._understood(line))]

    def _understood(self, line: bytes) -> dict[str, Any] | None:
        try:
            message = json.loads(line)
        except ValueError:
            return None
        if not isinstance(message, dict):
            return None
        if "QMP" in message:
            self._greeted = True
            self._send("qmp_capabilities")
        elif message.get("event") == "SHUTDOWN" and message["data"]["guest"]:
            self.shutdown = message["data"]["reason"]
        return message if "return" in message or "error" in message else None

    def cpus(self) -> list[Where]:
        """Return where the machine's CPUs are; [] if QEMU does not say."""
        if not self._greeted:
            return []
        self._send("human-monitor-command", {"command-line": "info registers -a"})
        answer = self._answer(_SECONDS, lambda answer: isinstance(answer.get("return"), str))
        return _cpus(answer["return"]) if answer else []

    def dump(self, path: str) -> str:
        """Stop the machine, and have its memory and registers written; returns what went wrong."""
        self._send("stop")
        self._send("dump-guest-memory", {"paging": False, "protocol": f"file:{path}"}, "dump")
        answer = self._answer(_DUMP_SECONDS, lambda answer: answer.get("id") == "dump")
        if answer is None:
            return "QEMU does not answer"
        return str(answer["error"].get("desc")) if "error" in answer else ""

    def _answer(
        self, seconds: float, is_it: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any] | None:
        """The answer that is waited for; None: it does not come."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and select.select([self], [], [], left)[0]:
            answers = self.read()
            if answers is None:
                break
            for answer in filter(is_it, answers):
                return answer
        return None

    def quit(self) -> None:
        """Have QEMU end."""
        self._send("quit")

    def _send(self, command: str, arguments: dict[str, Any] | None = None, name: str = "") -> None:
        message = {"execute": command, "arguments": arguments or {}, "id": name}
        with contextlib.suppress(OSError):  # it has ended, as its status will say
            self._own.send(json.dumps(message).encode() + b"\n")


def _cpus(text: str) -> list[Where]:
    """Those that run, or all if none does."""
    found = [
        (bool(_HALTED.search(registers)), number, int(address[1], 16))
        for number, registers in _CPU.findall(text)
        if (address := _ADDRESS.search(registers))
    ]
    running = [cpu for cpu in found if not cpu[0]]
    return [Where(f"CPU {number}", address) for _, number, address in running or found]
