# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The modes in which an image is booted, one row each.

The rows hold the settings of QEMU and Xen; qemu_files.py and domu.py lay out the files of a machine
by the place of the image, and boot.py runs it.  docs/boot.md lists the modes.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from ..errors import XenToolError
from ..light import NamedTuple
from ..loaders import names
from ..loaders.model.releases import Xen

CPUS = 2
"""Number of CPUs of the guest, unless the mode has another, or CPUS= or --cpus sets one."""


class Place(Enum):
    """The role of the image in the machine."""

    KERNEL = "the machine's own kernel, without Xen"
    DOM0 = "Xen's first module, and so dom0's kernel"
    DOMU = "a file of a Linux dom0, which has xl build a domain from it"


class Mode(NamedTuple):
    """A mode of booting an image."""

    name: str
    """The name, also that of the loader that loads the image, unless rules_of names another."""
    alias: str
    what: str
    """A description, as in "boots it as ..."."""
    place: Place
    memory: int
    """Memory of the machine in MiB."""
    timeout: float
    """The default time limit in seconds; a boot that has no result by then has failed."""
    cpus: int = CPUS
    """The default number of CPUs of the guest."""
    cpu: str | None = None
    """The value of QEMU's -cpu; None: QEMU's default."""
    xen: tuple[str, ...] = ()
    """Options of Xen, besides those of its console."""
    domain: tuple[str, ...] = ()
    """Lines of the domain's configuration (xl.cfg(5))."""
    real_time: bool = False
    """Whether the machine's clock follows real time, so that counts_instructions is False."""
    bits: int | None = None
    """32 or 64 if only kernels of this width can be booted; None: both."""
    rules_of: str = ""
    """The loader whose rules hold, if it is not that of the mode's name."""

    @property
    def loader(self) -> str:
        """The name of the loader that loads the image."""
        return self.rules_of or self.name

    @property
    def modelled(self) -> Xen:
        """The Xen by whose rules the image is checked: its CONFIG_PV32 is set in xen-shim only."""
        return Xen(pv32=self.bits == 32)

    @property
    def starts_by_pvh(self) -> bool:
        """Whether the image is entered by its note PHYS32_ENTRY, in 32-bit mode without paging."""
        return self.loader in (names.PVH_DOM0, names.PVH_DOMU, names.QEMU)

    @property
    def is_nested(self) -> bool:
        """Whether the guest's addresses are translated twice: by its page tables, then Xen's."""
        return _NESTED_PAGING in (self.cpu or "")

    @property
    def counts_instructions(self) -> bool:
        """Whether the machine's clock counts the instructions that it runs (-icount).

        Xen's start, which polls the clock, then takes half the time, and every run is the same,
        however busy the host is.  Linux, which is the dom0 of a domU, would take longer.
        """
        return self.place is not Place.DOMU and not self.real_time


# Debian's Xen has no shadow paging, so a PVH domain needs nested paging of the CPU.  The PV modes
# keep QEMU's default: Linux as a PV dom0 crashes on a newer model.
_NESTED_PAGING = "+npt"
_NPT = f"qemu64,{_NESTED_PAGING}"
# Xen treats a CPU of qemu64's family, 15, as an old AMD one, and xen-shim gets a #GP from that.
_SHIM_CPU = f"qemu64,+svm,{_NESTED_PAGING},family=23,model=1"
# Xen 4.17 itself needs about 48 MiB, and an image needs its size and 16 MiB.
_DOM0_MIB = 128

MODES = (
    Mode(
        name=names.PV_DOM0,
        alias=names.SHORT[names.PV_DOM0],
        what="PV dom0 of Xen",
        place=Place.DOM0,
        memory=_DOM0_MIB,
        timeout=30,
        bits=64,
    ),
    Mode(
        name=names.PV_DOMU,
        alias=names.SHORT[names.PV_DOMU],
        what="PV domU, built by xl in a Linux dom0",
        place=Place.DOMU,
        memory=512,
        timeout=120,
        domain=('type = "pv"', "memory = 32"),
        bits=64,
    ),
    Mode(
        name=names.PVH_DOM0,
        alias=names.SHORT[names.PVH_DOM0],
        what="PVH dom0 of Xen",
        place=Place.DOM0,
        memory=_DOM0_MIB,
        timeout=30,
        cpu=_NPT,
        xen=("dom0=pvh", "dom0-iommu=none"),
    ),
    Mode(
        name=names.PVH_DOMU,
        alias=names.SHORT[names.PVH_DOMU],
        what="PVH domU, built by xl in a Linux dom0",
        place=Place.DOMU,
        memory=512,
        timeout=120,
        cpu=_NPT,
        domain=('type = "pvh"', "memory = 64"),
    ),
    Mode(
        name=names.QEMU,
        alias=names.SHORT[names.QEMU],
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
        rules_of=names.PV_DOMU,
    ),
)
"""All modes; the default is the first that suits the image."""


def named(name: str) -> Mode:
    """Return the mode of this name or alias.

    Raises XenToolError, with the list of names, if there is none.
    """
    for mode in MODES:
        if name in (mode.name, mode.alias):
            return mode
    raise XenToolError(f"there is no boot mode {name}: name one of {listed()}")


def suited(loaders: Collection[str], bits: int | None) -> Mode:
    """Return the first mode that suits a kernel; the first of all if none does.

    loaders: the names of those that are to load it.  bits: 32, 64, or None if unknown.
    """
    fitting = (m for m in MODES if m.loader in loaders and m.bits in (None, bits))
    return next(fitting, MODES[0])


def listed() -> str:
    """Return the names and aliases of all modes, for a message."""
    return ", ".join(f"{mode.name} ({mode.alias})" for mode in MODES)
