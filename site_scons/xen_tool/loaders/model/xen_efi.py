# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Model how Xen's EFI binary finds the kernel of dom0 in itself (xen/common/efi/boot.c and pe.c).

The image is either a unified one, xen.efi with a section .kernel, or a kernel that is to become
that section.  as_dom0() returns the kernel as the builder of dom0 sees it.  The options of Xen in
the section .config choose a PV or a PVH dom0.
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
    """Return the headers of the PE file; None if the image is a kernel alone."""
    is_kernel = candidate.kernel.boot_protocol is not None
    return None if is_kernel else pe_of(candidate.kernel.file)


def kernel_section(candidate: Candidate) -> tuple[Pe, PeSection] | None:
    """Return the PE file and its section .kernel; None if either is missing."""
    found = pe(candidate)
    section = found and found.section(KERNEL)
    return None if found is None or section is None else (found, section)


def free_address(found: Pe, name: bytes) -> int:
    """Return the address for a section of this name: the first page after all other sections.

    It is an absolute address, as objcopy wants it.  Sections that end beyond the addresses that
    Xen has for its image do not count.
    """
    ends = [s.end for s in found.sections if s.name != name and s.end <= _XEN_SIZE]
    return found.image_base + -(-max(ends, default=0) // PAGE_SIZE) * PAGE_SIZE


def misplaced(found: Pe, outside: PeSection) -> PeSection:
    """Return the section to move, given one that ends after the end of the image.

    objcopy makes the end of the last section that of the image, even if another one is higher: so
    the last one is to move, unless outside itself is beyond the addresses that Xen has.
    """
    return found.sections[-1] if outside.end <= _XEN_SIZE else outside


def overlapping(found: Pe, section: PeSection) -> PeSection | None:
    """Return another section that shares memory with a section; None if there is none."""
    others = (other for other in found.sections if other.offset != section.offset)
    return next(
        (other for other in others if other.address < section.end and section.address < other.end),
        None,
    )


def value(candidate: Candidate, item: str) -> str | None:
    """Return the value of an item of .config, or None (pre_parse and get_value of boot.c)."""
    found = pe(candidate)
    section = found and found.section(CONFIG)
    if found is None or section is None:
        return None
    content = found.content(section).read(0, _CONFIG_LIMIT).decode("latin-1")
    lines = [line.partition("#")[0].lstrip() for line in re.split(r"[\0-\x1f\x7f]", content)]
    lines = [line for line in lines if line and line[0] != ";"]
    return _get_value(lines, _get_value(lines, "global", "default"), item)


def _get_value(lines: list[str], section: str | None, item: str) -> str | None:
    """Return the value of an item in a section, such as [global]; section None: in all lines."""
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
    """Return the kernel as a candidate for a PV or a PVH dom0, which Xen builds from it.

    Without .config, it is one for a PVH dom0 if the kernel has an entry for PVH alone.
    """
    pvh = says_pvh(candidate) if has_config(candidate) else is_for_pvh_alone(candidate)
    image = Image(candidate.kernel.inner, candidate.image.found)
    return Candidate(image, PVH_DOM0 if pvh else PV_DOM0, candidate.xen)


def buffer_from_page_start(found: Pe, section: PeSection) -> int:
    """Return the bytes of memory that Xen wants for a section that does not begin at a page.

    Xen reads as many bytes as the section has, but from the start of the page on, and takes their
    last word for the size to which they unpack (bzimage_headroom).
    """
    last = section.size - section.address % PAGE_SIZE - 4
    stated = found.content(section).unsigned(last, 4) or 0
    return -(-(stated + section.size) // PAGE_SIZE) * PAGE_SIZE + section.size
