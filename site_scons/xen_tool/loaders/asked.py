# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Which loaders a configuration's kernel must be taken by, and on which Xen.

Used by the check of every link; whoever checks an image without its
configuration has verdict.claimed().
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..abi import Arch
from ..errors import XenToolError
from .model.releases import Xen
from .names import LOADERS, PV, PV_DOMU, PVH


def of_configuration(arch: Arch, values: Mapping[str, str]) -> tuple[str, ...]:
    """The loaders for which the symbols build a kernel; values are y, n and the like.

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


def xen_for(arch: Arch) -> Xen:
    """Of the default release, a Xen that takes kernels of arch."""
    return Xen()._replace(pv32=arch.bits == 32)


def parse(names: str) -> tuple[str, ...]:
    """Loaders from a list with commas; "none" are none.

    Raises XenToolError for a name that is none.
    """
    if names == "none":
        return ()
    return known([name.strip() for name in names.split(",")])


def known(loaders: Sequence[str]) -> tuple[str, ...]:
    """The same loaders.

    Raises XenToolError if one of them is none.
    """
    for loader in loaders:
        if loader not in LOADERS:
            raise XenToolError(f"{loader!r} is no loader; there are {', '.join(LOADERS)}")
    return tuple(loaders)
