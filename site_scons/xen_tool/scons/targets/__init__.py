# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Targets that are not files of a plan.

check           the loaders that must accept an image; env.XenCheck
config_targets  menuconfig, defconfig and others; setconfig, listconfig
why             why a symbol has its value, and why a file was built
size            size: the sizes of the parts of an image
watching        watch
sbom            a bill of materials; env.XenSbom
report          report: a page about an image
reproducible    reproducible: builds again in another folder, and compares
ninja           build.ninja
boot            boot: a boot on Xen under QEMU; env.XenBoot
gdb             gdb: a boot under gdb; env.XenGdb
test_boot       test-boot: boots all images in all their modes
"""
