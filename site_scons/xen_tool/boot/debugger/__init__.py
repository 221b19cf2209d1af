# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Debug a booted guest: gdb by QEMU's stub, recordings and replays, and memory dumps.

    scons boot GDB=1        start the machine stopped, and print the gdb command to type
    scons gdb               start gdb too, at the guest's entry

The interface for boot():
    aids           what a debugged run needs before its start and after its end

gdb:
    stub           the port or socket at which QEMU waits for gdb
    gdb_arguments  the command line of gdb: symbols, the connection, a breakpoint at the entry
    foreground     gdb as a process in the foreground of the terminal

Inside gdb:
    gdb_commands   a script for gdb: `xen start-info` and the like
    guest_memory   the guest's memory and image, for the script
    layouts        the structures that the script shows
    tables         page tables, for memory that QEMU's stub does not find

Files of a run:
    core           the memory of a guest that failed, as a core file for gdb
    replay         the recording of a run, and its replay

docs/debugging.md documents it for users.
"""
