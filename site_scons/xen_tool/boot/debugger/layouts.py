# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The layouts of the structures that Xen shares with a guest (Xen, xen/include/public/).

A structure is written as its fields `name:kind` in the order of the C declaration; kind is u8, s8,
u32 or u64, long (the guest's word), or one of these with a number of elements in brackets.
Offsets follow from that as on x86, where a 32-bit guest aligns u64 at multiples of 4.
"""

from __future__ import annotations

import re
from typing import NamedTuple

START_INFO = (
    "magic:u8[32] nr_pages:long shared_info:long flags:u32 store_mfn:long store_evtchn:u32 "
    "console.domU.mfn:long console.domU.evtchn:u32 pt_base:long nr_pt_frames:long mfn_list:long "
    "mod_start:long mod_len:long cmd_line:u8[1024] first_p2m_pfn:long nr_p2m_frames:long"
)
"""struct start_info of xen.h, for a PV guest."""
START_INFO_MAGIC = b"xen-"
"""The first bytes of its magic."""
SIF_INITDOMAIN = 1 << 1

VCPU_INFO = (
    "evtchn_upcall_pending:u8 evtchn_upcall_mask:u8 evtchn_pending_sel:long arch.cr2:long "
    "arch.pad:long[{pads}] time.version:u32 time.pad0:u32 time.tsc_timestamp:u64 "
    "time.system_time:u64 time.tsc_to_system_mul:u32 time.tsc_shift:s8 time.flags:u8 "
    "time.pad1:u8[2]"
)
"""struct vcpu_info of xen.h and arch-x86/xen.h."""
MAX_VCPUS = 32
"""XEN_LEGACY_MAX_VCPUS: the number of vcpu_info at the start of struct shared_info."""
CHANNELS = "evtchn_pending:long[{bits}] evtchn_mask:long[{bits}]"
"""The fields after the vcpu_info in struct shared_info: a bit for each event channel."""
WALL_CLOCK = "wc_version:u32 wc_sec:u32 wc_nsec:u32"
"""The fields after CHANNELS in struct shared_info."""

HVM_START_INFO = (
    "magic:u32 version:u32 flags:u32 nr_modules:u32 modlist_paddr:u64 cmdline_paddr:u64 "
    "rsdp_paddr:u64 memmap_paddr:u64 memmap_entries:u32 reserved:u32"
)
"""struct hvm_start_info of arch-x86/hvm/start_info.h, for a PVH guest; version 0 ends before
memmap_paddr."""
HVM_START_INFO_MAGIC = 0x336EC578
HVM_MODLIST_ENTRY = "paddr:u64 size:u64 cmdline_paddr:u64 reserved:u64"
HVM_MEMMAP_ENTRY = "addr:u64 size:u64 type:u32 reserved:u32"

_FIELD = re.compile(r"([\w.]+):([us])?(8|32|64|long)(?:\[(\d+)\])?")


class StructField(NamedTuple):
    """A field of a structure, or an array."""

    name: str
    offset: int
    width: int
    """The size of an element in bytes."""
    elements: int
    """The number of elements; 0 if it is no array."""
    signed: bool


class Layout(NamedTuple):
    """The layout of a structure in memory, and its size in bytes."""

    fields: tuple[StructField, ...]
    size: int

    def read(self, memory: bytes) -> dict[str, int | bytes]:
        """Return the values of the fields in memory by their names; an array as bytes."""
        values: dict[str, int | bytes] = {}
        for field in self.fields:
            part = memory[field.offset : field.offset + field.width * max(field.elements, 1)]
            number = int.from_bytes(part, "little", signed=field.signed)
            values[field.name] = part if field.elements else number
        return values


def layout(text: str, bits: int) -> Layout:
    """Return the layout of a structure, written as above, for a guest of 32 or 64 bits."""
    fields, offset, widest = [], 0, 1
    for name, sign, size, count in _FIELD.findall(
        text.format(bits=bits, pads=1 if bits == 64 else 5)
    ):
        width = (bits if size == "long" else int(size)) // 8
        align = min(width, bits // 8)
        offset = -(-offset // align) * align
        fields.append(StructField(name, offset, width, int(count or 0), sign == "s"))
        offset += width * int(count or 1)
        widest = max(widest, align)
    return Layout(tuple(fields), -(-offset // widest) * widest)
