# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A pytest plugin: sort the tests into the tiers unit, build and boot, and start long files first.

`./sconsw test unit` runs one tier.  A test is in the tier boot if it starts QEMU (by a fixture), in
the tier build if its module starts other programs, else in the tier unit; a marker in the module
overrides this.
"""

from __future__ import annotations

import subprocess

import pytest

from project import Project, reference_kernel

TIERS = {
    "unit": "what needs no other program, and the linters",
    "build": "real compilers, linkers, SCons and other programs",
    "boot": "QEMU and Xen",
}
_BOOTS = {"xen_under_qemu", "linux_dom0", "real_machines", "older_and_newer"}
_BUILDS = {"kernel", "built_kernel", "gcc", "gnu_as", "toolchain", "readelf", "gdb", "zsh", "fish"}
_STARTERS = (subprocess, Project, reference_kernel)
_LONG = (
    "devloop/test_walk.py",
    "scons/test_exactness.py",
    "boot/test_boot_xen.py",
    "boot/debugger/test_gdb.py",
    "report/test_bounded.py",
    "image/test_hostile.py",
    "shortcut/test_watch.py",
    "config/test_ckconfig.py",
)
"""Files that take a minute or more; if one started last, the other workers would be idle."""


def pytest_configure(config: pytest.Config) -> None:
    for name, what in TIERS.items():
        config.addinivalue_line("markers", f"{name}: {what}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not any(item.get_closest_marker(tier) for tier in TIERS):
            item.add_marker(_tier(item))
    items.sort(key=lambda item: not item.nodeid.partition("::")[0].endswith(_LONG))


def _tier(item: pytest.Item) -> str:
    fixtures = set(getattr(item, "fixturenames", ()))
    if fixtures & _BOOTS:
        return "boot"
    module = getattr(item, "module", None)
    starts = any(thing is starter for thing in vars(module).values() for starter in _STARTERS)
    return "build" if starts or fixtures & _BUILDS else "unit"
