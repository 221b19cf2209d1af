# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The part of a configuration that the head object depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import abi
from ..abi import Arch
from ..errors import XenToolError

SYMBOLS = (
    "XEN",
    "XEN_PV",
    "XEN_PVH",
    "XEN_HYPERCALL_PAGE",
    "SMP",
    "KASAN",
    "STACK_VALIDATION",
    "X86_ALIGNMENT_16",
    "PAGE_OFFSET",
)
"""Every Kconfig symbol that the head object depends on, besides the architecture."""


@dataclass(frozen=True)
class HeadConfig:
    """The part of a configuration that the head object depends on."""

    arch: Arch
    xen_pv: bool
    smp: bool
    kasan: bool
    stack_validation: bool
    x86_alignment_16: bool
    virt_base: int
    hypercall_page: bool = True
    xen_pvh: bool = False

    @classmethod
    def from_symbols(cls, arch: Arch, symbols: Mapping[str, str]) -> HeadConfig | None:
        """From Kconfig values ("y", "0xc0000000"); None when XEN is not set.

        A symbol that is absent is n, but for XEN_HYPERCALL_PAGE: Linux v4.17 has the
        page and no such symbol.

        Raises XenToolError if 32-bit and PAGE_OFFSET is no number.
        """

        def enabled(name: str) -> bool:
            return symbols.get(name) == "y"

        if not enabled("XEN"):
            return None
        return cls(
            arch=arch,
            xen_pv=enabled("XEN_PV"),
            smp=enabled("SMP"),
            kasan=enabled("KASAN"),
            stack_validation=enabled("STACK_VALIDATION") and arch.bits == 64,
            x86_alignment_16=enabled("X86_ALIGNMENT_16"),
            virt_base=_virt_base(arch, symbols.get("PAGE_OFFSET", "")),
            hypercall_page=symbols.get("XEN_HYPERCALL_PAGE", "y") == "y",
            xen_pvh=enabled("XEN_PVH") and arch.bits == 64,
        )

    @property
    def thread_size(self) -> int:
        """THREAD_SIZE in bytes."""
        return self.arch.kasan_thread_size if self.kasan else self.arch.thread_size

    @property
    def function_alignment(self) -> int:
        """Alignment of the entry, in bytes."""
        if self.x86_alignment_16:
            return abi.FUNCTION_ALIGNMENT_16
        return self.arch.function_alignment


def _virt_base(arch: Arch, page_offset: str) -> int:
    if arch.virt_base is not None:
        return arch.virt_base
    try:
        return int(page_offset, 16)
    except ValueError:
        raise XenToolError(
            f"the head object of {arch.name} needs CONFIG_PAGE_OFFSET (is {page_offset!r}): "
            "give it a hex default in Kconfig, as kconfig/Kconfig.x86 does"
        ) from None
