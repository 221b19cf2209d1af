# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The numbers of the ELF specification (gABI, psABIs of i386 and x86-64) that xen_tool uses."""

from __future__ import annotations

ELFMAG = b"\x7fELF"
EI_CLASS = 4
EI_DATA = 5
EI_NIDENT = 16
ELFCLASS32 = 1
ELFCLASS64 = 2
ELFDATA2LSB = 1
ELFDATA2MSB = 2
EV_CURRENT = 1
ET_REL = 1
ET_EXEC = 2
ET_DYN = 3
ET_CORE = 4
EM_386 = 3
EM_ARM = 40
EM_X86_64 = 62

EHDR_SIZE = {32: 52, 64: 64}
PHDR_SIZE = {32: 32, 64: 56}
SHDR_SIZE = {32: 40, 64: 64}
SYM_SIZE = {32: 16, 64: 24}
"""Bytes of a header and of a symbol, by the width of the ELF class."""

PT_LOAD = 1
PT_DYNAMIC = 2
PT_INTERP = 3
PT_NOTE = 4
PT_NAMES = {
    0: "PT_NULL",
    PT_LOAD: "PT_LOAD",
    PT_DYNAMIC: "PT_DYNAMIC",
    PT_INTERP: "PT_INTERP",
    PT_NOTE: "PT_NOTE",
    6: "PT_PHDR",
    7: "PT_TLS",
    0x6474E550: "PT_GNU_EH_FRAME",
    0x6474E551: "PT_GNU_STACK",
    0x6474E552: "PT_GNU_RELRO",
    0x6474E553: "PT_GNU_PROPERTY",
}
"""Names of the types of segments; those of GNU are from the Linux Standard Base and binutils."""

DT_NEEDED = 1
DT_STRTAB = 5

PF_X = 1
PF_W = 2
PF_R = 4
PF_LETTERS = {PF_R: "r", PF_W: "w", PF_X: "x"}
"""Letters by flag of a segment, in the order in which they are printed."""

SHT_NULL = 0
SHT_PROGBITS = 1
SHT_SYMTAB = 2
SHT_STRTAB = 3
SHT_RELA = 4
SHT_DYNAMIC = 6
SHT_NOTE = 7
SHT_NOBITS = 8
SHT_REL = 9
SHT_DYNSYM = 11

SHF_WRITE = 0x1
SHF_ALLOC = 0x2
SHF_EXECINSTR = 0x4
SHF_INFO_LINK = 0x40

SHN_UNDEF = 0

STB_LOCAL = 0
STB_GLOBAL = 1
STT_NOTYPE = 0
STT_OBJECT = 1
STT_FUNC = 2
STT_SECTION = 3

R_X86_64_64 = 1
R_X86_64_PC32 = 2
R_X86_64_PLT32 = 4
R_X86_64_32 = 10
R_X86_64_32S = 11
R_386_32 = 1
R_386_PC32 = 2
