# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The names of the loaders, long and short, and groups of them.

This module imports no rules, so that it is cheap to import.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import XenToolError

PV_DOM0 = "xen-pv-dom0"
PV_DOMU = "xen-pv-domu"
PVH_DOM0 = "xen-pvh-dom0"
PVH_DOMU = "xen-pvh-domu"
QEMU = "qemu-kernel"

XEN_EFI = "xen-efi"
FIRECRACKER = "firecracker"
CLOUD_HYPERVISOR = "cloud-hypervisor"
LIBKRUN = "libkrun"
CROSVM = "crosvm"
KEXEC = "kexec"
GRUB_XEN = "grub-xen"
GRUB_XEN_PVH = "grub-xen-pvh"
GRUB_LINUX = "grub-linux"
GRUB_MULTIBOOT = "grub-multiboot"
GRUB_MULTIBOOT2 = "grub-multiboot2"

LOADERS = (PV_DOM0, PV_DOMU, PVH_DOM0, PVH_DOMU, QEMU)
"""The loaders that an image may claim to support, which are checked by default."""

GRUB = (GRUB_XEN, GRUB_XEN_PVH, GRUB_LINUX, GRUB_MULTIBOOT, GRUB_MULTIBOOT2)
FURTHER = (XEN_EFI, FIRECRACKER, CLOUD_HYPERVISOR, LIBKRUN, CROSVM, KEXEC, *GRUB)
"""Xen's EFI binary, virtual machine monitors, kexec and GRUB.  They are checked, and their rules
imported, only if they are named, or if the image is for them alone."""
ALL = (*LOADERS, *FURTHER)
SHORT = {
    PV_DOM0: "pv",
    PV_DOMU: "pv-domu",
    PVH_DOM0: "pvh",
    PVH_DOMU: "pvh-domu",
    QEMU: "qemu",
}
"""The short names, which are those of the modes of booting, too."""
LINUX_LOADER = (FIRECRACKER, CLOUD_HYPERVISOR, LIBKRUN)
"""The loaders that read a kernel with rust-vmm's linux-loader."""

XEN = (PV_DOM0, PV_DOMU, PVH_DOM0, PVH_DOMU)
"""The loaders that read an image with libelf: of the hypervisor, and of libxenguest."""
DOM0 = (PV_DOM0, PVH_DOM0)
DOMU = (PV_DOMU, PVH_DOMU)
PV = (PV_DOM0, PV_DOMU)
PVH = (PVH_DOM0, PVH_DOMU, QEMU)


def named(name: str, loaders: Sequence[str] = ALL) -> str:
    """Return the long name of a loader, given its long or short one.

    Raises XenToolError, with a list of names, if it is not one of loaders.
    """
    for loader in loaders:
        if name in (loader, SHORT.get(loader)):
            return loader
    raise XenToolError(f"{name!r} is no loader; name one of {listed(loaders)}")


def listed(loaders: Iterable[str] = ALL) -> str:
    """Return the long and short names of loaders, for a message."""
    return ", ".join(f"{n} ({SHORT[n]})" if n in SHORT else n for n in loaders)
