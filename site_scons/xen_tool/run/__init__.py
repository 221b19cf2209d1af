# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Starts a kernel image, on real Xen or as QEMU does, and says how it went.

    from xen_tool.run.boot import boot
    outcome = boot(Path('vmlinux'), mode='pvh', echo=print)

A door: it needs QEMU and Xen's hypervisor, and no room below imports it.
"""

CPUS = 2
"""How many CPUs the guest gets, unless told otherwise."""
