# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A client of QEMU's monitor: what ended the machine, and where its CPUs are.

Its protocol, QMP, has one JSON object on each line: a greeting, answers, and events such as
SHUTDOWN (QEMU, docs/interop/qmp-spec.rst).  The CPUs are requested only after the greeting, so
a program that does not speak QMP is not waited for.
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

from .console.dump import DumpPlace

_SECONDS = 2.0
"""Time for an answer."""
_DUMP_SECONDS = 60.0
"""Time for writing a dump."""
_MAX_BYTES = 1 << 20
"""The longest line that is accepted."""
_CPU = re.compile(r"CPU#(\d+)(.*?)(?=CPU#|\Z)", re.DOTALL)
_ADDRESS = re.compile(r"\b[RE]IP=([0-9a-f]+)")
_HALTED = re.compile(r"\bHLT=1")


class Monitor:
    """A connection to the monitor; QEMU inherits the other end of its socket, qemu_end."""

    def __init__(self) -> None:
        self._our_end, self.qemu_end = socket.socketpair()
        self._our_end.setblocking(False)
        self._buffer = b""
        self._greeted = False
        self.shutdown: str | None = None
        """QMP's reason if the guest ended the machine, such as "guest-reset" or "guest-shutdown";
        else None."""

    def options(self) -> list[str]:
        """Return QEMU's options for its end of the socket."""
        chardev = f"socket,id=monitor,fd={self.qemu_end.fileno()}"
        return ["-chardev", chardev, "-mon", "chardev=monitor,mode=control"]

    def fileno(self) -> int:
        """Return the descriptor of our end, for poll()."""
        return self._our_end.fileno()

    def close(self) -> None:
        """Close our end."""
        self._our_end.close()

    def read(self) -> list[dict[str, Any]] | None:
        """Return the answers that have arrived, and record events; None: QEMU closed its end."""
        try:
            data = self._our_end.recv(1 << 16)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            return None
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._buffer = self._buffer[-_MAX_BYTES:]
        return [message for line in lines if (message := self._parse(line))]

    def _parse(self, line: bytes) -> dict[str, Any] | None:
        """Handle a line: return an answer, and None for a greeting, an event or anything else."""
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

    def cpus(self) -> list[DumpPlace]:
        """Return the instruction pointers of the running CPUs, or of all if all are halted.

        Returns [] if QEMU does not answer.
        """
        if not self._greeted:
            return []
        self._send("human-monitor-command", {"command-line": "info registers -a"})
        answer = self._answer(_SECONDS, lambda answer: isinstance(answer.get("return"), str))
        return _cpus(answer["return"]) if answer else []

    def dump(self, path: str) -> str:
        """Stop the machine, and write its memory and registers; return what went wrong, or ""."""
        self._send("stop")
        self._send("dump-guest-memory", {"paging": False, "protocol": f"file:{path}"}, "dump")
        answer = self._answer(_DUMP_SECONDS, lambda answer: answer.get("id") == "dump")
        if answer is None:
            return "QEMU does not answer"
        return str(answer["error"].get("desc")) if "error" in answer else ""

    def _answer(
        self, seconds: float, is_it: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any] | None:
        """Return the first answer for which is_it() is true; None if it does not come in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and select.select([self], [], [], left)[0]:
            answers = self.read()
            if answers is None:
                break
            for answer in filter(is_it, answers):
                return answer
        return None

    def quit(self) -> None:
        """Tell QEMU to end."""
        self._send("quit")

    def _send(self, command: str, arguments: dict[str, Any] | None = None, name: str = "") -> None:
        message = {"execute": command, "arguments": arguments or {}, "id": name}
        with contextlib.suppress(OSError):  # QEMU has ended
            self._our_end.send(json.dumps(message).encode() + b"\n")


def _cpus(text: str) -> list[DumpPlace]:
    """Return the CPUs that are not halted, or all if all are."""
    found = [
        (bool(_HALTED.search(registers)), number, int(address[1], 16))
        for number, registers in _CPU.findall(text)
        if (address := _ADDRESS.search(registers))
    ]
    running = [cpu for cpu in found if not cpu[0]]
    return [DumpPlace(f"CPU {number}", address) for _, number, address in running or found]
