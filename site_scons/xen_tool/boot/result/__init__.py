# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Judge a boot by its console and by how QEMU ended.

protocols  what the guest reports, by each protocol
ktap       the protocol whose tests may be nested
evidence   the messages of Xen, the guest and the dom0 that matter for the result
outcome    the result of the run, and the reason in one sentence
"""
