# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Servers on 127.0.0.1, and a tree of small sources that is built by them."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from project import Project

FILES = 24


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"no server listens at {port}")


def tree(top: Path) -> Project:
    """Write the tree, not yet built; all sources include include/h.h."""
    project = Project(top)
    names = [f"f{number}.c" for number in range(FILES)]
    project.write_small(
        f"objects = [env.XenObject(name) for name in {names}]\n"
        'env.XenImage("kernel", objects, script="k.lds", loaders="none")\n'
    )
    for number, name in enumerate(names):
        text = f'#include "h.h"\nint f{number}(int a) {{ return a * {number} + H; }}\n'
        project.write(name, text)
    project.write("include/h.h", "#define H 7\n")
    return project


def objects(project: Project, folder: str = "build/x86_64") -> dict[str, bytes]:
    """Return the contents of all objects in a build directory; none may be missing."""
    found = {path.name: path.read_bytes() for path in (project.top / folder).glob("*.o")}
    assert len(found) == FILES
    return found
