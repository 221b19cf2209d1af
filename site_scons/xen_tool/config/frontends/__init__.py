# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Kconfiglib's front ends, on a saved configuration.

process  runs one in a process of its own
menu     what menuconfig shows besides: reasons, and what differs from the defconfig
"""
