# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A farm of sccache-dist, a scheduler and two servers on 127.0.0.1, as docs/farm.md sets one up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from programs import program
from project import Run

from .loopback import FILES, free_ports, objects, tree, wait_for

BIN = Path(sys.executable).parent
DIST = BIN / "sccache-dist"
SCHEDULER = """
public_addr = "127.0.0.1:{port}"
[client_auth]
type = "token"
token = "ours"
[server_auth]
type = "jwt_hs256"
secret_key = "{key}"
"""
SERVER = """
cache_dir = "{folder}/toolchains{port}"
public_addr = "127.0.0.1:{port}"
scheduler_url = "http://127.0.0.1:{scheduler}"
[builder]
type = "overlay"
build_dir = "{folder}/build{port}"
bwrap_path = "{bwrap}"
[scheduler_auth]
type = "jwt_token"
token = "{token}"
"""
CLIENT = """
[dist]
scheduler_url = "http://127.0.0.1:{scheduler}"
[dist.auth]
type = "token"
token = "{token}"
[cache.disk]
dir = "{folder}/cache"
"""


def output_of(*words: str) -> str:
    return subprocess.run([DIST, *words], capture_output=True, text=True, check=True).stdout.strip()


class Farm:
    """The processes of a farm, each of which is ended by its process ID."""

    def __init__(self, folder: Path, bwrap: str) -> None:
        self._folder = folder
        self._bwrap = bwrap
        self.port, *self._ports = free_ports(4)
        self._key = output_of("auth", "generate-jwt-hs256-key")
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        self._others = [self._start("scheduler", SCHEDULER.format(port=self.port, key=self._key))]
        wait_for(self.port)
        for port in self._ports[:2]:
            self.servers[f"127.0.0.1:{port}"] = self.server(port, self._key)

    def server(self, port: int, key: str) -> subprocess.Popen[bytes]:
        # A key may begin with "-".
        words = ("auth", "generate-jwt-hs256-server-token", f"--secret-key={key}")
        text = SERVER.format(
            folder=self._folder,
            port=port,
            scheduler=self.port,
            bwrap=self._bwrap,
            token=output_of(*words, "--server", f"127.0.0.1:{port}"),
        )
        (self._folder / f"build{port}").mkdir()
        return self._start("server", text)

    def stranger(self) -> subprocess.Popen[bytes]:
        """A server whose token was made with another key."""
        started = self.server(self._ports[2], output_of("auth", "generate-jwt-hs256-key"))
        self._others.append(started)
        return started

    def _start(self, kind: str, text: str) -> subprocess.Popen[bytes]:
        config = self._folder / f"{kind}{time.monotonic_ns()}.conf"
        config.write_text(text)
        with config.with_suffix(".log").open("wb") as log:
            return subprocess.Popen(
                [DIST, kind, "--config", config],
                env={**os.environ, "SCCACHE_NO_DAEMON": "1", "SCCACHE_LOG": "info"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def close(self) -> None:
        for process in (*self.servers.values(), *self._others):
            process.kill()
            process.wait()


@pytest.fixture
def farm(tmp_path: Path, gcc: str) -> Iterator[Farm]:
    if os.geteuid() != 0:
        pytest.skip("sccache-dist's servers mount file systems, which takes root")
    made = Farm(tmp_path, program("bwrap"))
    yield made
    made.close()


class Client:
    """A tree that the farm builds, for a user with a token."""

    def __init__(self, folder: Path, farm: Farm, token: str = "ours") -> None:
        folder.mkdir()
        config = folder / "client.conf"
        config.write_text(CLIENT.format(scheduler=farm.port, token=token, folder=folder))
        self.environment = {
            "PATH": os.pathsep.join((str(BIN), os.environ["PATH"])),
            "HOME": str(folder),
            "SCCACHE_CONF": str(config),
            "SCCACHE_SERVER_UDS": str(folder / "socket"),
            "SCCACHE_DIRECT": "false",
        }
        self.project = tree(folder / "tree")

    def scons(self, *words: str) -> Run:
        return self.project.run("TOOLCHAIN=gcc", *words, **self.environment)

    def sccache(self, *words: str) -> str:
        return subprocess.run(
            [BIN / "sccache", *words],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def servers(self) -> int:
        status = json.loads(self.sccache("--dist-status"))
        return int(status["SchedulerStatus"][1]["num_servers"])

    def by_server(self) -> dict[str, int]:
        statistics = json.loads(self.sccache("--show-stats", "--stats-format=json"))
        compiles: dict[str, int] = statistics["stats"]["dist_compiles"]
        return compiles


@pytest.fixture
def client(farm: Farm, tmp_path: Path) -> Iterator[Client]:
    made = Client(tmp_path / "client", farm)
    # A server registers with the scheduler when it is ready.
    for _ in range(600):
        if made.servers() == 2:
            break
        time.sleep(0.1)
    yield made
    made.sccache("--stop-server")


def test_a_farm_compiles_and_refuses_strangers(client: Client, farm: Farm, tmp_path: Path) -> None:
    # A server with another key gets no work; a user with another token is refused.
    farm.stranger()
    assert client.scons("O=alone").status == 0
    run = client.scons("CC_LAUNCHER=sccache", "-j4")
    assert run.status == 0, run.out + run.err
    assert objects(client.project) == objects(client.project, "alone")
    assert sum(client.by_server().values()) == FILES
    assert client.servers() == 2
    wrong = Client(tmp_path / "wrong", farm, token="theirs")
    run = wrong.scons("CC_LAUNCHER=sccache")
    assert run.status == 2
    assert "401" in run.err + run.out
    assert wrong.by_server() == {}
    wrong.sccache("--stop-server")
    # The server that compiles is killed, which takes time to be noticed.
    by_server = client.by_server()
    client.project.write("include/h.h", "#define H 8\n")
    assert client.scons("O=alone").status == 0
    command = [sys.executable, "-m", "SCons", "-Q", "TOOLCHAIN=gcc", "CC_LAUNCHER=sccache", "-j4"]
    with subprocess.Popen(
        command,
        cwd=client.project.top,
        env={**os.environ, **client.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as building:
        assert building.stdout is not None
        # With -j4, the first of these are compiled.
        lines = [building.stdout.readline() for _ in range(8)]
        farm.servers[max(by_server, key=lambda server: by_server[server])].kill()
        later = building.stdout.readlines()
    assert building.returncode == 0, "".join(lines + later)
    assert any("  CC " in line for line in later)
    assert client.by_server().keys() == farm.servers.keys(), "the other server took over"
    assert objects(client.project) == objects(client.project, "alone")
