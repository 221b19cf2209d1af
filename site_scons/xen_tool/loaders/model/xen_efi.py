# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Model how Xen's EFI binary finds the kernel of dom0 in itself (xen/common/efi/boot.c and pe.c).

The image is either a unified one, xen.efi with a section .kernel, or a kernel that is to become
that section.  as_dom0() returns the kernel as the builder of dom0 sees it; whether that is PV or
PVH is said by the options of Xen in the section .config.
"""

from __future__ import annotations

import re

from ...abi import PAGE_SIZE
from ...image.container import KernelFile
from ...image.pe import CONFIG, KERNEL, Pe, PeSection, pe_of
from ..names import PV_DOM0, PVH_DOM0
from .candidate import Candidate, Image
from .libelf.parms import UNSET_ADDR32
from .releases import Xen
from .unwrapped import Found, by_xen

_CONFIG_LIMIT = 1 << 16
"""Bytes of .config that are read."""
_XEN_SIZE = 1 << 30
"""Bytes of addresses that Xen has for its image (XEN_VIRT_START to XEN_VIRT_END)."""


def by_xen_efi(kernel: KernelFile, xen: Xen) -> Found:
    """Return what Xen finds in the section .kernel, or in the kernel that is to become that."""
    return by_xen(kernel.inner, xen)


def pe(candidate: Candidate) -> Pe | None:
    """Return the headers of the PE file; None if the image is a kernel that is in none yet."""
    is_kernel = candidate.kernel.boot_protocol is not None
    return None if is_kernel else pe_of(candidate.kernel.file)


def kernel_section(candidate: Candidate) -> tuple[Pe, PeSection] | None:
    """Return the PE file and its section .kernel; None if there is none."""
    found = pe(candidate)
    section = found and found.section(KERNEL)
    return None if found is None or section is None else (found, section)


def free_address(found: Pe, name: bytes) -> int:
    """Return the first page behind the sections of other names, as objcopy wants it: absolute."""
    ends = [s.end for s in found.sections if s.name != name and s.end <= _XEN_SIZE]
    return found.image_base + -(-max(ends, default=0) // PAGE_SIZE) * PAGE_SIZE


def misplaced(found: Pe, outside: PeSection) -> PeSection:
    """Return the section to move if one is outside of the image.

    objcopy makes the end of the last section that of the image, even if another one is higher.
    """
    return found.sections[-1] if outside.end <= _XEN_SIZE else outside


def overlapping(found: Pe, section: PeSection) -> PeSection | None:
    """Return a section that shares memory with another one; None if there is none."""
    others = (other for other in found.sections if other.offset != section.offset)
    return next(
        (other for other in others if other.address < section.end and section.address < other.end),
        None,
    )


def value(candidate: Candidate, item: str) -> str | None:
    """Return the value of an item of .config (pre_parse and get_value of boot.c)."""
    found = pe(candidate)
    section = found and found.section(CONFIG)
    if found is None or section is None:
        return None
    content = found.content(section).read(0, _CONFIG_LIMIT).decode("latin-1")
    lines = [line.partition("#")[0].lstrip() for line in re.split(r"[\0-\x1f\x7f]", content)]
    lines = [line for line in lines if line and line[0] != ";"]
    return _get_value(lines, _get_value(lines, "global", "default"), item)


def _get_value(lines: list[str], section: str | None, item: str) -> str | None:
    matches = not section
    for line in lines:
        if line[0] == "[" and section:
            if matches:
                return None
            matches = line.startswith(f"[{section}]")
        elif matches and line.startswith(f"{item}="):
            return line.partition("=")[2].lstrip()
    return None


def has_config(candidate: Candidate) -> bool:
    """Whether the image has a section .config."""
    found = pe(candidate)
    return found is not None and found.section(CONFIG) is not None


def says_pvh(candidate: Candidate) -> bool:
    """Whether the options of Xen in .config ask for a PVH dom0 (parse_dom0_param)."""
    pvh = False
    for option in (value(candidate, "options") or "").split():
        name, _, words = option.partition("=")
        for word in words.split(",") if name == "dom0" else ():
            pvh = word == "pvh" or (pvh and word != "pv")
    return pvh


def is_for_pvh_alone(candidate: Candidate) -> bool:
    """Whether the kernel has an entry for PVH, and none for PV."""
    if candidate.image.elf is None:
        return False
    parms = candidate.parms
    pv = parms.xen_ver and (parms.loader or parms.guest_os)
    return parms.phys_entry != UNSET_ADDR32 and not pv


def as_dom0(candidate: Candidate) -> Candidate:
    """Return the kernel as Xen sees it that builds dom0 from it, PV or PVH.

    Without .config it is what the kernel is for.
    """
    pvh = says_pvh(candidate) if has_config(candidate) else is_for_pvh_alone(candidate)
    image = Image(candidate.kernel.inner, candidate.image.found)
    return Candidate(image, PVH_DOM0 if pvh else PV_DOM0, candidate.xen)


def buffer_from_page_start(found: Pe, section: PeSection) -> int:
    """Return the bytes that Xen wants to unpack what it takes for the kernel.

    For a section that does not begin at a page, Xen reads from the start of the page on, and takes
    the last word of as many bytes for the size of a stream (bzimage_headroom).
    """
    last = section.size - section.address % PAGE_SIZE - 4
    stated = found.content(section).unsigned(last, 4) or 0
    return -(-(stated + section.size) // PAGE_SIZE) * PAGE_SIZE + section.size
