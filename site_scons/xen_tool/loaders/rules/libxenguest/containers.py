# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The Z rules of libxenguest, for domUs: how unpacking fails before it reads an ELF file.

Source: tools/libs/guest/xg_dom_core.c and xg_dom_bzimageloader.c of Xen.  libxenguest tries
several loaders: if one of them finds an ELF file, the rules of the others do not apply.
"""

from __future__ import annotations

from ...model.candidate import Candidate
from ...model.decoders import libxenguest_memory
from ...model.releases import LIBXENGUEST_ZSTD
from ...model.unwrapped import GZIP_MAGIC, LIBXENGUEST_CODECS, LIBXENGUEST_GUNZIP_LIMIT, ZSTD
from ...names import DOMU
from .. import unpacking
from ..rule import Fields, Probe, Rule


def _not_gunzipped(candidate: Candidate) -> Fields | None:
    """The file begins as gzip, and cannot be unpacked to the size in its last word."""
    kernel, file = candidate.kernel, candidate.kernel.file
    if candidate.image.found.file is not file or file.read(0, 2) != GZIP_MAGIC or file.size < 6:
        return None
    size = file.unsigned(file.size - 4, 4) or 0
    if size > LIBXENGUEST_GUNZIP_LIMIT:
        return None
    return {
        # For a bzImage, problem is about its payload, not about this stream.
        "problem": (kernel.boot_protocol is None and kernel.problem)
        or "its last word is not its size, or it is damaged",
        "where": f"last word = {size:#x} at offset {file.size - 4:#x} of the file",
    }


def _old_protocol_for_domu(candidate: Candidate) -> Fields | None:
    """The boot protocol of the bzImage is older than 2.08."""
    return unpacking.protocol_too_old(candidate) if candidate.image.elf is None else None


def _large_dictionary(candidate: Candidate) -> Fields | None:
    """The dictionary of an xz or lzma stream is larger than libxenguest's memory for unpacking."""
    if candidate.image.elf is not None:
        return None
    sizes = libxenguest_memory(candidate.kernel, candidate.xen)
    if sizes is None:
        return None
    dictionary, limit = sizes
    return unpacking.container(candidate, dictionary=dictionary >> 20, limit=limit >> 20)


def _damaged_for_domu(candidate: Candidate) -> Fields | None:
    """The stream cannot be unpacked."""
    return unpacking.damaged(candidate) if candidate.image.elf is None else None


def _unknown_for_domu(candidate: Candidate) -> Fields | None:
    """The compression is bzip2 or LZO, or not gzip and outside of a bzImage."""
    if candidate.image.elf is not None or not candidate.kernel.compressed:
        return None
    match candidate.kernel.container:
        case ("gzip",) | ("bzImage", "gzip"):
            return None
        case ("bzImage", codec) if codec in LIBXENGUEST_CODECS:
            return None
    return unpacking.container(candidate)


def _of_other_size_for_domu(candidate: Candidate) -> Fields | None:
    """The last word of the stream is not the size that it unpacks to."""
    kernel = candidate.kernel
    if candidate.image.elf is not None or not kernel.compressed or kernel.size_appended:
        return None
    return unpacking.stated_size(candidate)


def _followed_for_domu(candidate: Candidate) -> Fields | None:
    """Something else than its size follows a zstd stream."""
    kernel = candidate.kernel
    if candidate.image.elf is not None or kernel.container[-1:] != (ZSTD,):
        return None
    if kernel.stream_end in (None, kernel.end - 4):
        return None
    return {"where": f"the zstd stream ends at offset {kernel.stream_end:#x} of the file"}


_XC_DOM_PROBE_BZIMAGE_KERNEL = (
    "tools/libs/guest/xg_dom_bzimageloader.c, xc_dom_probe_bzimage_kernel"
)

FILE_RULES = (
    Rule(
        "Z3",
        DOMU,
        unpacking.empty,
        "zero length file: Internal error",
        unpacking.ANEW,
        source="tools/libs/guest/xg_dom_core.c, xc_dom_malloc_filemap",
        live=True,
    ),
    Rule(
        "Z3",
        DOMU,
        _not_gunzipped,
        "xc_dom_do_gunzip: inflate failed",
        unpacking.ANEW + ": {problem}",
        source="tools/libs/guest/xg_dom_core.c, xc_dom_do_gunzip",
        live=True,
    ),
)
"""The rules of opening the file, which libxenguest does before it tries its loaders."""

RULES = (
    Rule(
        "Z1",
        DOMU,
        _old_protocol_for_domu,
        "xc_dom_probe_bzimage_kernel: boot protocol too old ({major:02x}{minor:02x})",
        unpacking.NEWER,
        probe=Probe.FILE,
        source=_XC_DOM_PROBE_BZIMAGE_KERNEL,
        live=True,
    ),
    Rule(
        "Z7",
        DOMU,
        _large_dictionary,
        "libxenguest has {limit} MiB of memory to unpack, the dictionary alone has {dictionary}",
        "compress with a dictionary of at most 64 MiB: xz --lzma2=dict=64MiB",
        probe=Probe.FILE,
        source="tools/libs/guest/xg_dom_bzimageloader.c, xc_try_xz_decode",
        live=True,
    ),
    Rule(
        "Z3",
        DOMU,
        _damaged_for_domu,
        "{problem}",
        unpacking.ANEW,
        probe=Probe.FILE,
        source=_XC_DOM_PROBE_BZIMAGE_KERNEL,
        live=True,
    ),
    Rule(
        "Z5",
        DOMU,
        unpacking.packed_with_zstd,
        "zstd is unknown",
        "compress with something else: libxenguest knows zstd since 4.15",
        before=LIBXENGUEST_ZSTD,
        probe=Probe.FILE,
        source=_XC_DOM_PROBE_BZIMAGE_KERNEL,
    ),
    Rule(
        "Z5",
        DOMU,
        _unknown_for_domu,
        "neither an ELF, nor gzip, nor a bzImage packed with gzip, xz, lzma, lz4 or zstd",
        "for a domU give the ELF itself, alone or compressed with gzip",
        probe=Probe.FILE,
        source=_XC_DOM_PROBE_BZIMAGE_KERNEL,
        live=True,
    ),
    Rule(
        "Z2",
        DOMU,
        _of_other_size_for_domu,
        "the last word of the stream is not the size that it unpacks to",
        "{fix}",
        probe=Probe.FILE,
        source=_XC_DOM_PROBE_BZIMAGE_KERNEL,
        live=True,
    ),
    Rule(
        "Z2",
        DOMU,
        _followed_for_domu,
        "the zstd stream is followed by something else than the size that it unpacks to",
        "append the size alone, as Linux's build does",
        probe=Probe.FILE,
        source=_XC_DOM_PROBE_BZIMAGE_KERNEL,
        live=True,
    ),
)
