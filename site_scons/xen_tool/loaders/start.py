# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Say how each loader starts an image that it accepts: the entry, the CPU mode, the registers.

Used by `xen-tool inspect`; the check of a build does not import it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..elf import spec
from ..image.container import KernelFile
from ..image.elf import elf_of
from ..light import NamedTuple
from .model import crosvm, linux_loader, xen_efi
from .model.candidate import Candidate, candidates
from .model.grub import elf as grub_elf
from .model.grub import multiboot as grub_multiboot
from .model.grub.files import Command, command, is_damaged
from .model.grub.xen import xen_info
from .model.kexec import files as kexec
from .model.kexec.files import FileType
from .model.libelf.parms import UNSET_ADDR32
from .model.multiboot import HAS_ADDRESSES, entry_addr
from .model.releases import Xen
from .names import (
    CLOUD_HYPERVISOR,
    CROSVM,
    DOMU,
    FIRECRACKER,
    GRUB,
    GRUB_LINUX,
    GRUB_MULTIBOOT,
    GRUB_MULTIBOOT2,
    GRUB_XEN,
    GRUB_XEN_PVH,
    KEXEC,
    LIBKRUN,
    LINUX_LOADER,
    PV,
    PV_DOM0,
    PVH_DOM0,
    PVH_DOMU,
    QEMU,
    XEN_EFI,
)
from .rules.libxenguest import raw_image
from .rules.qemu.entry_note import entry_of
from .rules.qemu.files import has_hdrs
from .rules.qemu.multiboot import found as found_by_qemu


class Start(NamedTuple):
    """The state in which the guest begins: its entry point, the mode of the CPU, its registers."""

    entry: int | None
    """Its address: virtual for PV, else physical, before the move if Xen moves a PVH dom0 (H6).
    None: Linux's boot protocol defines it, or GRUB unpacks a damaged stream."""
    mode: str
    registers: str
    source: str
    """The file and function that start the guest, in the form of Rule.source."""


class _State(NamedTuple):
    mode: str
    registers: str


_PV64 = _State("64-bit, pages mapped from VIRT_BASE on", "rsi: start_info, rsp: boot stack")
_PV32 = _State("32-bit PAE, pages mapped from VIRT_BASE on", "esi: start_info, esp: boot stack")
_PVH = _State("32-bit, no paging", "ebx: start_info")
_MULTIBOOT = _State("32-bit, no paging", "eax: 0x2badb002, ebx: multiboot information")
_MULTIBOOT_2 = _State("32-bit, no paging", "eax: 0x36d76289, ebx: multiboot 2 information")
_LINUX_64 = _State(
    "64-bit, low memory mapped at its own addresses", "rsi: boot_params, rsp: boot stack"
)
_LINUX_32 = _State("32-bit, no paging", "esi: boot_params, esp: boot stack")
_BY_KEXEC = {
    FileType.ELF_64: _State(
        "64-bit, memory mapped at its own addresses", "rdi: ELF boot notes, rsp: boot stack"
    ),
    FileType.ELF_32: _State("32-bit, no paging", "on the stack: ELF boot notes"),
    FileType.MULTIBOOT: _MULTIBOOT,
    FileType.MULTIBOOT_2: _MULTIBOOT_2,
}
_BZIMAGE = _State("Linux's boot protocol", "as that says")

_SOURCES = {
    PV_DOM0: "xen/arch/x86/pv/dom0_build.c, dom0_construct",
    XEN_EFI: "xen/arch/x86/dom0_build.c, construct_dom0",
    PVH_DOM0: "xen/arch/x86/hvm/dom0_build.c, pvh_setup_cpus",
    QEMU: "QEMU hw/i386/x86.c, x86_load_linux; pc-bios/optionrom",
    FIRECRACKER: "firecracker 1.16.1, src/vmm/src/arch/x86_64/regs.rs",
    CLOUD_HYPERVISOR: "cloud-hypervisor 53.0, arch/src/x86_64/regs.rs",
    LIBKRUN: "libkrun 1.19.0, src/arch/src/x86_64/linux/regs.rs",
    GRUB_XEN: "GRUB 2.06, grub-core/loader/i386/xen.c, grub_xen_boot",
    GRUB_LINUX: "GRUB 2.06, grub-core/loader/i386/linux.c, grub_linux_boot",
    **dict.fromkeys(
        (GRUB_MULTIBOOT, GRUB_MULTIBOOT2, GRUB_XEN_PVH),
        "GRUB 2.06, grub-core/loader/multiboot.c, grub_multiboot_boot",
    ),
    CROSVM: "crosvm f1e797a, x86_64/src/lib.rs",
    KEXEC: "kexec-tools 2.0.25, kexec/arch/x86_64/kexec-elf-x86_64.c, elf_x86_64_load",
}
_DOMU = "tools/libs/guest/xg_dom_x86.c"


def starts(kernel: KernelFile, xen: Xen, accepting: Iterable[str]) -> dict[str, Start]:
    """Return how each of the loaders starts an image, by its name.

    accepting: the loaders; each of them accepts the image.
    """
    found = {}
    for candidate in candidates(kernel, xen, accepting):
        entry, state = _start(candidate)
        source = _SOURCES.get(candidate.loader, _DOMU)
        found[candidate.loader] = Start(entry, state.mode, state.registers, source)
    return found


def _start(candidate: Candidate) -> tuple[int | None, _State]:
    if candidate.loader == XEN_EFI:
        return _start(xen_efi.as_dom0(candidate))
    if candidate.loader in DOMU and (table := raw_image.find_table(candidate)):
        offset, flags = table
        is_64 = raw_image.pae_mode(flags) == raw_image.PAE_64
        return raw_image.entry_of(candidate, offset), _PV64 if is_64 else _PV32
    if candidate.loader in PV:
        return candidate.addresses.virt_entry, _PV64 if candidate.elf.bits == 64 else _PV32
    if candidate.loader in (PVH_DOM0, PVH_DOMU):
        return _by_pvh(candidate), _PVH
    if candidate.loader in LINUX_LOADER:
        return _by_linux_loader(candidate)
    if candidate.loader == KEXEC:
        return _by_kexec(candidate)
    if candidate.loader in GRUB:
        return _by_grub(candidate)
    return _by_crosvm(candidate) if candidate.loader == CROSVM else _by_qemu(candidate)


def _by_pvh(candidate: Candidate) -> int:
    elf = candidate.image.elf
    if elf is not None and candidate.parms.phys_entry != UNSET_ADDR32:
        return candidate.parms.phys_entry
    # libxenguest loads an ELF32 without valid Xen notes as HVM firmware, even if the file is a
    # bzImage as well.
    firmware = elf or elf_of(candidate.image.found.file)
    return 0 if firmware is None else firmware.e_entry


def _by_linux_loader(candidate: Candidate) -> tuple[int | None, _State]:
    found = linux_loader.loaded(candidate)
    if found.error is not None:
        return None, _BZIMAGE
    if found.pvh_entry is not None:
        return found.pvh_entry, _PVH
    return found.entry, _LINUX_64


def _by_crosvm(candidate: Candidate) -> tuple[int | None, _State]:
    found = crosvm.loaded(candidate)
    if found.error is not None:
        return None, _BZIMAGE
    if found.multiboot is not None:
        return entry_addr(candidate.data, found.multiboot), _MULTIBOOT
    return candidate.elf.e_entry, _LINUX_64 if candidate.elf.bits == 64 else _LINUX_32


def _by_kexec(candidate: Candidate) -> tuple[int | None, _State]:
    found = kexec.file_type(candidate)
    assert found is not None
    if found not in _BY_KEXEC:
        return None, _BZIMAGE
    if kexec.uses_addresses(candidate):
        header = kexec.multiboot(candidate.data) or (0, 0)
        return entry_addr(candidate.data, header[0]), _MULTIBOOT
    return candidate.elf.e_entry, _BY_KEXEC[found]


def _by_grub(candidate: Candidate) -> tuple[int | None, _State]:
    if is_damaged(candidate):
        return None, _State("unknown", "unknown")
    if candidate.loader == GRUB_XEN:
        return xen_info(candidate).entry, _PV64 if candidate.elf.bits == 64 else _PV32
    by, data = command(candidate), candidate.data
    header, offset = grub_multiboot.header(data), grub_multiboot.header_2(data)
    if by is Command.MULTIBOOT2 and offset is not None:
        tags = grub_multiboot.tags(data, offset)
        entry = grub_elf.entry(candidate.elf) if tags.entry is None else tags.entry
        return entry, _MULTIBOOT_2
    if by is not Command.MULTIBOOT or header is None:
        return None, _BZIMAGE
    if header[1] & HAS_ADDRESSES:
        return entry_addr(data, header[0]), _MULTIBOOT
    return grub_elf.entry(candidate.elf), _MULTIBOOT


def _by_qemu(candidate: Candidate) -> tuple[int | None, _State]:
    if has_hdrs(candidate):
        return None, _BZIMAGE
    header = found_by_qemu(candidate)
    if header is not None:
        offset, flags = header
        if flags & HAS_ADDRESSES:
            return entry_addr(candidate.kernel.file, offset), _MULTIBOOT
        return _physical(candidate, candidate.elf.e_entry), _MULTIBOOT
    return entry_of(candidate), _PVH


def _physical(candidate: Candidate, entry: int) -> int:
    """Return the physical address of e_entry, as load_elf of QEMU computes it.

    It does so by the first executable PT_LOAD whose bytes contain e_entry; without one, it is
    e_entry.
    """
    for s in candidate.elf.segments:
        is_code = s.p_type == spec.PT_LOAD and s.p_flags & spec.PF_X
        if is_code and s.p_vaddr <= entry < s.p_vaddr + s.p_filesz:
            return entry - s.p_vaddr + s.p_paddr
    return entry
