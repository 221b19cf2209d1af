# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Judge a boot by its console and by how QEMU ended.

protocols  the protocols by which guests report, a row for each
reader     reads the lines of a guest by them
letters    replaces letters of other scripts that look like those of FAIL
ktap       the protocol whose tests may be nested
evidence   the messages of Xen, the guest and the dom0 that matter for the result
outcome    the result of the run, and the reason in one sentence
"""
