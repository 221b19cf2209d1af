# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules E: images with wrong ELF and program headers."""

from __future__ import annotations

from dataclasses import replace

from loaders.good import good_both
from loaders.images import LOAD_SIZE, NOTES_OFFSET, PADDR, Broken, Segment, text
from xen_tool.abi import XenElfNote
from xen_tool.elf import spec


def elf() -> Broken:
    both = good_both()
    size = len(bytes(both))
    yield "E1-magic", "EI_MAG1 is not E", replace(both, magic=b"\x7fELV")
    yield "E1-text", "a text", b"#!/bin/sh\necho no kernel\n" * 200
    yield "E1-short", "an ELF's first 40 bytes", bytes(both)[:40]
    yield "E2-phoff", "program headers begin at the file's end", replace(both, e_phoff=size)
    yield "E2-phnum", "65535 program headers", replace(both, e_phnum=0xFFFF)
    yield (
        "E2-phentsize",
        "program headers of 64 KiB each",
        replace(both, e_phentsize=0xFFFF),
    )
    yield "E3-shoff", "section headers begin at the file's end", replace(both, e_shoff=size)
    yield "E3-truncated", "the file ends before its section headers", bytes(both)[:NOTES_OFFSET]
    yield (
        "E4-shnum",
        "more section headers than the file could hold, of 0 bytes each",
        replace(both, e_shnum=0xFFFE, e_shentsize=0),
    )
    yield "E5-msb", "EI_DATA says big endian", replace(both, ei_data=2)
    yield "E6-dyn", "ET_DYN", replace(both, e_type=3)
    yield "E6-rel", "ET_REL", replace(both, e_type=spec.ET_REL)
    yield (
        "E7-flags",
        "the only PT_LOAD may be neither read, written nor run",
        both.loading(p_flags=0),
    )
    yield (
        "E7-second-flags",
        "a second PT_LOAD, far away, may be neither read, written nor run",
        replace(both, loads=(*both.loads, Segment(p_flags=0, p_paddr=0x7000000))),
    )
    yield "E7-no-load", "no PT_LOAD", replace(both, loads=())
    yield "E8-memsz", "p_memsz is less than p_filesz", both.loading(p_memsz=LOAD_SIZE // 2)
    yield (
        "E9-filesz",
        "the PT_LOAD's bytes end behind the file's end",
        both.loading(p_filesz=LOAD_SIZE + size, p_memsz=LOAD_SIZE + size),
    )
    yield (
        "E9-offset",
        "the PT_LOAD's bytes begin behind the file's end",
        both.loading(p_offset=size),
    )
    overlapping = Segment(p_paddr=PADDR)
    yield (
        "E10-overlap",
        "three PT_LOADs at one place",
        replace(both, loads=(*both.loads, overlapping, overlapping)),
    )
    yield (
        "E11-symtab",
        "BSD_SYMTAB without symbols",
        both.adding(text(XenElfNote.BSD_SYMTAB, "yes")),
    )
    yield "E12-vaddr", "p_vaddr is senseless", both.loading(p_vaddr=0x1234000)
    yield "E13-class", "EI_CLASS is neither 32 nor 64", both.patching(4, b"\x07")
