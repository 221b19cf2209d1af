# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""distcc as the launcher, with a server on 127.0.0.1."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from programs import program

from .loopback import FILES, free_ports, objects, tree, wait_for


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def server(log: Path, gcc: str) -> Iterator[int]:
    """The port of a server that may start gcc only."""
    allowed = log.with_name("allowed")
    allowed.write_text(f"{gcc}\n")
    (port,) = free_ports(1)
    command = [program("distccd"), "--no-detach", "--daemon", "--port", str(port), "--log-stderr"]
    command += ["--listen", "127.0.0.1", "--allow", "127.0.0.1"]
    with log.open("wb") as file:
        environment = {**os.environ, "DISTCC_CMDLIST": str(allowed)}
        started = subprocess.Popen(command, env=environment, stderr=file, start_new_session=True)
    wait_for(port)
    yield port
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def test_the_server_compiles_the_same(server: int, log: Path, tmp_path: Path) -> None:
    project = tree(tmp_path / "tree")
    environment = {"DISTCC_HOSTS": f"127.0.0.1:{server}", "HOME": str(tmp_path)}
    assert project.run("TOOLCHAIN=gcc", "O=alone").status == 0
    run = project.run("TOOLCHAIN=gcc", "CC_LAUNCHER=distcc", "-j4", **environment)
    assert run.status == 0, run.out + run.err
    assert objects(project) == objects(project, "alone")
    assert log.read_text().count("COMPILE_OK") == FILES
