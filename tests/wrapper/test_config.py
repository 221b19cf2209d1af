# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The configuration through ./sconsw, as it is typed in this checkout."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from project import TOP


class Typed:
    """Runs ./sconsw of this checkout; configuration and build directory are in another folder."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config"
        self._out = folder / "out"

    def __call__(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            ["./sconsw", "-Q", f"O={self._out}", *words],
            cwd=TOP,
            env={**os.environ, "KCONFIG_CONFIG": str(self.config)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def sconsw(tmp_path: Path) -> Typed:
    return Typed(tmp_path)


def test_targets_change_the_saved_configuration(sconsw: Typed) -> None:
    assert "written" in sconsw("x86_64_defconfig", "pvh.config")
    assert "CONFIG_XEN_PVH=y\n" in sconsw.config.read_text()
    sconsw("setconfig", "XEN_PVH=0", "SMP=0")
    assert "# CONFIG_XEN_PVH is not set\n" in sconsw.config.read_text()
    assert "no change" in sconsw("olddefconfig")
    sconsw("allmodconfig")
    assert "CONFIG_KASAN=y\n" in sconsw.config.read_text()
    sconsw("alldefconfig")
    assert "# CONFIG_KASAN is not set\n" in sconsw.config.read_text()


def test_targets_print_the_configuration_and_errors_say_what_to_type(sconsw: Typed) -> None:
    symbols = json.loads(sconsw("listconfig", "--json"))["symbols"]
    assert {"XEN", "XEN_PV", "SMP"} <= {symbol["name"] for symbol in symbols}
    assert sconsw("why", "VMSPLIT_2G=y").endswith("tried: ARCH=i386 VMSPLIT_2G=y\n")
    assert "what depends on it" in sconsw("why", "XEN")
    assert "do you mean MODE" in sconsw("MODEE=pv", status=2)
    assert "type XEN=1 XEN_PV=1" in sconsw("XEN=0", "XEN_PV=1", status=2)
    assert "type `scons menuconfig`" in sconsw("nconfig", status=2)
