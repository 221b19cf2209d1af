# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Boot a kernel image under QEMU, on real Xen or without Xen, and judge the result.

    from xen_tool.boot.boot import boot
    outcome = boot(Path('vmlinux'), mode='pvh', echo=print)

boot           boot(): runs QEMU, and judges the result
qemu_files     the files that QEMU loads, and the options for them
follow         reads the console until the end
modes          the modes of booting, one row each
boot_settings  the settings of a boot by the user, such as CMDLINE=, and their checks
copies         copies of the files that QEMU loads, in memory
domu           the files of a Linux dom0 that builds a domU from the image
qemu           the QEMU process
monitor        QEMU's monitor (QMP): what ended the machine, and where its CPUs are
symbolize      names of addresses: function+offset, and file:line
console/       the console: rows of text from bytes, their source, and the file that keeps them
result/        how the run ended and why, from what the guest reported and what else was seen
suite/         many boots, some at the same time
debugger/      gdb on a booted guest, recordings, and memory dumps

debian/ finds QEMU, Xen's hypervisor and the packages of the dom0, or fetches them.
"""
