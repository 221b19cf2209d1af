# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The targets that are no files of a plan.

check           which loaders must take an image; env.XenCheck
config_targets  menuconfig, defconfig and the like; setconfig, listconfig
why             why a symbol has its value, and why a file was built
watching        watch
reproducible    reproducible: builds again elsewhere, and compares
ninja           build.ninja
"""
