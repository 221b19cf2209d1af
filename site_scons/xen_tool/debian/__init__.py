# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Packages of Debian, without root: QEMU, Xen, and the Linux dom0 that builds domUs.

kept        what lies in the cache, looked at again whenever it is used
apt         apt-get with package lists of its own; the cache folder
packages    the programs that the tests need, installed or unpacked
hypervisor  the Xens that are installed
releases    the Xen of any Debian release, and packages for a dom0
initramfs   the dom0's kernel and first root, made of these packages
cpio        the archives that Linux unpacks as its first root
"""
