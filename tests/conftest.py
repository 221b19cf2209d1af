# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Fixtures of all tests: toolchains, Xen, QEMU and other authorities, each found once."""

from __future__ import annotations

import functools
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from programs import program
from project import TOP, Project, reference_kernel
from xen_tool.debian.apt import cache_folder, locked
from xen_tool.debian.hypervisor import find_hypervisor
from xen_tool.errors import XenToolError
from xen_tool.toolchain.programs import NAMES

pytest_plugins = ["no_skips", "parameter_ids", "tiers"]

NEW_SEED = os.environ.setdefault("XEN_TOOL_NEW_SEED", str(secrets.randbelow(1 << 30)))
"""The seed of random tests, a different one in each run; xdist's workers inherit it."""
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(TOP / "build/.hypothesis"))


def pytest_report_header() -> str:
    """Return the line that says how to repeat this run's random tests."""
    return f"XEN_TOOL_NEW_SEED={NEW_SEED}"


@pytest.fixture(scope="session")
def gnu_as() -> str:
    """GNU as, the authority on the head object."""
    return program("as")


@pytest.fixture(scope="session")
def gcc() -> str:
    """gcc, the authority on what a source includes."""
    return program("gcc")


@pytest.fixture(params=NAMES)
def toolchain(request: pytest.FixtureRequest) -> str:
    """The name of a toolchain; a test runs once for each."""
    name = str(request.param)
    if name == "zig":
        pytest.importorskip("ziglang", reason="ziglang is not installed")
    else:
        program(name)
    return name


@pytest.fixture(scope="session")
def gdb() -> str:
    """GNU gdb."""
    return program("gdb")


@pytest.fixture(scope="session")
def zsh() -> str:
    """A shell that completes words."""
    return program("zsh")


@pytest.fixture(scope="session")
def fish() -> str:
    """The shell fish, for its completion."""
    return program("fish")


@pytest.fixture(scope="session")
def readelf() -> str:
    """GNU readelf."""
    return program("readelf")


@pytest.fixture(scope="session")
def xen_under_qemu() -> None:
    """QEMU and the real hypervisor, which must be found; a test with this fixture boots them."""
    program("qemu-system-x86_64")
    try:
        find_hypervisor()
    except XenToolError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def linux_dom0(xen_under_qemu: None) -> None:
    """QEMU, Xen, and apt-get, which fetches the packages of a Linux dom0 for domUs."""
    program("apt-get")


@pytest.fixture(scope="session")
def oldest_scons() -> Path:
    """The oldest SCons that the tool supports, installed once into a separate folder."""
    pins = TOP / "requirements/oldest.txt"
    folder = cache_folder() / f"scons-{hashlib.sha256(pins.read_bytes()).hexdigest()[:16]}"
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
            command += ["--disable-pip-version-check", f"--target={part}", "-r", str(pins)]
            subprocess.run(command, check=True)
            part.rename(folder)
    return folder


@pytest.fixture(params=["newest", "oldest"])
def each_scons(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The newest or the oldest SCons, for code that uses names outside of its public interface."""
    which: str = request.param
    if which == "oldest":
        monkeypatch.setenv("PYTHONPATH", str(request.getfixturevalue("oldest_scons")))
    return which


@pytest.fixture
def kernel(tmp_path: Path) -> Project:
    """A copy of the reference kernel, not yet built."""
    return reference_kernel(tmp_path / "kernel")


@pytest.fixture
def with_tool(tmp_path: Path) -> Project:
    """A copy of the reference kernel, not yet built, and of the tool, which may be edited."""
    return reference_kernel(tmp_path / "kernel", own_tool=True)


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    """Build a kernel, with a tool of its own or not, when it is first needed."""

    @functools.cache
    def built(own_tool: bool) -> Path:
        project = reference_kernel(tmp_path_factory.mktemp("built") / "kernel", own_tool=own_tool)
        project.scons("ARCH=x86_64")
        return project.top

    return built


def _copied(kernel: Path, folder: Path) -> Project:
    shutil.copytree(kernel, folder / "kernel")
    return Project(folder / "kernel")


@pytest.fixture
def built_kernel(_built: Callable[[bool], Path], tmp_path: Path) -> Project:
    """A copy of the reference kernel, built for x86_64."""
    return _copied(_built(False), tmp_path)


@pytest.fixture
def built_with_tool(_built: Callable[[bool], Path], tmp_path: Path) -> Project:
    """A copy of the reference kernel, built for x86_64, and of the tool, which may be edited."""
    return _copied(_built(True), tmp_path)
