# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules, as rows: a module for each loader has its rows in the order in which it asks.

    pv_dom0, pvh_dom0    the hypervisor, which builds dom0
    pv_domu, pvh_domu    libxenguest, with which xl builds other domains
    qemu_kernel          QEMU -kernel
    firecracker, cloud_hypervisor, libkrun, crosvm   other virtual machine monitors

What several loaders do alike they take from these:

    containers           what Xen and libxenguest share of the Z rules
    xen, libxenguest, qemu   more rows of each: containers, memory, other formats of images
    linux_loader         what Firecracker, Cloud Hypervisor and libkrun share
    libelf               Xen's ELF loader, which is in the hypervisor and in libxenguest
    guest                what no loader checks, and the guest dies of

rule.py says what a row is.  Conditions look at loaders/model, and never at another loader's rows.
"""
