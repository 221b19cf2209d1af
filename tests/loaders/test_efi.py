# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of Xen's EFI binary against Debian's, with firmware under QEMU, in two boots."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders import efi
from programs import installed, program
from project import Project
from xen_tool.debian.hypervisor import installed_hypervisors
from xen_tool.image.container import unwrap
from xen_tool.image.data import Data
from xen_tool.loaders.model.candidate import candidates
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.names import XEN_EFI
from xen_tool.loaders.verdict import judge, rules_of

pytestmark = pytest.mark.boot

ASKED = (
    "objcopy-places-it",
    "no-kernel",
    "kernel-in-file",
    "no-config",
    "xen-alone",
    "good",
    "between-pages",
)


def test_it_agrees(built_kernel: Project, tmp_path: Path) -> None:
    qemu = program("qemu-system-x86_64")
    version, _ = installed_hypervisors()[-1]
    xen, _ = installed(f"boot/xen-{version}-amd64.efi")
    firmware, _ = installed("usr/share/ovmf/OVMF.fd")
    kernel = {".kernel": (built_kernel.top / "build/x86_64/vmlinux").read_bytes()}

    def made(config: str | None, sections: dict[str, bytes], shift: dict[str, int] | None) -> bytes:
        whole = {".config": config.encode(), **sections} if config else sections
        return efi.unified(xen, whole, tmp_path, shift=shift)

    images = {
        "objcopy-places-it": made(efi.config(), kernel, None),
        "no-kernel": made(efi.config(), {}, {}),
        "kernel-in-file": made(efi.config("kernel=vmlinux"), {}, {}),
        "no-config": made(None, kernel, {}),
        "xen-alone": made(None, {}, {}),
        "good": made(efi.config(), kernel, {}),
        "between-pages": made(efi.config(), kernel, {".kernel": 0x800}),
    }
    first, second = tmp_path / "1", tmp_path / "2"
    outside, *others, between_pages = images.values()
    boots = [
        efi.Boot(qemu, firmware, first, outside, *others),
        efi.Boot(qemu, firmware, second, between_pages),
    ]
    messages = [text for boot in boots for text in boot.says()]
    assert len(messages) == len(images) == len(ASKED), messages
    live = set()
    for (name, image), text in zip(images.items(), messages, strict=True):
        with unwrap(name, Data.of_bytes(image)) as unwrapped:
            release = Xen.parse(version)
            verdict = judge(unwrapped, XEN_EFI, release)
            (candidate,) = candidates(unwrapped, release, [XEN_EFI])
            live |= {id(r) for r in rules_of(XEN_EFI) if r.apply(candidate) and r.concerns(release)}
        warnings = [warning.message for warning in verdict.warnings]
        words = (verdict.message or "".join(warnings) or "RESULT: PASS").split(",")[0]
        assert words in text, (name, verdict, text)
        assert verdict.accepted == (name in ("good", "no-config"))
        assert (bool(warnings), verdict.errors) == (name == "no-config", ())
    assert live == {id(rule) for rule in rules_of(XEN_EFI) if rule.live}
