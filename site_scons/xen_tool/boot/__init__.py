# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Start a kernel image, on real Xen or as QEMU does, and say how it went.

    from xen_tool.boot.boot import boot
    outcome = boot(Path('vmlinux'), mode='pvh', echo=print)

boot      lays out what QEMU loads, runs it, and follows the console
held      what QEMU loads, as copies
qemu      QEMU as a process
monitor   what it says of the machine
modes     the ways to boot, as data
given     what a user gives a guest, Xen and QEMU besides
domu      what a Linux dom0 is given to build a domU from the image
log       the file that a console is kept in
suite     many boots, some at once
console   the lines of the console: who gets them, and which are kept
terminal  its bytes, as rows that a person sees
escapes   text, control characters and escape sequences
evidence  what the lines say: who died of what
protocols what the guest reports, by each protocol
ktap      the one that has tests nested in tests
dump      the places that they name: registers and stacks
symbols   names for these
outcome   how the run ended, and why, in a sentence

QEMU, Xen's hypervisor and the dom0 are found, or fetched, by debian/.
"""

CPUS = 2
"""How many CPUs the guest gets, unless told otherwise."""
