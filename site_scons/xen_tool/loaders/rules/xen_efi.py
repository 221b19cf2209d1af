# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The P rules of Xen's EFI binary, which finds dom0's kernel in its section .kernel.

They come before the rules of the dom0 that Xen then builds: those of xen-pv-dom0, or those of
xen-pvh-dom0 if .config says dom0=pvh.  Only P1 and P6 are checked of a kernel that is not in a PE
file yet.
"""

from __future__ import annotations

from ...abi import PAGE_SIZE
from ...image.pe import CONFIG, KERNEL, Pe, PeSection
from ...printable import printable
from ..model import xen_efi
from ..model.candidate import Candidate
from ..model.releases import POINTS, UNIFIED_IMAGE
from ..model.unwrapped import XEN_UNPACKED_LIMIT
from ..names import XEN_EFI
from .libelf.headers import NOT_ELF
from .rule import Effect, Fields, Rule
from .xen.decompression import NO_MEMORY

_SHOWN = 16
"""The most names of sections that a message shows."""


def _no_sections(candidate: Candidate) -> Fields | None:
    """The release of Xen does not look for sections in itself."""
    return {"where": f"Xen {candidate.xen}"}


def _outside(candidate: Candidate) -> Fields | None:
    """A section ends after the end of the image, or its bytes after the end of the file."""
    found = xen_efi.pe(candidate)
    for section in found.sections if found else ():
        if found and section.end > found.image_size:
            end = f"SizeOfImage = {found.image_size:#x}"
            name = xen_efi.misplaced(found, section).name
            return {**_placed(found, name), "where": f"{_section(section)}; {end}"}
        if section.raw_offset + section.raw_size > candidate.kernel.file.size:
            return {"fix": "copy the file anew: it is truncated", "where": _section(section)}
    return None


def _no_kernel(candidate: Candidate) -> Fields | None:
    """The file is a PE file without a section .kernel."""
    found = xen_efi.pe(candidate)
    if found is None or xen_efi.kernel_section(candidate) is not None:
        return None
    named = (xen_efi.value(candidate, "kernel") or "").split()[:1]
    words = "No initial domain kernel specified."
    if not xen_efi.has_config(candidate):
        words = _NO_CONFIGURATION
    if named:
        words = f"Open failed for {printable(named[0])}"
    names = " ".join(_name(section) for section in found.sections[:_SHOWN])
    return {**_placed(found), "words": words, "where": f"the sections are {names}"}


def _between_pages(candidate: Candidate) -> Fields | None:
    """The address of .kernel is not a multiple of 4096."""
    kernel = xen_efi.kernel_section(candidate)
    if kernel is None or kernel[1].address % PAGE_SIZE == 0:
        return None
    size = xen_efi.buffer_from_page_start(*kernel)
    words = NO_MEMORY if size > XEN_UNPACKED_LIMIT else NOT_ELF
    return {**_placed(kernel[0]), "words": words, "where": _section(kernel[1])}


def _overlapping(candidate: Candidate) -> Fields | None:
    """Another section overlaps .kernel in memory."""
    kernel = xen_efi.kernel_section(candidate)
    other = xen_efi.overlapping(*kernel) if kernel else None
    if kernel is None or other is None:
        return None
    where = f"{_section(kernel[1])}; {_section(other)}"
    return {**_placed(kernel[0]), "other": _name(other), "where": where}


def _no_configuration(candidate: Candidate) -> Fields | None:
    """The file has a section .kernel, but no section .config."""
    kernel = xen_efi.kernel_section(candidate)
    if kernel is None or xen_efi.has_config(candidate):
        return None
    return {**_placed(kernel[0], CONFIG), "where": "there is no section .config"}


def _pvh_not_asked_for(candidate: Candidate) -> Fields | None:
    """The kernel has an entry for PVH alone, and .config has no dom0=pvh."""
    if not xen_efi.is_for_pvh_alone(candidate) or xen_efi.says_pvh(candidate):
        return None
    if not xen_efi.has_config(candidate):
        return {"where": "there is no section .config"}
    options = printable(xen_efi.value(candidate, "options") or "")
    return {"where": f"section .config: options={options}"}


def _other_release(candidate: Candidate) -> Fields | None:
    """The Xen in the file is of another release than the rules that were applied."""
    found = xen_efi.pe(candidate)
    if found is None or found.version in ((0, 0), candidate.xen.version):
        return None
    release = "{}.{}".format(*found.version)
    fix = f"type --xen-release {release}" if found.version in POINTS else "its rules are not known"
    where = f"the version of the image, {release}"
    return {"release": release, "xen": candidate.xen, "fix": fix, "where": where}


def _placed(found: Pe, name: bytes = KERNEL) -> Fields:
    """Return the field fix, for a section that is missing or misplaced."""
    shown, address = printable(name), xen_efi.free_address(found, name)
    return {
        "fix": f"put {shown} behind the other sections, at a multiple of 4096: objcopy "
        f"--add-section {shown}=FILE --change-section-vma {shown}={address:#x}"
    }


def _section(section: PeSection) -> str:
    return (
        f"section {_name(section)} (VirtualAddress = {section.address:#x}, VirtualSize = "
        f"{section.size:#x}) at offset {section.offset:#x} of the file"
    )


def _name(section: PeSection) -> str:
    return printable(section.name)


_NO_CONFIGURATION = "No configuration file found."
_EFI_START = "xen/common/efi/boot.c, efi_start"
_FIND_SECTION = "xen/common/efi/pe.c, pe_find_section"

RULES = (
    Rule(
        "P1",
        (XEN_EFI,),
        _no_sections,
        _NO_CONFIGURATION,
        "use Xen 4.15 or newer; an older one reads configuration and kernel from the disk alone",
        before=UNIFIED_IMAGE,
        source=_EFI_START,
    ),
    Rule(
        "P2",
        (XEN_EFI,),
        _outside,
        "Load Error, by the firmware, or by Xen: PE invalid section size + address",
        "{fix}",
        source=_FIND_SECTION,
        live=True,
    ),
    Rule(
        "P3",
        (XEN_EFI,),
        _no_kernel,
        "{words}",
        "{fix}",
        source=_EFI_START,
        live=True,
    ),
    Rule(
        "P4",
        (XEN_EFI,),
        _between_pages,
        "{words}",
        "{fix}",
        source="xen/arch/x86/efi/efi-boot.h, efi_arch_handle_module",
        live=True,
    ),
    Rule(
        "P5",
        (XEN_EFI,),
        _overlapping,
        "the firmware lays the sections .kernel and {other} over each other",
        "{fix}",
        Effect.ERROR,
        source="docs/misc/efi.pandoc, Unified Xen kernel image",
    ),
    Rule(
        "P8",
        (XEN_EFI,),
        _no_configuration,
        _NO_CONFIGURATION,
        "this depends on the disk: {fix}; without it Xen reads a file of its own name with .cfg",
        Effect.WARNING,
        source=_EFI_START,
        live=True,
    ),
    Rule(
        "P6",
        (XEN_EFI,),
        _pvh_not_asked_for,
        "Xen builds a PV dom0 if its options do not ask for a PVH one",
        "write options=dom0=pvh into the file that becomes the section .config",
        Effect.WARNING,
        source="xen/arch/x86/dom0_build.c, parse_dom0_param",
    ),
    Rule(
        "P7",
        (XEN_EFI,),
        _other_release,
        "the Xen in the file is {release}; the rules are those of {xen}",
        "{fix}",
        Effect.WARNING,
        source="xen/arch/x86/Makefile, --major-image-version",
    ),
)
