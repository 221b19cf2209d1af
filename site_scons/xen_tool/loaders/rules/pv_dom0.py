# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of the hypervisor for a PV dom0, in the order of its checks.

dom0_construct (xen/arch/x86/pv/dom0_build.c of Xen) calls libelf to read the file.  If libelf
accepts the notes, the D rules follow: those of width and features are here, those of the memory
that Xen gives the kernel in xen/pv_memory.py.
"""

from __future__ import annotations

from ...abi import I386, XenElfNote, XenFeat
from ...elf import spec
from ...image.elf import ADDRESS_MASK
from ..model import where
from ..model.candidate import Candidate
from ..model.libelf.parms import UNSET_ADDR, Pae
from ..model.releases import ENDIANNESS, ONE_PV32_SWITCH, PV32_WORDS
from ..names import PV_DOM0
from . import common
from .guest import hypercall_page, layout
from .libelf import checks, headers, note_rules
from .rule import Effect, Fields, Rule, of
from .xen import decompression, pv_memory
from .xen.dom0_features import ADD_DOM0_BIT, NO_DOM0, no_dom0_bit
from .xen.pv_memory import DOM0_CONSTRUCT, is_32bit


def _is_compat(candidate: Candidate) -> bool:
    """Whether a 32-bit kernel is one that Xen can run: for i386, with PAE."""
    return candidate.parms.pae != Pae.NO and candidate.elf.e_machine == spec.EM_386


def _identity(candidate: Candidate) -> str:
    """Describe the class and the machine of the ELF file."""
    return (
        f"EI_CLASS = {candidate.elf.ei_class:#x} {where.at(candidate, spec.EI_CLASS)}, "
        f"{where.header(candidate, 'e_machine')}"
    )


def _without_pv32(candidate: Candidate) -> Fields | None:
    """The kernel is 32-bit, and Xen has no CONFIG_PV32."""
    if not is_32bit(candidate) or candidate.xen.pv32:
        return None
    return {"where": _identity(candidate)}


def _compat_without_pv32(candidate: Candidate) -> Fields | None:
    """The kernel is 32-bit and has PAE_MODE, and Xen has no CONFIG_PV32."""
    return _without_pv32(candidate) if _is_compat(candidate) else None


def _with_shadow_stacks(candidate: Candidate) -> Fields | None:
    """The kernel is 32-bit, and Xen has CONFIG_PV32 and uses shadow stacks."""
    if not is_32bit(candidate) or not _is_compat(candidate):
        return None
    return {"where": _identity(candidate)}


def _mismatch(candidate: Candidate) -> Fields | None:
    """The file is neither an ELF64 for x86-64, nor an ELF32 for i386 with PAE_MODE."""
    if is_32bit(candidate):
        if _is_compat(candidate):
            return None
        return {"where": f"{_identity(candidate)}; {where.of_type(candidate, XenElfNote.PAE_MODE)}"}
    if candidate.elf.ei_class == spec.ELFCLASS64 and candidate.elf.e_machine == spec.EM_X86_64:
        return None
    return {"where": _identity(candidate)}


def _big_endian(candidate: Candidate) -> Fields | None:
    """The kernel is big-endian."""
    if candidate.elf.ei_data != spec.ELFDATA2MSB:
        return None
    return {"where": f"EI_DATA = 0x2 {where.at(candidate, spec.EI_DATA)}"}


def _hole_too_high(candidate: Candidate) -> Fields | None:
    """HV_START_LOW, rounded up to 2 MiB, is above 0xf5800000."""
    low = candidate.parms.virt_hv_start_low
    if not is_32bit(candidate) or low == UNSET_ADDR:
        return None
    if -(-low // (1 << 21)) << 21 & ADDRESS_MASK <= I386.hv_start_low:
        return None
    return {"where": where.of_type(candidate, XenElfNote.HV_START_LOW)}


def _p2m_ignored(candidate: Candidate) -> Fields | None:
    """A 32-bit kernel has INIT_P2M."""
    if not is_32bit(candidate) or candidate.parms.p2m_base == UNSET_ADDR:
        return None
    return {"where": where.of_type(candidate, XenElfNote.INIT_P2M)}


def _supervisor_mode(candidate: Candidate) -> Fields | None:
    """FEATURES requires supervisor_mode_kernel."""
    if not candidate.parms.f_required & XenFeat.SUPERVISOR_MODE_KERNEL:
        return None
    return {"where": where.of_type(candidate, XenElfNote.FEATURES)}


_NO_PV32 = "build a 64-bit kernel, or a PVH one, or build Xen with CONFIG_PV32; pv=32 does not help"


_MISMATCH = "Mismatch between Xen and DOM0 kernel"
_LINUX_HV_START_LOW = f"make HV_START_LOW {I386.hv_start_low:#x}, as Linux does"
_RULES = (
    Rule(
        "D1",
        (PV_DOM0,),
        _without_pv32,
        "Found 32-bit PV kernel, but CONFIG_PV32 missing",
        _NO_PV32,
        since=PV32_WORDS,
        source=DOM0_CONSTRUCT,
        live=True,
    ),
    Rule(
        "D1",
        (PV_DOM0,),
        _compat_without_pv32,
        _MISMATCH,
        _NO_PV32,
        since=ONE_PV32_SWITCH,
        before=PV32_WORDS,
        source=DOM0_CONSTRUCT,
    ),
    Rule(
        "D1",
        (PV_DOM0,),
        _compat_without_pv32,
        "Dom0 failed to switch to compat: -95",
        _NO_PV32,
        before=ONE_PV32_SWITCH,
        source=DOM0_CONSTRUCT,
        live=True,
    ),
    Rule(
        "D2",
        (PV_DOM0,),
        _with_shadow_stacks,
        "on a machine with CET shadow stacks: Dom0 failed to switch to compat: -95",
        "boot Xen with cet=no-shstk there, and with pv=32",
        Effect.WARNING,
        source="xen/arch/x86/pv/domain.c, switch_compat",
    ),
    Rule(
        "D3",
        (PV_DOM0,),
        _mismatch,
        _MISMATCH,
        'link ELF64 for x86-64, or ELF32 for i386 with the note PAE_MODE = "yes"',
        source=DOM0_CONSTRUCT,
        live=True,
    ),
    Rule(
        "E5",
        (PV_DOM0,),
        _big_endian,
        _MISMATCH,
        common.LITTLE_ENDIAN,
        since=ENDIANNESS,
        source=DOM0_CONSTRUCT,
    ),
    Rule(
        "D4",
        (PV_DOM0,),
        no_dom0_bit,
        NO_DOM0,
        ADD_DOM0_BIT,
        source=DOM0_CONSTRUCT,
        live=True,
    ),
    Rule(
        "D6",
        (PV_DOM0,),
        _hole_too_high,
        "Dom0 expects too high a hypervisor start address",
        _LINUX_HV_START_LOW,
        since=ONE_PV32_SWITCH,
        source=DOM0_CONSTRUCT,
    ),
    Rule(
        "D6",
        (PV_DOM0,),
        _hole_too_high,
        "Domain 0 expects too high a hypervisor start address",
        _LINUX_HV_START_LOW,
        before=ONE_PV32_SWITCH,
        source=DOM0_CONSTRUCT,
    ),
    Rule(
        "D7",
        (PV_DOM0,),
        _p2m_ignored,
        "P2M table base ignored",
        "drop INIT_P2M from a 32-bit kernel",
        Effect.WARNING,
        source=DOM0_CONSTRUCT,
    ),
    *pv_memory.RULES,
    Rule(
        "D14",
        (PV_DOM0,),
        _supervisor_mode,
        "Dom0 requires supervisor-mode execution",
        'drop "!supervisor_mode_kernel" from FEATURES',
        source=DOM0_CONSTRUCT,
        live=True,
    ),
)

RULES = of(
    PV_DOM0,
    decompression.RULES,
    headers.RULES,
    note_rules.RULES,
    checks.RULES,
    _RULES,
    headers.LOADING_RULES,
    hypercall_page.RULES,
    layout.RULES,
)
