# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The files that the tree's SConscript chooses for a configuration, without running SCons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from project import TOP
from xen_tool.config.conditions import holds
from xen_tool.config.language.kconf import read_kconfig

SOURCES = "arch/x86/xen"
"""The folder of the guest's sources."""
SCRIPT = "vmlinux.lds.S"

Values = dict[str, str]


def configured(arch: str, settings: Mapping[str, str]) -> Any:
    """Return kconfiglib's Kconfig with an architecture's defconfig, and then settings of 0 or 1."""
    kconf = read_kconfig(TOP / "kconfig/Kconfig", TOP, {"ARCH": arch})
    kconf.load_config(str(TOP / f"kconfig/configs/{arch}_defconfig"))
    for name, value in settings.items():
        assert kconf.syms[name].set_value("ny"[int(value)])
    return kconf


def values_of(arch: str, settings: Mapping[str, str]) -> Values:
    """Return the value of each symbol that configured() gives."""
    return {s.name: s.str_value for s in configured(arch, settings).unique_defined_syms}


def sources_of(values: Values) -> list[str]:
    """Return the sources, relative to SOURCES, that the SConscript chooses for these values."""

    class Environment(dict[str, Any]):
        def XenSources(self, table: dict[str, Any]) -> list[str]:  # noqa: N802 - as SCons has it
            chosen = [files for condition, files in table.items() if holds(condition, values)]
            texts = [files if isinstance(files, str) else " ".join(files) for files in chosen]
            return " ".join(texts).split()

        def XenObject(self, sources: list[str]) -> list[str]:  # noqa: N802
            return sources

    env = Environment()
    names: dict[str, Any] = {"env": env, "File": str}
    names |= {"Import": lambda _: None, "Return": lambda _: None}
    exec((TOP / SOURCES / "SConscript").read_text(), names)
    assert names["script"] == SCRIPT
    objects: list[str] = names["objects"]
    return objects
