# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The names of the loaders, long and short, and groups of them.

It does not import the rules, for callers that only need a name.
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
"""Xen's EFI binary, virtual machine monitors, kexec and GRUB, checked only if named, or if the
image is for them alone; their rules are imported then."""
ALL = (*LOADERS, *FURTHER)
SHORT = {
    PV_DOM0: "pv",
    PV_DOMU: "pv-domu",
    PVH_DOM0: "pvh",
    PVH_DOMU: "pvh-domu",
    QEMU: "qemu",
}
"""Short names, which modes of booting have as well."""
LINUX_LOADER = (FIRECRACKER, CLOUD_HYPERVISOR, LIBKRUN)
"""The loaders that read a kernel with rust-vmm's linux-loader."""

XEN = (PV_DOM0, PV_DOMU, PVH_DOM0, PVH_DOMU)
"""The loaders that read an image with libelf: of the hypervisor, and of libxenguest."""
DOM0 = (PV_DOM0, PVH_DOM0)
DOMU = (PV_DOMU, PVH_DOMU)
PV = (PV_DOM0, PV_DOMU)
PVH = (PVH_DOM0, PVH_DOMU, QEMU)


def named(name: str, loaders: Sequence[str] = ALL) -> str:
    """Return the one of loaders that has this long or short name.

    Raises XenToolError, with the list of names, if there is none.
    """
    for loader in loaders:
        if name in (loader, SHORT.get(loader)):
            return loader
    raise XenToolError(f"{name!r} is no loader; name one of {listed(loaders)}")


def listed(loaders: Iterable[str] = ALL) -> str:
    """Return the long and short names of loaders, for a message."""
    return ", ".join(f"{n} ({SHORT[n]})" if n in SHORT else n for n in loaders)
