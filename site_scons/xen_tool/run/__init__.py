# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Starts a kernel image on real Xen and says how it went.

    from xen_tool.run.boot import boot
    outcome = boot(Path('vmlinux'), echo=print)

A door: it needs QEMU and Xen's hypervisor, and no room below imports it.
"""

TIMEOUT = 30.0
"""Seconds until a boot without a result has failed, unless told otherwise."""
