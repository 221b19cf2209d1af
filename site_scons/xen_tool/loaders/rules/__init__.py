# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules as data: one module for each loader lists its rules in the order of its checks.

    pv_dom0, pvh_dom0    the hypervisor, which builds dom0
    pv_domu, pvh_domu    libxenguest, with which xl builds other domains
    qemu_kernel          QEMU -kernel
    xen_efi              Xen's EFI binary, with dom0's kernel as a section
    firecracker, cloud_hypervisor, libkrun, crosvm   other virtual machine monitors
    kexec                kexec-tools
    grub_xen, grub_xen_pvh   GRUB as a domain of Xen
    grub_linux, grub_multiboot, grub_multiboot2   GRUB on a PC

Rules that several loaders share are in these:

    common               conditions, messages and fixes of several loaders
    unpacking            Z rules of compressed images, for Xen and libxenguest
    xen, libxenguest, qemu   further rules of each: containers, memory, other image formats
    grub                 G rules, which its commands have on a PC and in a PVH domain
    linux_loader         R rules, for Firecracker, Cloud Hypervisor and libkrun
    libelf               Xen's ELF loader, which is part of the hypervisor and of libxenguest
    guest                X rules of errors that no loader checks and that crash the guest

rule.py defines the class Rule.  A condition reads loaders/model, and may call conditions of a
shared module, never those of another loader.  A rule is a row, named by a letter and a number:

    Z       containers: xen/decompression, libxenguest/containers, qemu/files
    E       ELF headers: libelf/headers
    N, F    how notes are read: libelf/note_rules
    C, A    what notes must say: libelf/checks
    D       a PV dom0: pv_dom0, xen/pv_memory
    H       a PVH dom0: pvh_dom0
    U, V    a domU: libxenguest/
    P       xen_efi
    Q       qemu_kernel, qemu/
    R       linux_loader/
    K       crosvm
    J       kexec
    G       grub*
    X       errors that no loader checks: guest/

Modules of other loaders have E, X and Z rules as well, where a loader checks the same.
"""
