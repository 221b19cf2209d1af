# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Get Debian's packages without root: QEMU, Xen, and the Linux dom0 that builds domUs.

The files are unpacked in the user's cache folder, and never installed.

The cache:
    apt         apt-get with separate package lists; the cache folder, and locks
    kept        files in the cache, and their checks whenever they are used

What is fetched:
    packages    QEMU, Xen and the programs of the tests, of this system's release
    hypervisor  the installed Xen hypervisors
    suites      the Xen of any Debian release, and packages for a dom0

The dom0:
    initramfs   the dom0's kernel and initramfs, made of these packages
    cpio        the archives that Linux unpacks as its initramfs
"""
