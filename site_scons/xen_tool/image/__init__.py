# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read a kernel image as loaders do: containers, ELF headers, notes and symbols.

Files:
    container      opens an image, and unwraps the ELF file in it
    codecs         unpacks compressed streams
    block_streams  unpacks streams of lz4 and lzop
    stream_source  the bytes of a stream, and how its reading fails
    pe             the sections of a PE file, such as Xen's EFI binary
    data           bytes of a file or of memory, for reading at any offset

The ELF file:
    elf            headers, segments and sections
    notes          notes, as libelf and QEMU find them
    symbols        the symbol table

Nothing here says whether an image is valid: the rules of loaders do that.
"""
