# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write the ELF format: notes, machine code and relocatable objects.

spec           numbers of the ELF specification
note_encoding  encodes notes
note_values    parses values of notes as users write them
assembler      encodes machine code, by keystone
objfile        writes relocatable object files
"""
