# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The ways in which an image is booted, one row each.

A mode is named after the loader that it puts to the test, as the verdicts on an
image are.  The rows say what QEMU is given; boot.py runs it, and domu.py makes
the dom0 that a domU needs.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from ..errors import XenToolError
from ..light import NamedTuple
from ..loaders import names
from ..loaders.model.releases import Xen


class Place(Enum):
    """What the image is given to QEMU as."""

    KERNEL = "the machine's own kernel, without Xen"
    DOM0 = "Xen's first module, and so dom0's kernel"
    DOMU = "a file of a Linux dom0, which has xl build a domain from it"


class Mode(NamedTuple):
    """A way to boot an image."""

    name: str
    alias: str
    what: str
    """For people, as in "boots it as ..."."""
    place: Place
    memory: int
    """Of the machine, in MiB."""
    timeout: float
    """Seconds until a boot without a result has failed, unless told otherwise."""
    cpu: str | None = None
    """QEMU's -cpu, unless its default will do."""
    xen: tuple[str, ...] = ()
    """Options of Xen, besides its console's."""
    domain: tuple[str, ...] = ()
    """Lines of the domain's configuration (xl.cfg(5))."""
    real_time: bool = False
    """Whether the machine's clock is the real one, also where it need not be."""
    bits: int | None = None
    """Of the kernels that start so, if only of one kind."""

    @property
    def loader(self) -> str:
        """Who takes the image."""
        return self.name if self.name in names.LOADERS else names.PV_DOMU

    @property
    def modelled(self) -> Xen:
        """The Xen whose verdict tells whether the image is taken."""
        return Xen(pv32=self.bits == 32)

    @property
    def starts_by_pvh(self) -> bool:
        """Whether the image is entered by its note PHYS32_ENTRY, in 32-bit mode without paging."""
        return self.loader in (names.PVH_DOM0, names.PVH_DOMU, names.QEMU)

    @property
    def is_nested(self) -> bool:
        """Whether Xen translates the guest's physical addresses once more."""
        return _NESTED_PAGING in (self.cpu or "")

    @property
    def counts_instructions(self) -> bool:
        """Whether the machine's clock goes by the instructions that it runs.

        Xen's start, which waits busily for the clock, takes half the time so, and
        every run is the same, however busy the host is.  A Linux would take longer.
        """
        return self.place is not Place.DOMU and not self.real_time


# Debian's Xen has no shadow paging, so a PVH domain needs nested paging from the CPU.  For Linux
# as a PV dom0 a newer model than QEMU's default will not do: its boot crashes.
_NESTED_PAGING = "+npt"
_NPT = f"qemu64,{_NESTED_PAGING}"
# To a CPU of qemu64's family, 15, Xen does as to an old AMD one, and xen-shim gets a #GP for it.
_SHIM_CPU = f"qemu64,+svm,{_NESTED_PAGING},family=23,model=1"
# Xen 4.17 itself needs about 48 MiB, an image its size and 16 MiB.
_DOM0_MIB = 128

MODES = (
    Mode(
        name=names.PV_DOM0,
        alias="pv",
        what="PV dom0 of Xen",
        place=Place.DOM0,
        memory=_DOM0_MIB,
        timeout=30,
        bits=64,
    ),
    Mode(
        name=names.PV_DOMU,
        alias="pv-domu",
        what="PV domU, built by xl in a Linux dom0",
        place=Place.DOMU,
        memory=512,
        timeout=120,
        domain=('type = "pv"', "memory = 32"),
        bits=64,
    ),
    Mode(
        name=names.PVH_DOM0,
        alias="pvh",
        what="PVH dom0 of Xen",
        place=Place.DOM0,
        memory=_DOM0_MIB,
        timeout=30,
        cpu=_NPT,
        xen=("dom0=pvh", "dom0-iommu=none"),
    ),
    Mode(
        name=names.PVH_DOMU,
        alias="pvh-domu",
        what="PVH domU, built by xl in a Linux dom0",
        place=Place.DOMU,
        memory=512,
        timeout=120,
        cpu=_NPT,
        domain=('type = "pvh"', "memory = 64"),
    ),
    Mode(
        name=names.QEMU,
        alias="qemu",
        what="PVH kernel of the machine, by QEMU's -kernel, without Xen",
        place=Place.KERNEL,
        memory=256,
        timeout=10,
    ),
    Mode(
        name="xen-shim-pv32",
        alias="pv32-shim",
        what="32-bit PV domU inside xen-shim, a Xen with CONFIG_PV32",
        place=Place.DOMU,
        memory=800,
        timeout=180,
        cpu=_SHIM_CPU,
        domain=('type = "pvh"', "pvshim = 1", "memory = 128"),
        bits=32,
    ),
)
"""Every mode."""


def named(name: str) -> Mode:
    """The mode of this name or alias.

    Raises XenToolError, listing them, if there is none.
    """
    for mode in MODES:
        if name in (mode.name, mode.alias):
            return mode
    raise XenToolError(f"there is no boot mode {name}: name one of {listed()}")


def suited(loaders: Collection[str], bits: int | None) -> Mode:
    """The first mode for a kernel that is made for these loaders; the first if there is none."""
    fitting = (m for m in MODES if m.loader in loaders and m.bits in (None, bits))
    return next(fitting, MODES[0])


def listed() -> str:
    """The names and aliases of all modes, for a message."""
    return ", ".join(f"{mode.name} ({mode.alias})" for mode in MODES)
