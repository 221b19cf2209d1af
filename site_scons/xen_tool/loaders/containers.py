# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The Z rules: containers, which each loader unwraps, or not, before it looks for an ELF.

Xen: xen/arch/x86/bzimage.c, common/gunzip.c and common/decompress.c; libxenguest:
tools/libs/guest/xg_dom_bzimageloader.c.  unwrapped.py has what they find; Z4, that
this is no ELF, is E1, and Z6 is QEMU's, in qemu/files.py.
"""

from __future__ import annotations

from ..image.container import KernelFile
from .names import DOM0, DOMU
from .rules import Effect, Fields, Rule
from .subject import Subject
from .unwrapped import (
    GZIP,
    GZIP_MAGIC,
    LIBXENGUEST_CODECS,
    LIBXENGUEST_GUNZIP_LIMIT,
    LZ4,
    XEN_UNPACKED_LIMIT,
    is_elf,
    xen_buffer,
)

_OLDEST_PROTOCOL = 0x208
_ASSUMED_MEMORY = 128 << 20
_SUPERPAGE = 2 << 20
"""Xen maps the file in these, so this far it may read behind the end."""


def _empty(subject: Subject) -> Fields | None:
    return None if subject.kernel.file.size else {"where": "the file has 0 bytes"}


def _protocol_too_old(subject: Subject) -> Fields | None:
    protocol = subject.kernel.boot_protocol
    if protocol is None or protocol >= _OLDEST_PROTOCOL:
        return None
    where = f"boot protocol {protocol:#06x} at offset 0x206 of the file"
    return {"major": protocol >> 8, "minor": protocol & 0xFF, "where": where}


def _container(subject: Subject, **fields: object) -> Fields:
    return {**fields, "where": f"the container: {subject.kernel.format}"}


def _stated_size(subject: Subject, **fields: object) -> Fields:
    kernel = subject.kernel
    size = kernel.file.unsigned(kernel.end - 4, 4) or 0
    where = f"last word = {size:#x} at offset {kernel.end - 4:#x} of the file"
    return {"fix": _size_appended(kernel), **fields, "size": size, "where": where}


def _size_appended(kernel: KernelFile) -> str:
    if kernel.container[-1:] == (GZIP,):
        return "cut off what follows the gzip stream, whose last word is the size"
    return _APPEND


# Xen, for dom0.


def _far_outside(subject: Subject) -> Fields | None:
    return _outside(subject) if subject.kernel.end > _mapped(subject) else None


def _gzip_outside(subject: Subject) -> Fields | None:
    kernel = subject.kernel
    return _outside(subject) if kernel.file.read(kernel.start, 2) == GZIP_MAGIC else None


def _outside(subject: Subject) -> Fields | None:
    kernel = subject.kernel
    if kernel.payload is not None or kernel.compressed:
        return None
    return {"problem": kernel.problem, "where": "the fields at offset 0x248 of the file"}


def _mapped(subject: Subject) -> int:
    return subject.kernel.file.size + _SUPERPAGE


def _too_large_to_map(subject: Subject) -> Fields | None:
    if not subject.kernel.compressed or xen_buffer(subject.kernel) <= XEN_UNPACKED_LIMIT:
        return None
    return _stated_size(subject, fix=_size_fix(subject))


def _large_to_map(subject: Subject) -> Fields | None:
    size = xen_buffer(subject.kernel)
    if size <= _ASSUMED_MEMORY:
        return None
    return _stated_size(
        subject, fix=_size_fix(subject), mib=size >> 20, assumed=_ASSUMED_MEMORY >> 20
    )


def _size_fix(subject: Subject) -> str:
    kernel = subject.kernel
    if not kernel.compressed:
        return "Xen takes the last word of what is no ELF for the size it unpacks to"
    if kernel.payload is None:
        return f"{_ANEW}: {kernel.problem}"
    return _size_appended(kernel)


def _cut_gzip(subject: Subject) -> Fields | None:
    return _damaged(subject) if _is_gzip(subject) and subject.kernel.cut_short else None


def _damaged_gzip(subject: Subject) -> Fields | None:
    return _damaged(subject) if _is_gzip(subject) else None


def _is_gzip(subject: Subject) -> bool:
    return subject.kernel.container[-1:] == (GZIP,)


def _damaged(subject: Subject) -> Fields | None:
    if subject.kernel.payload is not None:
        return None
    return _container(subject, problem=subject.kernel.problem)


def _packed_with_zstd(subject: Subject) -> Fields | None:
    return _container(subject) if "zstd" in subject.kernel.container else None


def _lz4_of_other_size(subject: Subject) -> Fields | None:
    kernel = subject.kernel
    if kernel.container[-1:] != (LZ4,) or kernel.size_appended:
        return None
    return _stated_size(subject)


def _overruns(subject: Subject) -> Fields | None:
    """More is unpacked than there is room for, over the stream itself."""
    kernel = subject.kernel
    if not kernel.compressed or kernel.payload is None:
        return None
    return _stated_size(subject) if kernel.payload.size > xen_buffer(kernel) else None


def _none_of_stated_size(subject: Subject) -> Fields | None:
    kernel = subject.kernel
    if kernel.payload is None or is_elf(subject.data) or not is_elf(kernel.payload):
        return None
    return _stated_size(subject)


def _other_size(subject: Subject) -> Fields | None:
    kernel = subject.kernel
    if kernel.payload is None or not kernel.compressed or kernel.size_appended:
        return None
    return _stated_size(subject, real=kernel.payload.size)


# libxenguest, for domUs: it asks several loaders, of which one may find an ELF after all.


def _not_gunzipped(subject: Subject) -> Fields | None:
    kernel, file = subject.kernel, subject.kernel.file
    if subject.image.found.file is not file or file.read(0, 2) != GZIP_MAGIC or file.size < 6:
        return None
    size = file.unsigned(file.size - 4, 4) or 0
    if size > LIBXENGUEST_GUNZIP_LIMIT:
        return None
    return {
        # Of what counts as a bzImage the problem is another.
        "problem": (kernel.boot_protocol is None and kernel.problem)
        or "its last word is not its size, or it is damaged",
        "where": f"last word = {size:#x} at offset {file.size - 4:#x} of the file",
    }


def _old_protocol_for_domu(subject: Subject) -> Fields | None:
    return _protocol_too_old(subject) if subject.image.elf is None else None


def _damaged_for_domu(subject: Subject) -> Fields | None:
    return _damaged(subject) if subject.image.elf is None else None


def _unknown_for_domu(subject: Subject) -> Fields | None:
    if subject.image.elf is not None or not subject.kernel.compressed:
        return None
    match subject.kernel.container:
        case ("gzip",) | ("bzImage", "gzip"):
            return None
        case ("bzImage", codec) if codec in LIBXENGUEST_CODECS:
            return None
    return _container(subject)


def _of_other_size_for_domu(subject: Subject) -> Fields | None:
    kernel = subject.kernel
    if subject.image.elf is not None or not kernel.compressed or kernel.size_appended:
        return None
    return _stated_size(subject)


_ANEW = "build or copy the image anew"
_APPEND = (
    "append the 32-bit little-endian size of the uncompressed kernel to the compressed file, "
    "as Linux's build does, or use gzip, or no compression"
)
_NEWER = "give the vmlinux instead of the bzImage, or a kernel newer than Linux 2.6.24"
_NO_MEMORY = "Not enough memory to relocate the dom0 kernel image"

FILE_RULES = (
    Rule("Z3", DOMU, _empty, "zero length file: Internal error", _ANEW),
    Rule("Z3", DOMU, _not_gunzipped, "xc_dom_do_gunzip: inflate failed", _ANEW + ": {problem}"),
)
"""libxenguest opens the file before it asks any loader."""

RULES = (
    Rule(
        "Z1",
        DOM0,
        _protocol_too_old,
        "Cannot load bzImage v{major}.{minor:02d} at least v2.08 is required",
        _NEWER,
    ),
    Rule(
        "Z1",
        DOMU,
        _old_protocol_for_domu,
        "xc_dom_probe_bzimage_kernel: boot protocol too old ({major:02x}{minor:02x})",
        _NEWER,
        libelf=True,
    ),
    Rule("Z3", DOM0, _empty, "FATAL TRAP", f"{_ANEW}: Xen itself dies of an empty one"),
    Rule("Z3", DOM0, _far_outside, "FATAL TRAP", _ANEW + ": Xen itself dies of it, as {problem}"),
    Rule("Z3", DOM0, _gzip_outside, "ran out of input data", _ANEW + ": {problem}"),
    Rule("Z3", DOM0, _outside, "", _ANEW + ": {problem}", libelf=True),
    Rule("Z2", DOM0, _too_large_to_map, _NO_MEMORY, "{fix}"),
    Rule(
        "Z2",
        DOM0,
        _large_to_map,
        _NO_MEMORY,
        "this depends on the machine: Xen wants {mib} MiB ({assumed} MiB were assumed); {fix}",
        Effect.WARNING,
    ),
    Rule("Z3", DOM0, _cut_gzip, "ran out of input data", _ANEW + ": {problem}"),
    Rule("Z3", DOM0, _damaged_gzip, "Panic on CPU 0", _ANEW + ": {problem}"),
    Rule("Z3", DOM0, _damaged, "", _ANEW + ": {problem}", libelf=True),
    Rule("Z3", DOMU, _damaged_for_domu, "{problem}", _ANEW, libelf=True),
    Rule(
        "Z2",
        DOM0,
        _packed_with_zstd,
        "ELF: not an ELF binary",
        "compress with something else: Xen knows zstd since 4.15",
        before=(4, 15),
    ),
    Rule("Z2", DOM0, _lz4_of_other_size, "Decoding failed", "{fix}"),
    Rule("Z2", DOM0, _overruns, "", "{fix}: Xen unpacks it over itself", libelf=True),
    Rule("Z2", DOM0, _none_of_stated_size, "ELF: not an ELF binary", "{fix}"),
    Rule(
        "Z2",
        DOM0,
        _other_size,
        "Xen takes {size:#x} for the size of the unpacked kernel, which is {real:#x}",
        "{fix}",
        Effect.WARNING,
    ),
    Rule(
        "Z5",
        DOMU,
        _packed_with_zstd,
        "zstd is unknown",
        "compress with something else: libxenguest knows zstd since 4.15",
        before=(4, 15),
        libelf=True,
    ),
    Rule(
        "Z5",
        DOMU,
        _unknown_for_domu,
        "neither an ELF, nor gzip, nor a bzImage packed with gzip, xz, lzma, lz4 or zstd",
        "for a domU give the ELF itself, alone or compressed with gzip",
        libelf=True,
    ),
    Rule(
        "Z2",
        DOMU,
        _of_other_size_for_domu,
        "the last word of the stream is not the size that it unpacks to",
        "{fix}",
        libelf=True,
    ),
)
