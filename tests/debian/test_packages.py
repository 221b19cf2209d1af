# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Fetching system packages, with stand-ins for apt-get, apt-cache and dpkg-deb.

tests/bare/run uses the real programs, in a minimal Debian.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

import provision
from provision import Need
from xen_tool.debian import packages
from xen_tool.errors import XenToolError

APT_GET = """#!/bin/sh
echo "apt-get $*" >>"$HOME/log"
for word; do case $word in
    update) [ ! -e "$HOME/offline" ] || { echo "E: no network" >&2; exit 100; }
        cp "$HOME/archive-names" "$HOME/names" ;;
    --simulate) cat "$HOME/plan" ;;
    download) [ ! -e "$HOME/offline" ] || { echo "E: no network" >&2; exit 100; }
        cp "$HOME"/debs/* . ;;
    --yes) [ ! -e "$HOME/stale" ] || { rm "$HOME/stale"; echo "E: 404" >&2; exit 100; }
        : >"$HOME/stand-ins/xtool" ;;
esac; done
"""
APT_CACHE = """#!/bin/sh
cat "$HOME/names"
"""
DPKG_DEB = """#!/bin/sh
cat "$2"
"""

TOOL = Need("tool-{xen}", programs=("xtool",), files=("opt/xen-tool-test/data-*",))
EXTRA = Need("extra", programs=("xextra",))
NAMES = "libc6\nxen-hypervisor-4.9-amd64\nxen-hypervisor-4.17-amd64\ntool-4.9\ntool-4.17\n"


class Machine:
    """A home folder, and stand-ins for the programs, which log the words of their command lines."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.messages: list[str] = []
        self.folder = home / ".cache/xen_tool"
        for name, text in (("apt-get", APT_GET), ("apt-cache", APT_CACHE), ("dpkg-deb", DPKG_DEB)):
            self.program(home / "stand-ins" / name, text)
        (home / "debs").mkdir()
        (home / "names").write_text("libc6\n")
        (home / "archive-names").write_text(NAMES)
        (home / "plan").write_text(
            "NOTE: This is only a simulation!\n"
            "Inst libc6 [2.1] (2.2 Debian:12 [amd64])\n"
            "Inst libtool (1.0 Debian:12 [amd64])\n"
            "Inst tool-4.17 (4.17.7+13 Debian:12 [amd64])\n"
            "Conf tool-4.17 (4.17.7+13 Debian:12 [amd64])\n"
        )
        # Prints the arguments that the starting script passes.
        program = b'#!/bin/sh\necho "$LD_LIBRARY_PATH|$*"\n'
        self.deb("tool", {"./usr/bin/xtool": program, "./opt/xen-tool-test/data-1": b""})
        self.deb("libtool", {"./lib/x86_64-linux-gnu/libtool.so.1": b""})

    @staticmethod
    def program(path: Path, text: str) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def deb(self, name: str, files: dict[str, bytes]) -> None:
        with tarfile.open(self.home / "debs" / f"{name}.deb", "w") as archive:
            for path, content in files.items():
                for parent in list(Path(path).parents)[-2::-1]:
                    entry = tarfile.TarInfo(f"./{parent}/")
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                    archive.addfile(entry)
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(content), 0o755
                archive.addfile(entry, io.BytesIO(content))

    def log(self) -> str:
        log = self.home / "log"
        return log.read_text() if log.exists() else ""

    def provide(self) -> dict[str, str]:
        return provision.provide(self.messages.append)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'stand-ins'}:{os.environ['PATH']}")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("XEN_TOOL_PACKAGES_ROOT", raising=False)
    monkeypatch.setattr(provision, "NEEDS", (TOOL,))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return Machine(tmp_path)


@pytest.fixture
def set_variables(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    def set_them(variables: dict[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_them


def test_user_gets_programs_by_path_and_files_by_root(
    machine: Machine, set_variables: Callable[[dict[str, str]], None]
) -> None:
    variables = machine.provide()
    root = Path(variables["XEN_TOOL_PACKAGES_ROOT"])
    output = subprocess.check_output(
        ["xtool", "a b"], env={"PATH": variables["PATH"]}, text=True
    ).strip()
    assert output == f"{root}/usr/lib/x86_64-linux-gnu|a b"
    # The system's own programs come first.
    assert variables["PATH"].startswith(os.environ["PATH"])
    assert provision.missing() == [TOOL]
    set_variables(variables)
    assert provision.missing() == []
    assert machine.provide() == {}


def test_newest_xen_of_the_package_lists_is_taken(machine: Machine) -> None:
    machine.provide()
    assert "install --simulate --no-install-recommends tool-4.17\n" in machine.log()


def test_second_run_needs_no_network(machine: Machine) -> None:
    first = machine.provide()
    (machine.home / "log").unlink()
    (machine.home / "offline").touch()
    assert machine.provide() == first
    assert machine.log() == ""


def test_folder_for_top_level_lib_is_merged_into_usr(machine: Machine) -> None:
    root = Path(machine.provide()["XEN_TOOL_PACKAGES_ROOT"])
    assert (root / "lib").is_symlink()
    assert (root / "usr/lib/x86_64-linux-gnu/libtool.so.1").exists()


def test_libc_stays_the_systems(machine: Machine) -> None:
    machine.provide()
    assert "download libtool=1.0 tool-4.17=4.17.7+13\n" in machine.log()


def test_apts_own_state_is_not_touched(machine: Machine) -> None:
    machine.provide()
    for line in machine.log().splitlines():
        assert f"-o Dir::State={machine.folder}/" in line
        assert f"-o Dir::Cache={machine.folder}/" in line


def test_qemu_finds_its_unpacked_data(machine: Machine) -> None:
    program = b'#!/bin/sh\necho "$*"\n'
    machine.deb("qemu", {"./usr/bin/qemu-system-x86_64": program})
    root = Path(machine.provide()["XEN_TOOL_PACKAGES_ROOT"])
    output = subprocess.check_output(root.parent / "bin/qemu-system-x86_64", text=True)
    assert output == f"-L {root}/usr/share/qemu -L {root}/usr/share/seabios\n"


def test_xvfb_finds_keyboards_and_xkbcomp(machine: Machine) -> None:
    # Its starter names the folder of the keyboards, and the program finds xkbcomp by PATH.
    program = b'#!/bin/sh\necho "$*"\nexit\n\0/usr/bin\0/usr/bin/xkb\0'
    machine.deb("xvfb", {"./usr/bin/Xvfb": program})
    root = Path(machine.provide()["XEN_TOOL_PACKAGES_ROOT"])
    output = subprocess.check_output(root.parent / "bin/Xvfb", text=True)
    assert output == f"-xkbdir {root}/usr/share/X11/xkb\n"
    assert (root / "usr/bin/Xvfb").read_bytes().endswith(b"\0\0usr/bin\0/usr/bin/xkb\0")


def test_a_module_is_imported_from_unpacked_folders(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    set_variables: Callable[[dict[str, str]], None],
) -> None:
    module = Need("tool-{xen}", modules=("xen_tool_test_module",))
    monkeypatch.setattr(provision, "NEEDS", (module,))
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    library = f"./usr/lib/python{sys.version_info[0]}.{sys.version_info[1]}"
    machine.deb(
        "module",
        {
            f"{library}/lib-dynload/xen_tool_test_module.py": b"",
            "./usr/share/tcltk/tcl8.6/init.tcl": b"",
            "./etc/fonts/fonts.conf": b"<dir>/usr/share/fonts</dir>",
        },
    )
    assert provision.missing() == [module]
    assert provision.python_environment() == {}
    set_variables(machine.provide())
    assert provision.missing() == []
    variables = provision.python_environment()
    assert variables["TCL_LIBRARY"].endswith("/sysroot/usr/share/tcltk/tcl8.6")
    assert variables["LD_LIBRARY_PATH"].endswith("/sysroot/usr/lib/x86_64-linux-gnu")
    fonts = Path(variables["FONTCONFIG_FILE"])
    assert fonts.read_text() == f"<dir>{fonts.parents[2]}/usr/share/fonts</dir>"
    subprocess.run([sys.executable, "-c", "import xen_tool_test_module"], env=variables, check=True)


def test_debians_modules_are_not_for_another_python(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = Need("tool-{xen}", modules=("xen_tool_test_module",))
    monkeypatch.setattr(provision, "NEEDS", (module,))
    monkeypatch.setattr(sys, "base_prefix", "/opt/python")
    assert machine.provide() == {}
    assert machine.log() == ""
    assert provision.missing() == [module]
    assert module.wanted == "xen_tool_test_module"


def test_failure_says_why_and_leaves_nothing(machine: Machine) -> None:
    (machine.home / "offline").touch()
    with pytest.raises(XenToolError, match=r"apt-get .*update failed: no network"):
        machine.provide()
    assert [path.suffix for path in machine.folder.iterdir()] == [".lock"]


def test_remains_of_a_killed_run_are_removed(machine: Machine) -> None:
    folder = Path(machine.provide()["XEN_TOOL_PACKAGES_ROOT"]).parent
    remains = folder.with_name(f"{folder.name}.abc.new")
    remains.mkdir()
    (folder / "needs").write_text("")
    machine.provide()
    assert not remains.exists()
    assert (folder / "needs").read_text() == "tool-{xen}\n"


def test_new_needs_are_unpacked_into_another_folder(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.provide()
    monkeypatch.setattr(provision, "NEEDS", (TOOL, EXTRA))
    (machine.home / "archive-names").write_text(NAMES + "extra\n")
    machine.deb("extra", {"./usr/bin/xextra": b"#!/bin/sh\n"})
    folder = Path(machine.provide()["XEN_TOOL_PACKAGES_ROOT"]).parent
    assert (folder / "bin/xextra").exists()
    assert (folder / "bin/xtool").exists()


def test_an_installed_package_whose_files_are_missing_is_fetched(machine: Machine) -> None:
    (machine.home / "plan").write_text("")
    machine.provide()
    assert machine.log().splitlines()[-1].endswith(" download tool-4.17")


def test_a_package_that_the_archive_lacks_is_skipped_and_not_requested_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provision, "NEEDS", (TOOL, EXTRA))
    first = machine.provide()
    assert "--no-install-recommends tool-4.17\n" in machine.log()
    (machine.home / "log").unlink()
    assert machine.provide() == first
    assert machine.log() == ""


def test_cache_that_cannot_be_written(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine.home / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine.home / "file"))
    with pytest.raises(XenToolError, match="XDG_CACHE_HOME"):
        machine.provide()


def test_root_updates_the_lists_if_they_lack_a_package(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert machine.provide() == {}
    update, install = machine.log().splitlines()
    assert update == "apt-get update"
    assert install.endswith("install --yes --no-install-recommends tool-4.17")
    assert machine.messages[-1] == "installing with apt-get: tool-4.17"


def test_root_does_not_update_lists_that_know_all(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (machine.home / "names").write_text(NAMES)
    machine.provide()
    assert "update" not in machine.log()


def test_root_updates_stale_lists(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (machine.home / "names").write_text(NAMES)
    (machine.home / "stale").touch()
    machine.provide()
    assert len(machine.log().splitlines()) == 3
    assert (machine.home / "stand-ins/xtool").exists()


def test_without_apt_get_the_packages_are_named(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(machine.home))
    with pytest.raises(XenToolError, match="install what Debian calls tool-VERSION"):
        machine.provide()


def test_nothing_is_done_where_nothing_is_missing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provision, "NEEDS", (Need("dash", programs=("sh",), files=("bin/sh",)),))
    assert machine.provide() == {}
    assert machine.log() == ""
    assert machine.messages == []


def test_a_boot_and_the_tests_share_what_is_unpacked(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "BOOT", (TOOL.package,))
    monkeypatch.setattr(provision, "NEEDS", (TOOL, EXTRA))
    monkeypatch.setattr(os, "geteuid", lambda: 0)  # a boot installs nothing, even for root
    path = packages.emulator("xtool", machine.messages.append)
    assert path == Path(machine.folder, path.parents[1].name, "bin/xtool")
    assert "--yes" not in machine.log()
    assert len(machine.messages) == 2
    (machine.home / "offline").touch()
    assert packages.emulator("xtool", machine.messages.append) == path
    assert len(machine.messages) == 2
    # The tests need more packages: a boot then uses the folder that has all.
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (machine.home / "offline").unlink()
    (machine.home / "archive-names").write_text(NAMES + "extra\n")
    machine.deb("extra", {"./usr/bin/xextra": b"#!/bin/sh\n"})
    assert machine.provide()["PATH"].endswith(str(path.parent))
    (machine.home / "offline").touch()
    assert packages.emulator("xtool", machine.messages.append) == path
    assert path.with_name("xextra").exists()


def test_a_hypervisor_that_is_not_installed_is_fetched(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "BOOT", (TOOL.package,))
    monkeypatch.setattr(packages, "default_roots", lambda: [machine.home / "empty"])
    machine.deb("xen", {"./boot/xen-4.17-amd64.gz": b"xen"})
    path = packages.hypervisor(machine.messages.append)
    assert path.read_bytes() == b"xen"
    assert path.is_relative_to(machine.folder)
    path.write_bytes(b"nex")
    with pytest.raises(XenToolError, match="has changed since it was fetched"):
        packages.hypervisor(machine.messages.append)


def test_an_emulator_that_the_archive_lacks(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "BOOT", (EXTRA.package,))
    with pytest.raises(XenToolError, match="and apt-get does not fetch it: install what Debian"):
        packages.emulator("xextra", machine.messages.append)
