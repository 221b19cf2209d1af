# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The loaders that must accept a configuration's kernel, and the Xen that they belong to.

Used by the check of every link.  For an image without its configuration, verdict.claimed()
returns the loaders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..abi import Arch
from .model.releases import Xen
from .names import ALL, PV, PV_DOM0, PV_DOMU, PVH, named


def of_configuration(arch: Arch, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the loaders that a kernel is built for, from the values of symbols (y, n, ...).

    A 64-bit XEN_PV kernel is for both kinds of PV domain.  A 32-bit one is for
    a domU: as dom0 it would need a Xen that distributions do not have.  A
    XEN_PVH kernel is for both kinds of PVH domain, and for QEMU.
    """
    loaders: tuple[str, ...] = ()
    if values.get("XEN_PV") == "y":
        loaders += PV if arch.bits == 64 else (PV_DOMU,)
    if values.get("XEN_PVH") == "y":
        loaders += PVH
    return loaders


_OF_LOADERS = ("XEN", "XEN_PV", "XEN_PVH")


def symbols(values: Mapping[str, str]) -> str:
    """Return the symbols that select the loaders, as NAME=VALUE separated by blanks.

    Symbols that the configuration does not know are left out: a Kconfig may have none of them.
    """
    return " ".join(f"{name}={values[name]}" for name in _OF_LOADERS if name in values)


def fix(loader: str, symbols: str) -> str | None:
    """Return how to configure the kernel for a loader; None if it is configured for it.

    symbols: as symbols() returns them.
    """
    wanted = ["XEN", "XEN_PV" if loader in (PV_DOM0, PV_DOMU) else "XEN_PVH"]
    given = dict(symbol.split("=") for symbol in symbols.split())
    missing = [name for name in wanted if given.get(name, "y") != "y"]
    if not missing:
        return None
    words = " ".join(f"{name}=1" for name in missing)
    has = " and ".join(f"{name}={given[name]}" for name in missing)
    return f"build it with {words}: the configuration has {has}"


def lacks_entry(symbols: str) -> bool:
    """Whether a configuration selects XEN, but neither XEN_PV nor XEN_PVH."""
    given = dict(symbol.split("=") for symbol in symbols.split())
    return given.get("XEN") == "y" and given.get("XEN_PV") == given.get("XEN_PVH") == "n"


def xen_for(arch: Arch) -> Xen:
    """Return the default release of Xen, with CONFIG_PV32 if arch is 32-bit."""
    return Xen()._replace(pv32=arch.bits == 32)


def parse(names: str) -> tuple[str, ...]:
    """Parse a list of loaders separated by commas; "none" is an empty list, "all" is all of them.

    Raises XenToolError for an unknown name.
    """
    if names in ("none", "all"):
        return ALL if names == "all" else ()
    return known([name.strip() for name in names.split(",")])


def known(loaders: Iterable[str]) -> tuple[str, ...]:
    """Return the loaders that have these long or short names.

    Raises XenToolError for an unknown name.
    """
    return tuple(named(name) for name in loaders)
