# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules that the hypervisor applies to the kernel of a dom0, in addition to those of libelf.

decompression has the rules of compressed images (Z), pv_memory those of memory for PV (D), and
dom0_features a condition on the note FEATURES for PV and PVH.
"""
