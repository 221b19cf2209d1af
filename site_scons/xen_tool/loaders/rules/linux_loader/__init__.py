# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The R rules of the virtual machine monitors that read kernels with rust-vmm's linux-loader.

elf_load has the errors of Elf::load (R1 to R5), entry_rules the entry point (R6 to R9), and
bzimage the bzImage, which Cloud Hypervisor accepts (R10).
"""
