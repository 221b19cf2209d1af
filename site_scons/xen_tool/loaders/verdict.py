# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Predict what each loader does with a kernel image, its messages, and what to change.

The rules are applied in the order in which a loader does so, and the first that refuses the
image decides.  Used by the check of every link and by the command line.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..abi import XenElfNote, XenFeat
from ..image.container import KernelFile, refuse_unread
from ..light import NamedTuple
from .model.candidate import Candidate, Image, candidates
from .model.libelf.parms import UNSET_ADDR32, parse
from .model.releases import D0_WORDS, Xen
from .model.unwrapped import Found, by_libxenguest, is_elf
from .names import DOM0, LOADERS, PV_DOM0, PV_DOMU, PVH, PVH_DOM0, PVH_DOMU, QEMU, XEN_EFI
from .rules import pv_dom0, pv_domu, pvh_dom0, pvh_domu, qemu_kernel
from .rules.libxenguest import probing
from .rules.libxenguest.probing import Taker
from .rules.rule import Effect, Finding, Probe, Rule

RULES: dict[str, tuple[Rule, ...]] = {
    PV_DOM0: pv_dom0.RULES,
    PV_DOMU: pv_domu.RULES,
    PVH_DOM0: pvh_dom0.RULES,
    PVH_DOMU: pvh_domu.RULES,
    QEMU: qemu_kernel.RULES,
}
"""The rules of each of LOADERS, in the order of its checks.  libxenguest/probing.py has those that
follow for a domU if the file is not a kernel."""


def rules_of(loader: str) -> tuple[Rule, ...]:
    """Return the rules of a loader of names.ALL, in the order of its checks.

    The module of a loader of names.FURTHER is imported only now.
    """
    if loader in RULES:
        return RULES[loader]
    from importlib import import_module

    rules = import_module(f".rules.{loader.replace('-', '_')}", __package__).RULES
    assert isinstance(rules, tuple)
    return rules


class Verdict(NamedTuple):
    """The verdict of one loader on an image."""

    loader: str
    refusal: Finding | None = None
    """What the rule found that refuses the image; None if the loader accepts it."""
    errors: tuple[Finding, ...] = ()
    """Why the guest cannot run, although the loader accepts the image."""
    warnings: tuple[Finding, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the loader accepts the image, even if the guest cannot run."""
        return self.refusal is None

    @property
    def rule(self) -> str | None:
        """The id of the rule that refuses the image, or None."""
        return self.refusal.id if self.refusal else None

    @property
    def message(self) -> str | None:
        """The message with which the loader refuses the image, or None."""
        return self.refusal.message if self.refusal else None

    @property
    def good(self) -> bool:
        """Whether the loader accepts the image, and the guest can run."""
        return self.accepted and not self.errors


def judge(kernel: KernelFile, loader: str, xen: Xen) -> Verdict:
    """Return the verdict of a loader of names.ALL; raise as verdicts() does."""
    return verdicts(kernel, xen, (loader,))[loader]


def verdicts(kernel: KernelFile, xen: Xen, loaders: Iterable[str] = LOADERS) -> dict[str, Verdict]:
    """Return the verdicts of several loaders by name; the image is read once.

    Raises XenToolError if the image cannot be unwrapped, as when a library is missing.
    """
    refuse_unread(kernel)
    return {candidate.loader: _verdict(candidate) for candidate in candidates(kernel, xen, loaders)}


def claimed(kernel: KernelFile) -> tuple[str, ...]:
    """Return the loaders that an image claims to support by its notes; () if none.

    XEN_VERSION with LOADER or GUEST_OS claims PV; PHYS32_ENTRY claims PVH and QEMU.  If there is
    SUPPORTED_FEATURES without the bit of dom0, neither dom0 is claimed.  A unified EFI image
    claims XEN_EFI alone: it is itself that loader.
    """
    if kernel.embedded is not None:
        return (XEN_EFI,)
    whole = Found(kernel.payload or kernel.file, kernel.file)
    elf = Image(kernel, whole).elf or Image(kernel, by_libxenguest(kernel, Xen())).elf
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


def _verdict(candidate: Candidate) -> Verdict:
    """Return the verdict of the loader of a candidate."""
    if candidate.loader == XEN_EFI:
        return _of_efi(candidate)
    file = candidate.image.found.file
    if candidate.loader == PVH_DOMU and candidate.data is not file and is_elf(file):
        # A bzImage that is also an ELF file is firmware, unless libelf accepts it as a kernel.
        whole = Candidate(
            Image(candidate.kernel, Found(file, file)), candidate.loader, candidate.xen
        )
        verdict, taker = _apply_rules(whole)
        if taker is Taker.FIRMWARE:
            return verdict
    return _apply_rules(candidate)[0]


def _of_efi(candidate: Candidate) -> Verdict:
    """Return the verdict of Xen's EFI binary: its rules, then those of the dom0 that it builds."""
    from .model.xen_efi import as_dom0

    verdict, _ = _apply_rules(candidate)
    if not verdict.accepted:
        return verdict
    of_dom0 = _apply_rules(as_dom0(candidate))[0]
    place = ".kernel: " if candidate.kernel.embedded else ""

    def placed(finding: Finding) -> Finding:
        return finding._replace(where=place + finding.where) if finding.where else finding

    return Verdict(
        candidate.loader,
        refusal=of_dom0.refusal and placed(of_dom0.refusal),
        errors=(*verdict.errors, *map(placed, of_dom0.errors)) if of_dom0.accepted else (),
        warnings=(*verdict.warnings, *map(placed, of_dom0.warnings)),
    )


def _apply_rules(candidate: Candidate) -> tuple[Verdict, Taker | None]:
    """Return the verdict, and what libxenguest does with a file that is no kernel, else None."""
    found: dict[Effect, list[Finding]] = {effect: [] for effect in Effect}
    rules = rules_of(candidate.loader)
    taker: Taker | None = None
    cause: Finding | None = None
    while failed := _find(candidate, rules, cause, found):
        probe, cause = failed
        taker = probing.taker(probe, candidate)
        rules = probing.RULES[taker]
    refusals = found[Effect.REFUSED]
    verdict = Verdict(
        candidate.loader,
        refusal=refusals[0] if refusals else None,
        errors=() if refusals else tuple(found[Effect.ERROR]),
        warnings=tuple(found[Effect.WARNING]),
    )
    return verdict, taker


def _find(
    candidate: Candidate,
    rules: Iterable[Rule],
    cause: Finding | None,
    found: dict[Effect, list[Finding]],
) -> tuple[Probe, Finding] | None:
    """Apply rules in order, up to the one that decides, and add the findings to found.

    cause: why libxenguest's probe for a kernel failed, if these are the rules of another loader.

    Returns the probe of libxenguest that failed, and why; None if no probe failed.
    """
    for rule in rules:
        finding = rule.apply(candidate) if rule.concerns(candidate.xen) else None
        if finding is None:
            continue
        if rule.probe is not None and candidate.loader not in DOM0:
            return rule.probe, finding
        if cause is not None:
            finding = _because(finding, cause, rule.effect)
        elif not finding.message:
            # Xen prints nothing but its panic.
            finding = finding._replace(message=_panic(candidate.xen))
        found[rule.effect].append(finding)
        if rule.effect is Effect.REFUSED or rule.last:
            break
    return None


def _because(finding: Finding, cause: Finding, effect: Effect) -> Finding:
    """Return a finding with the reason and the fix of libelf's refusal, which is not printed.

    cause: that refusal.  effect: of the rule of the finding.
    """
    if finding.fix:
        # The finding is about the loader that libxenguest tried after libelf's refusal.
        return finding
    reason = cause.message or "a required feature is unknown"
    found = finding._replace(fix=cause.fix, where=cause.where, reason=reason)
    return found._replace(id=cause.id) if effect is Effect.REFUSED else found


def _panic(xen: Xen) -> str:
    """Return the words of Xen's panic when it cannot build dom0."""
    return f"Could not construct {'d0' if xen.has(D0_WORDS) else 'domain 0'}"
