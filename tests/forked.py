# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run SCons in processes forked from one that has imported it, and this checkout's tool.

The tests start SCons some thousand times, and most of the processor time of a run that does little
is for imports.  A tree whose SConstruct does not name this checkout's tool imports its own, as all
do with `python -m SCons`, whose other effects are imitated here.  Used by project.py; run as a
program, this module is the process that forks.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

_MOST_BYTES = 1 << 20
"""The most bytes of a request, which has arguments, folder and environment."""
TOOLPATH = str(Path(__file__).resolve().parent.parent / "site_scons")
"""The toolpath of SConstructs that may use the tool as the forking process has imported it."""
_AT_START = ("PYTHON", "LC_", "LANG", "COVERAGE")
"""Prefixes of variables that matter when Python starts: the forking process must have them."""
_Start = frozenset[tuple[str, str]]


class Server:
    """The processes that fork, one for each set of variables that Python reads at its start.

    The one for the variables of this process starts at its first use, any other at the second.
    """

    def __init__(self) -> None:
        self._sockets: dict[_Start, socket.socket | None] = {_at_start(os.environ): None}
        self._lock = threading.Lock()

    def run(
        self, arguments: Sequence[str], top: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run SCons at top with an environment and an empty standard input."""
        with contextlib.ExitStack() as stack:
            out, err = (
                stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
                for _ in range(2)
            )
            command = [sys.executable, "-m", "SCons", *arguments]
            if forking := self._forking(environment):
                request = [list(arguments), str(top), dict(environment)]
                status = self._fork(forking, request, out.fileno(), err.fileno())
            else:
                status = subprocess.run(
                    command,
                    cwd=top,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    check=False,
                ).returncode
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read())
        return subprocess.CompletedProcess(command, status, *texts)

    def _forking(self, environment: Mapping[str, str]) -> socket.socket | None:
        """Return the socket of the process that forks for an environment.

        None if SCons is to be started without it: in the first run with these variables, which may
        be the only one, and while coverage.py measures.
        """
        start = _at_start(environment)
        if any(name.startswith("COVERAGE") for name, _ in start):
            return None
        with self._lock:
            if start not in self._sockets:
                self._sockets[start] = None
                return None
            if not (found := self._sockets[start]):
                found = self._sockets[start] = _started(start)
            return found

    def _fork(self, forking: socket.socket, request: Sequence[object], *output: int) -> int:
        read, write = os.pipe()
        with open(read, encoding="ascii") as status:
            with self._lock:
                socket.send_fds(forking, [json.dumps(request).encode()], [write, *output])
            os.close(write)
            text = status.read()
        assert text, f"SCons was killed: {request[0]}"
        return int(text)


def _at_start(environment: Mapping[str, str]) -> _Start:
    return frozenset(item for item in environment.items() if item[0].startswith(_AT_START))


def _started(start: _Start) -> socket.socket:
    """Start a process that forks; return the socket, at whose closing the process ends."""
    forking, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (forking, other):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_BYTES)
    kept = {n: value for n, value in os.environ.items() if not n.startswith(_AT_START)}
    command = [sys.executable, __file__, str(other.fileno())]
    subprocess.Popen(
        command, pass_fds=[other.fileno()], stdin=subprocess.DEVNULL, env={**kept, **dict(start)}
    )
    other.close()
    return forking


def _serve(number: int) -> int:
    """Fork a process for each request until the socket is closed; return an exit status."""
    _import()
    gc.freeze()
    # Children that ended need no wait.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=number) as requests:
        while True:
            request, descriptors, _, _ = socket.recv_fds(requests, _MOST_BYTES, 3)
            if not request:
                return 0
            if os.fork() == 0:
                break
            for descriptor in descriptors:
                os.close(descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return _run(request, *descriptors)


def _import() -> None:
    """Import SCons, and what the methods of the tool import."""
    import SCons.Script  # noqa: F401

    sys.path.insert(0, TOOLPATH)
    from xen_tool import modules

    for path in modules.modules("__init__.py"):
        parts = Path(path).relative_to(TOOLPATH).with_suffix("").parts
        importlib.import_module(".".join(parts).removesuffix(".__init__"))
    modules._imported.cache_clear()
    sys.path.remove(TOOLPATH)


def _names_this_tool(script: Path) -> bool:
    return script.is_file() and TOOLPATH.encode() in script.read_bytes()


def _run(request: bytes, status: int, out: int, err: int) -> int:
    """Do what `python -m SCons` does, and write the exit status."""
    # A daemon that SCons starts, such as that of sccache, would keep the pipe open.
    os.set_inheritable(status, False)
    arguments, top, environment = json.loads(request)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(top)
    if not _names_this_tool(Path("SConstruct")):
        for name in [name for name in sys.modules if name.partition(".")[0] == "xen_tool"]:
            del sys.modules[name]
    for descriptor, standard in ((out, 1), (err, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    sys.path[0] = top
    sys.argv = ["SCons", *arguments]
    code = 1
    try:
        runpy.run_module("SCons", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    os.write(status, str(code & 0xFF).encode())
    return code


if __name__ == "__main__":
    sys.exit(_serve(int(sys.argv[1])))
