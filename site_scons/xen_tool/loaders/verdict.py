# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What each loader will say of a kernel image, in its own words, and what to change.

The rules are tried in the order in which a loader comes to them, and the first
that refuses decides.  Used by the check of every link and by the command line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ..abi import XenElfNote, XenFeat
from ..elf import spec
from ..errors import XenToolError
from ..image.container import KernelFile
from ..light import NamedTuple
from . import containers
from .dom0 import pv as pv_dom0
from .dom0 import pvh as pvh_dom0
from .domu import binary, libxenguest
from .guest import hypercall_page, layout
from .libelf import checks, headers, notes
from .libelf.parms import UNSET_ADDR32, parse
from .names import DOM0, LOADERS, PV_DOMU, PVH, PVH_DOMU
from .qemu import pvh as qemu
from .rules import Effect, Finding, Rule
from .subject import Image, Subject, subjects
from .unwrapped import Found, by_libxenguest, is_elf
from .xen import Xen

RULES: tuple[Rule, ...] = (
    *qemu.RULES,
    *containers.FILE_RULES,
    *binary.RULES,
    *containers.RULES,
    *headers.RULES,
    *notes.RULES,
    *checks.RULES,
    *pv_dom0.RULES,
    *pvh_dom0.RULES,
    *libxenguest.RULES,
    *headers.LOADING_RULES,
    *hypercall_page.RULES,
    *layout.RULES,
)
"""Every rule of every loader, in order."""

_NO_FIRMWARE = ("Z1", "Z2", "Z3", "Z5", "E1", "E2", "E3")
"""Rules that keep libxenguest's loader of firmware from taking the file."""

NO_LOADER = "xc_dom_find_loader: no loader found: Invalid kernel"
NOT_32BIT = "xc_dom_parse_hvm_kernel: ELF image is not 32bit: Invalid kernel"
"""What xl prints (U1, V1), without the file and line before it, which differ among versions."""


class Verdict(NamedTuple):
    """What one loader makes of an image.

    The first fields are of the rule that refuses it, or None.
    """

    loader: str
    accepted: bool
    """What the loader does, and nothing else."""
    rule: str | None = None
    message: str | None = None
    fix: str | None = None
    where: str | None = None
    reason: str | None = None
    errors: tuple[Finding, ...] = ()
    """What leaves the guest dead although the loader takes it."""
    warnings: tuple[Finding, ...] = ()


def judge(kernel: KernelFile, loader: str, xen: Xen) -> Verdict:
    """The verdict of one of LOADERS.  Raises as verdicts does."""
    return verdicts(kernel, xen, (loader,))[loader]


def verdicts(kernel: KernelFile, xen: Xen, loaders: Iterable[str] = LOADERS) -> dict[str, Verdict]:
    """The verdicts of several loaders, for which the image is read once.

    Raises XenToolError if a library is missing that would unwrap it.
    """
    _refuse_unread(kernel)
    return {subject.loader: _verdict(subject) for subject in subjects(kernel, xen, loaders)}


def claimed(kernel: KernelFile) -> tuple[str, ...]:
    """The loaders that the image is made for, by its notes; none if it says nothing.

    PV by XEN_VERSION with LOADER or GUEST_OS; PVH and QEMU by PHYS32_ENTRY.  A
    dom0 of either kind is none if SUPPORTED_FEATURES lacks its bit.
    """
    whole = Found(kernel.payload or kernel.file, kernel.file)
    elf = Image(kernel, whole).elf or Image(kernel, by_libxenguest(kernel)).elf
    if elf is None:
        return ()
    parms = parse(elf, domu=False, legacy=True, to_the_end=True)
    dom0 = XenElfNote.SUPPORTED_FEATURES not in parms.counted or parms.f_supported & XenFeat.DOM0
    pv = bool(parms.xen_ver and (parms.loader or parms.guest_os))
    pvh = parms.phys_entry != UNSET_ADDR32
    return tuple(
        loader
        for loader in LOADERS
        if (pvh if loader in PVH else pv) and (dom0 or loader not in DOM0)
    )


def _refuse_unread(kernel: KernelFile) -> None:
    """Nothing is known of what this tool cannot unwrap, though loaders might."""
    if kernel.unread:
        raise XenToolError(f"{kernel.path}: {kernel.problem}")


def _verdict(subject: Subject) -> Verdict:
    file = subject.image.found.file
    if subject.loader == PVH_DOMU and subject.data is not file and is_elf(file):
        # A bzImage that is an ELF, too: firmware, unless libelf takes it for a kernel.
        whole = Subject(Image(subject.kernel, Found(file, file)), subject.loader, subject.xen)
        verdict, as_firmware = _tried(whole)
        if as_firmware:
            return verdict
    return _tried(subject)[0]


def _tried(subject: Subject) -> tuple[Verdict, bool]:
    """The verdict, and whether libxenguest takes the file for firmware."""
    found: dict[Effect, list[Finding]] = {effect: [] for effect in Effect}
    rules = deque(RULES)
    as_firmware = False
    while rules:
        rule = rules.popleft()
        if not rule.concerns(subject.loader, subject.xen):
            continue
        finding = rule.apply(subject)
        if finding is None:
            continue
        effect, finding = _heard(subject, rule, finding)
        found[effect].append(finding)
        as_firmware |= finding.message == NOT_32BIT or effect is not rule.effect
        if effect is not rule.effect:
            rules = deque(libxenguest.FIRMWARE_RULES)
        elif effect is Effect.REFUSED or rule.last:
            rules.clear()
    verdict = Verdict(
        subject.loader,
        accepted=not found[Effect.REFUSED],
        errors=tuple(found[Effect.ERROR]),
        warnings=tuple(found[Effect.WARNING]),
    )
    for refusal in found[Effect.REFUSED]:
        verdict = verdict._replace(
            rule=refusal.id,
            message=refusal.message,
            fix=refusal.fix,
            where=refusal.where,
            reason=refusal.reason or None,
            errors=(),
        )
    return verdict, as_firmware


def _heard(subject: Subject, rule: Rule, finding: Finding) -> tuple[Effect, Finding]:
    """What comes of a finding, in words that somebody hears.

    libxenguest asks libelf whether it takes a file, without a log (U1).  What
    libelf refuses as a PVH kernel, libxenguest has tried as firmware before, which
    an ELF64 is not (V1), but any ELF32 is (V2); a bzImage it has not.
    """
    if not rule.libelf:
        return rule.effect, finding
    if subject.loader in DOM0:
        # Xen prints nothing of its own for F1, before it panics.
        words = finding.message or _panic(subject.xen)
        return rule.effect, finding._replace(message=words)
    reason = finding.message or "a required feature is unknown"
    if subject.loader == PV_DOMU or rule.id in _NO_FIRMWARE or subject.from_bzimage:
        return rule.effect, finding._replace(message=NO_LOADER, reason=reason)
    if subject.elf.ei_class != spec.ELFCLASS32:
        return rule.effect, finding._replace(message=NOT_32BIT, reason=reason)
    words = "libxenguest takes it for firmware, without a word, and the guest does not start"
    return Effect.ERROR, finding._replace(id="V2", message=words, reason=reason)


def _panic(xen: Xen) -> str:
    return f"Could not construct {'d0' if xen.version >= (4, 21) else 'domain 0'}"
