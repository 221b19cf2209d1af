# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""gdb on a booted guest, by the stub that QEMU has for it.

    scons boot GDB=1        the machine starts stopped, and the line to type is printed
    scons gdb               that, and gdb at the guest's entry

aids      what boot() calls of these
stub      where QEMU waits for gdb
session   what gdb is told: symbols, the connection, a breakpoint at the entry
process   gdb, as a process that has the terminal
commands  a script for gdb: `xen start-info` and the like
memory    the guest's memory, for that script
layouts   the structures that these show
core      the memory of a guest that failed, as a file for gdb
replay    a run recorded, and run again
tables    page tables, for memory that QEMU's stub does not find

docs/debugging.md is the user's side.
"""
