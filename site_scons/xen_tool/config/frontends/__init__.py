# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Kconfiglib's front ends (menuconfig, guiconfig, oldconfig), on the saved configuration.

run      runs a front end in a separate process
menu     extends menuconfig: reasons, and marks for values that differ from the defconfig
"""
