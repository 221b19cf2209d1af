# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What each loader of Xen kernels, and QEMU, will say of a kernel image, before it is asked.

verdict.py judges; the tables of rules stand beside it, one for each who applies them, in the
order in which a loader comes to them.
"""
