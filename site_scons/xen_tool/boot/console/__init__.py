# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read the console of a boot: bytes from the serial port become rows, which are shown and kept.

console    the lines of the console: shown as they come, and the last ones kept
terminal   the rows that a person sees, made of the bytes
escapes    the parser of text, control characters and escape sequences
screen     the rows and the cursor of a terminal's screen
row        a row, and what of its text a person saw
characters the cells that text takes, by character sets and colours
source     who wrote a line: Xen, a domain, or the guest
dump       the addresses that lines name: instruction pointers and stacks
log        the file in which a console is kept

This package knows nothing of results: result/ reads them from the rows.
"""
