# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What Xen applies beyond libelf to the kernel of a dom0, PV and PVH."""
