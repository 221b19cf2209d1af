# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Fetching another Debian's Xen, with stand-ins for apt-get and dpkg-deb.

tests/boot/ uses the real programs.
"""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from xen_tool.debian import suites
from xen_tool.debian.suites import NotServed, dom0_packages, hypervisor
from xen_tool.errors import XenToolError

APT_GET = """#!/bin/sh
echo "$*" >>"$HOME/log"
state=$HOME
for word; do case $word in
    Dir::State=*) state=${word#*=} ;;
    indextargets) [ -e "$state/lists/main" ] || exit 0
        echo 'http://mirror/debian contrib'; echo 'http://mirror/debian main' ;;
    update) touch "$state/lists/main"
        [ ! -e "$HOME/update-says" ] || { cat "$HOME/update-says" >&2; exit 100; }
        grep . "$HOME"/.cache/xen_tool/*/*.new/apt/sources.list >>"$HOME/log" || : ;;
    --simulate) cat "$HOME/plan" ;;
    download) cp "$HOME/a.deb" . ;;
esac; done
"""
PLAN = """\
Inst libyajl2 (2.1 Debian:11 [amd64])
Inst libpython3.9-stdlib (3.9 Debian:11 [amd64])
Inst python3 (3.9 Debian:11 [amd64])
Inst zlib1g (1.2 Debian:11 [amd64])
Inst xen-utils-4.14 (4.14.6 Debian:11 [amd64])
Inst busybox-static (1.30 Debian:11 [amd64])
Inst linux-image-5.10.0-9-amd64 (5.10 Debian:11 [amd64])
Inst linux-image-amd64 (5.10 Debian:11 [amd64])
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(suites, "installed_hypervisors", lambda: [("4.9", tmp_path / "its-own")])
    for name, text in (("apt-get", APT_GET), ("dpkg-deb", '#!/bin/sh\ncat "$2"\n')):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "plan").write_text(PLAN)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/main").touch()
    with tarfile.open(tmp_path / "a.deb", "w") as archive:
        entry = tarfile.TarInfo("./boot/xen-4.14-amd64.gz")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"xen"))
    return tmp_path


def log(home: Path) -> str:
    return (home / "log").read_text() if (home / "log").exists() else ""


def test_a_hypervisor_is_fetched_once_from_the_release_that_has_it(home: Path) -> None:
    messages: list[str] = []
    path = hypervisor("4.14", messages.append)
    assert path == home / ".cache/xen_tool/xen-4.14/xen-4.14-amd64.gz"
    assert path.read_bytes() == b"xen"
    assert "http://mirror/debian bullseye main\n" in log(home)
    assert "download xen-hypervisor-4.14-amd64\n" in log(home)
    assert len(messages) == 2
    (home / "log").unlink()
    assert hypervisor("4.14", messages.append) == path
    assert log(home) == ""
    assert len(messages) == 2
    kept = {path.name, f"{path.name}.sha256", f"{path.name}.seen"}
    assert {entry.name for entry in path.parent.iterdir()} == kept


def test_missing_package_lists_are_fetched_first(home: Path) -> None:
    (home / "lists/main").unlink()
    messages: list[str] = []
    path = hypervisor("4.14", messages.append)
    assert "http://mirror/debian bullseye main\n" in log(home)
    assert len(messages) == 3
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, f"{path.name}.sha256"}


def test_a_cached_file_without_its_digest_is_fetched_again(home: Path) -> None:
    path = home / ".cache/xen_tool/xen-4.14/xen-4.14-amd64.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"of an older version")
    assert hypervisor("4.14", lambda line: None) == path
    assert path.read_bytes() == b"xen"


def test_a_changed_file_in_the_cache_is_an_error(home: Path) -> None:
    path = hypervisor("4.14", lambda line: None)
    path.write_bytes(b"elf")
    with pytest.raises(
        XenToolError, match=r"has changed since it was fetched: .* differs; remove it"
    ):
        hypervisor("4.14", lambda line: None)


def test_an_installed_hypervisor_is_used(home: Path) -> None:
    (home / "its-own").touch()
    assert hypervisor("4.9", print) == home / "its-own"
    assert log(home) == ""


def test_a_dom0_takes_libraries_tools_and_a_kernel(home: Path) -> None:
    (package,) = dom0_packages("4.14", lambda line: None)
    assert package == home / ".cache/xen_tool/xen-4.14/dom0/a.deb"
    words = "libyajl2=2.1 zlib1g=1.2 xen-utils-4.14=4.14.6 busybox-static=1.30"
    assert f"download {words} linux-image-5.10.0-9-amd64=5.10\n" in log(home)
    assert "Dir::State::status=/var/lib" not in log(home)


def test_a_release_that_the_mirror_does_not_have(home: Path) -> None:
    words = "E: The repository 'http://mirror/debian bullseye Release' does not have a Release file"
    (home / "update-says").write_text(f"{words}.\n")
    with pytest.raises(NotServed, match="http://mirror/debian has no bullseye, the Debian with"):
        hypervisor("4.14", lambda line: None)


def test_a_mirror_that_is_not_reached(home: Path) -> None:
    (home / "update-says").write_text("E: Failed to fetch: Could not resolve 'mirror'\n")
    with pytest.raises(XenToolError, match="Could not resolve") as error:
        hypervisor("4.14", lambda line: None)
    assert not isinstance(error.value, NotServed)
    assert list((home / ".cache/xen_tool/xen-4.14").iterdir()) == []


def test_a_version_that_no_release_has(home: Path) -> None:
    with pytest.raises(XenToolError, match=r"no release of Debian has Xen 4\.99; .* 4\.14, 4\.17"):
        hypervisor("4.99", lambda line: None)


def test_a_cache_that_cannot_be_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "file"))
    with pytest.raises(XenToolError, match="XDG_CACHE_HOME"):
        hypervisor("4.14", lambda line: None)
