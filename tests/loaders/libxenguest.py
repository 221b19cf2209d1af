# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run the real libxenguest, Xen's domain builder for domUs, on kernel images.

It needs no hypervisor: libxenguest.c calls the functions that xl calls, up to the one that writes
memory of the guest.  A Libxenguest has one worker process, which may crash or hang on an
image; the next image then gets another worker.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CAPABILITIES = "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64"
"""xen_caps of Debian's Xen 4.17."""

PV32_CAPABILITIES = f"{CAPABILITIES} xen-3.0-x86_32p"
"""xen_caps of a Xen with PV32."""

MEMORY_MIB = 64
"""Memory of the guest: enough for the kernel, and little, as it is cleared for every case."""

_REFUSED, _MISPLACED, _PLACED = range(3)
_XTL_ERROR = 8  # xentoollog.h


@dataclass(frozen=True)
class Answer:
    """The answer for an image; lines is what xl -vvv would print, errors what xl prints of that.

    parsed: xc_dom_parse_image() accepts the image.  placed: the image also fits into a guest of
    MEMORY_MIB.  death: why the worker ended before it answered; None if it answered.
    """

    parsed: bool
    placed: bool
    lines: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    death: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether a guest with enough memory would be built."""
        return self.placed or (self.parsed and any("too large" in line for line in self.errors))


def build(gcc: str, folder: Path, root: Path) -> Path:
    """Compile libxenguest.c in folder against the headers and libraries below root."""
    library = folder / "libxenguest-bridge.so"
    source = Path(__file__).with_suffix(".c")
    libraries = next(root.glob("usr/lib/*/libxenguest.so")).parent
    command: list[str | Path] = [
        gcc,
        "-O1",
        "-Wall",
        "-shared",
        "-fPIC",
        "-nostdlib",
        "-o",
        library,
        source,
    ]
    if root != Path("/"):
        include = root / "usr/include"
        command += ["-isystem", include, "-isystem", include / libraries.name]
    command += ["-L", libraries, "-lxenguest", "-lxenctrl", "-Wl,--allow-shlib-undefined"]
    subprocess.run(command, check=True)
    return library


class Libxenguest:
    """The library in a worker process.

    bridge: libxenguest.c, compiled; library_path: LD_LIBRARY_PATH of unpacked libraries, or "";
    timeout: seconds for an answer.
    """

    def __init__(self, bridge: Path, library_path: str = "", timeout: float = 20.0) -> None:
        self._command = [sys.executable, "-I", "-S", __file__, str(bridge)]
        environment = {"LD_LIBRARY_PATH": library_path} if library_path else {}
        # libxenguest.c replaces some functions that would need a hypervisor.
        environment["LD_PRELOAD"] = str(bridge)
        self._environment: Mapping[str, str] = {**os.environ, **environment}
        self._timeout = timeout
        self._image = os.memfd_create("image")
        self._worker: subprocess.Popen[bytes] | None = None

    def ask(self, image: bytes, *, pvh: bool, capabilities: str = CAPABILITIES) -> Answer:
        """Return the answer for a PV or PVH domain."""
        os.ftruncate(self._image, 0)
        os.pwrite(self._image, image, 0)
        return self.ask_file(
            f"/proc/{os.getpid()}/fd/{self._image}", pvh=pvh, capabilities=capabilities
        )

    def ask_file(self, path: str, *, pvh: bool, capabilities: str = CAPABILITIES) -> Answer:
        """Return the answer for a PV or PVH domain, as ask() does, for the image in a file."""
        return self._ask(path, pvh, capabilities, False, "")

    def lay_out(
        self, path: str, *, pvh: bool, initrd: str = "", capabilities: str = CAPABILITIES
    ) -> Answer:
        """Lay out the whole guest, of MEMORY_MIB; the answer's lines say where everything is."""
        return self._ask(path, pvh, capabilities, True, initrd)

    def _ask(self, path: str, pvh: bool, capabilities: str, lays_out: bool, initrd: str) -> Answer:
        worker = self._worker or self._start()
        assert worker.stdin and worker.stdout
        question = [path, pvh, capabilities, MEMORY_MIB, lays_out, initrd]
        worker.stdin.write(json.dumps(question).encode() + b"\n")
        worker.stdin.flush()
        if select.select([worker.stdout], [], [], self._timeout)[0]:
            if line := worker.stdout.readline():
                result, messages = json.loads(line)
                lines = tuple(text for _, text in messages)
                errors = tuple(text for level, text in messages if level >= _XTL_ERROR)
                return Answer(result > _REFUSED, result == _PLACED, lines, errors)
            death = f"status {worker.wait()}"
        else:
            death = f"hung for {self._timeout} s"
        self.close()
        return Answer(False, False, death=death)

    def close(self) -> None:
        """End the worker; the next request starts another."""
        if self._worker:
            self._worker.kill()
            self._worker.communicate()
            self._worker = None

    def _start(self) -> subprocess.Popen[bytes]:
        self._worker = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self._worker


@contextmanager
def opened(bridge: Path, library_path: str = "") -> Iterator[Libxenguest]:
    """A Libxenguest that leaves no worker behind."""
    library = Libxenguest(bridge, library_path)
    try:
        yield library
    finally:
        library.close()


def _serve(bridge: str) -> None:
    """Answer questions from standard input, one JSON line each, until it ends."""
    messages: list[tuple[int, str]] = []

    def say(level: int, line: bytes) -> None:
        messages.append((level, line.decode(errors="replace").strip()))

    say_type: Callable[..., object] = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p)
    callback = say_type(say)
    ask = ctypes.CDLL(bridge).libxenguest_ask
    for question in sys.stdin:
        path, pvh, capabilities, memory, lays_out, initrd = json.loads(question)
        messages.clear()
        words = capabilities.encode(), memory, lays_out, initrd.encode()
        result = ask(path.encode(), pvh, *words, callback)
        print(json.dumps([result, messages]), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
