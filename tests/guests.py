# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Minimal guests that print a text and end, one for each boot mode.

They test booting and reading results independently of the reference kernel.  Each is an ELF file
with one segment, its code at its start, and notes.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import keystone

PASSED = "PASS entered\nCHECKS: 1\nRESULT: PASS\n"
LOAD = 0x1000000
VIRT_BASE_64, VIRT_BASE_32 = 0xFFFFFFFF80000000, 0xC0000000
ENTRY, HYPERCALL_PAGE, VIRT_BASE, PADDR_OFFSET, XEN_VERSION = 1, 2, 3, 4, 5
GUEST_OS, LOADER, PAE_MODE, PHYS32_ENTRY = 6, 8, 9, 18
POWEROFF, REBOOT, CRASH = 0, 1, 3

# Into the ring that xenconsoled reads: at 0 input, 1024 output, 3080 out_cons, 3084 out_prod;
# xen/include/public/io/console.h.  The offsets in start_info are of its console.domU.
_PV_64 = """
    mov r12, [rsi + 72]
    mov rax, 0xffff800000000000
    mov r12, [rax + r12 * 8]
    shl r12, 12
    mov rax, {virt_base}
    add r12, rax
    mov ecx, [rsi + 80]
    mov [rsp - 256], ecx
    lea rdi, [r12 + 1024]
    mov rsi, {text}
    mov ecx, {size}
    rep movsb
    mov dword ptr [r12 + 3084], {size}
    mov edi, 4
    lea rsi, [rsp - 256]
    mov eax, 32
    syscall
wait:
    xor edi, edi
    mov eax, 29
    syscall
    cmp dword ptr [r12 + 3080], {size}
    jne wait
    mov dword ptr [rsp - 256], {reason}
    lea rsi, [rsp - 256]
    mov edi, 2
    mov eax, 29
    syscall
    {last}
"""
_PV_32 = """
    mov ebp, [esi + 52]
    mov ebp, [0xf5800000 + ebp * 4]
    shl ebp, 12
    add ebp, {virt_base}
    mov ecx, [esi + 56]
    mov [esp - 256], ecx
    lea edi, [ebp + 1024]
    mov esi, {text}
    mov ecx, {size}
    rep movsb
    mov dword ptr [ebp + 3084], {size}
    mov ebx, 4
    lea ecx, [esp - 256]
    mov eax, 32
    int 0x82
wait:
    xor ebx, ebx
    mov eax, 29
    int 0x82
    cmp dword ptr [ebp + 3080], {size}
    jne wait
    mov dword ptr [esp - 256], {reason}
    lea ecx, [esp - 256]
    mov ebx, 2
    mov eax, 29
    int 0x82
    {last}
"""
# A PVH guest starts in 32-bit mode, without paging and without a stack.
_BY_PORT = """
    mov esi, {text}
    mov ecx, {size}
    mov edx, {port}
    rep outsb
"""
_BY_CONSOLE_IO = """
    xor ebx, ebx
    mov ecx, {size}
    mov edx, {text}
    mov eax, 18
    vmmcall
"""
_DEBUG_EXIT = """
    mov eax, {status}
    out 0xf4, eax
    {last}
"""
_SHUTDOWN = """
    mov dword ptr [{scratch}], {reason}
    mov ecx, {scratch}
    mov ebx, 2
    mov eax, 29
    vmmcall
    {last}
"""
_LAST = "last: jmp last"

_SOURCES = {
    "xen-pv-domu": _PV_64,
    "xen-shim-pv32": _PV_32,
    "xen-pvh-dom0": _BY_CONSOLE_IO + _DEBUG_EXIT,
    "xen-pvh-domu": _BY_PORT + _SHUTDOWN,
    "qemu-kernel": _BY_PORT + _DEBUG_EXIT,
}
# A speaker's command line has the form of spoken().  It is in the start_info, at 128; PVH's has its
# address, at 24.
_SPEAK_64 = """
    lea rbx, [rsi + 128]
    mov rdi, {text}
next:
    mov al, [rbx]
    inc rbx
    cmp al, 126
    je done
    cmp al, 124
    jne put
    mov al, 10
put:
    mov [rdi], al
    inc rdi
    jmp next
done:
    mov rdx, {text}
    mov rsi, rdi
    sub rsi, rdx
    xor edi, edi
    mov eax, 18
    syscall
    movzx ecx, byte ptr [rbx]
    sub ecx, 48
    cmp ecx, 9
    jne shut
    ud2
shut:
    mov [rsp - 256], ecx
    lea rsi, [rsp - 256]
    mov edi, 2
    mov eax, 29
    syscall
    {last}
"""
_SPEAK_32 = """
    mov ebp, [ebx + 24]
    mov edi, {text}
next:
    mov al, [ebp]
    inc ebp
    cmp al, 126
    je done
    cmp al, 124
    jne put
    mov al, 10
put:
    mov [edi], al
    inc edi
    jmp next
done:
    mov edx, {text}
    mov ecx, edi
    sub ecx, edx
    xor ebx, ebx
    mov eax, 18
    vmmcall
    movzx ecx, byte ptr [ebp]
    sub ecx, 48
    cmp ecx, 9
    jne exit
    ud2
exit:
    cmp ecx, 8
    jne shut
    mov eax, 16
    out 0xf4, eax
shut:
    mov [{scratch}], ecx
    mov ecx, {scratch}
    mov ebx, 2
    mov eax, 29
    vmmcall
    {last}
"""
EXITS, CRASHES = 8, 9
"""Ends of a speaker besides Xen's reasons for a shutdown; a PV guest cannot do EXITS."""

_SPEAKERS = {"xen-pv-dom0": _SPEAK_64, "xen-pvh-dom0": _SPEAK_32}
_PORTS = {"xen-pvh-domu": 0xE9, "qemu-kernel": 0x3F8}


def guest(
    folder: Path, mode: str, text: str = PASSED, *, good: bool = True, first: str = ""
) -> Path:
    """Write an image that runs first, prints text, and ends as a guest that passed, or failed.

    first: assembler code; good: whether the guest ends as one that passed.
    """
    bits = 64 if mode == "xen-pv-domu" else 32
    virt_base = {"xen-pv-domu": VIRT_BASE_64, "xen-shim-pv32": VIRT_BASE_32}.get(mode, 0)
    start = virt_base + LOAD
    source = first + _SOURCES[mode].format(
        virt_base=virt_base,
        text=start + 0x800,
        scratch=start + 0x700,
        size=len(text),
        port=_PORTS.get(mode),
        status=0x10 if good else 2,
        reason=POWEROFF if good else CRASH,
        last=_LAST,
    )
    return _image(folder, bits, virt_base, source, text)


def speaker(folder: Path, mode: str) -> Path:
    """Write an image for a dom0 mode, which prints the text in its command line: see spoken()."""
    bits, virt_base = (64, VIRT_BASE_64) if mode == "xen-pv-dom0" else (32, 0)
    start = virt_base + LOAD
    source = _SPEAKERS[mode].format(text=start + 0x800, scratch=start + 0x700, last=_LAST)
    return _image(folder, bits, virt_base, source, "")


def spoken(text: str, end: int = POWEROFF) -> str:
    """Return the command line with which a speaker prints text and ends: POWEROFF, REBOOT, ..."""
    return f"{text.replace(chr(10), '|')}~{end}"


def _image(folder: Path, bits: int, virt_base: int, source: str, text: str) -> Path:
    start = virt_base + LOAD
    # keystone may switch to reading plain numbers as hexadecimal, for all engines of a process.
    source = re.sub(r"(?<![\w.])\d+(?!\w)", lambda number: hex(int(number[0])), source)
    width = keystone.KS_MODE_64 if bits == 64 else keystone.KS_MODE_32
    code = bytes(keystone.Ks(keystone.KS_ARCH_X86, width).asm(source, start)[0])
    assert len(code) < 0x700
    content = code.ljust(0x800, b"\0") + text.encode()
    path = folder / "guest"
    path.write_bytes(
        _elf(bits if virt_base else 64, start, content, _notes(bits, virt_base, start))
    )
    return path


def _notes(bits: int, virt_base: int, entry: int) -> bytes:
    if not virt_base:
        return _note(PHYS32_ENTRY, struct.pack("<I", entry))
    number = "<Q" if bits == 64 else "<I"
    return b"".join(
        (
            _note(GUEST_OS, b"smallest\0"),
            _note(XEN_VERSION, b"xen-3.0\0"),
            _note(LOADER, b"generic\0"),
            _note(PAE_MODE, b"yes\0"),
            _note(VIRT_BASE, struct.pack(number, virt_base)),
            _note(PADDR_OFFSET, struct.pack(number, 0)),
            _note(ENTRY, struct.pack(number, entry)),
        )
    )


def _note(kind: int, desc: bytes) -> bytes:
    return struct.pack("<III4s", 4, len(desc), kind, b"Xen\0") + desc + bytes(-len(desc) % 4)


def _elf(bits: int, start: int, content: bytes, notes: bytes) -> bytes:
    """Return an ELF file with one loaded segment at offset 0x1000; its last bytes are the notes."""
    note_at = len(content) + -len(content) % 16
    content = content.ljust(note_at, b"\0") + notes
    offset = 0x1000
    segments = [(1, 7, 0, len(content) + 0x1000, 0x1000), (4, 4, note_at, len(notes), 4)]
    headers = b""
    for kind, flags, at, memory, align in segments:
        size = min(memory, len(content) - at)
        where = (offset + at, start + at, LOAD + at, size, memory)
        if bits == 64:
            headers += struct.pack("<IIQQQQQQ", kind, flags, *where, align)
        else:
            headers += struct.pack("<IIIIIIII", kind, *where, flags, align)
    words, machine, size = ("Q", 62, 64) if bits == 64 else ("I", 3, 52)
    ident = b"\x7fELF" + bytes([bits // 32, 1, 1]) + bytes(9)
    phentsize = len(headers) // len(segments)
    fields = (2, machine, 1, start, size, 0, 0, size, phentsize, len(segments), 0, 0, 0)
    header = ident + struct.pack(f"<HHI{words}{words}{words}IHHHHHH", *fields)
    return (header + headers).ljust(offset, b"\0") + content
