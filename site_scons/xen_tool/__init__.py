# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""xen_tool: an SCons tool that configures, builds and boots kernels that run on Xen.

SCons finds it as any tool, by generate() and exists().  The rooms, from the
ground up; each imports only what stands before it:

    errors, files   what every room needs
    abi             Xen's and Linux's numbers
    elf/            bytes: notes, machine code, objects
    config/         Kconfig and its reasons
    head/           a configuration to the Xen head object
"""
