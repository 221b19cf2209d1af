# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The releases of Xen whose loaders are modelled, and the changes between them.

The source of each release in POINTS was read for all rules.  All differences are in
CHANGES: a Rule names the change that added or removed it as since= or before=, and a part of the
model asks Xen.has().  rules/__init__.py tells where the rules are; their sources cite the newest
release.  debian/suites.py has the releases that can be booted.
"""

from __future__ import annotations

import re

from ...errors import XenToolError
from ...light import NamedTuple

POINTS = {
    (4, 14): 6,
    (4, 15): 7,
    (4, 16): 7,
    (4, 17): 7,
    (4, 18): 6,
    (4, 19): 6,
    (4, 20): 4,
    (4, 21): 2,
    (4, 22): 0,
}
"""The newest point release of each series whose source was read."""

OLDEST = min(POINTS)
NEWEST = max(POINTS)


class Change(NamedTuple):
    """A change of the loaders' behaviour, and the releases that have it."""

    what: str
    commit: str
    """Its commit in the branch master of Xen's repository."""
    first: tuple[tuple[int, int, int], ...]
    """Its first release in each series that has it; before the last of these, it is a backport."""
    debian: tuple[int, int] | None = None
    """A series to which only Debian backported it, as the changelog of its package says."""


ONE_PV32_SWITCH = Change(
    "all code for 32-bit PV dom0s depends on CONFIG_PV32, and does not panic",
    "16dcc135e8",
    ((4, 15, 0),),
)
ENDIANNESS = Change("Xen checks the endianness of a PV dom0", "347384331e", ((4, 15, 0),))
ZSTD = Change("Xen unpacks zstd", "d6627cf1b6", ((4, 15, 0),))
LIBXENGUEST_ZSTD = Change("libxenguest unpacks zstd", "8169f82049", ((4, 15, 0),))
UNIFIED_IMAGE = Change(
    "Xen's EFI binary reads configuration and kernel from sections of its own",
    "8a71d50ed4",
    ((4, 15, 0),),
)
PV32_WORDS = Change("a Xen without CONFIG_PV32 prints that", "2e5512d1ff", ((4, 16, 0),))
KNOWS_HVM = Change(
    "libelf knows whether the domain is PVH, and then requires PHYS32_ENTRY only",
    "632cbaf124",
    ((4, 16, 0),),
)
PVH_PADDR_OFFSET = Change(
    "libelf accepts PADDR_OFFSET without VIRT_BASE for PVH", "b77ed96fce", ((4, 18, 0),)
)
XZ_256_MIB = Change(
    "libxenguest has 256 MiB, not 128, to unpack xz and lzma",
    "e6472d4668",
    ((4, 18, 5), (4, 19, 2), (4, 20, 0)),
    debian=(4, 17),
)
PHYS32_RELOC = Change(
    "a PVH dom0 must lie within one region of RAM, and moves there by PHYS32_RELOC",
    "dfc9fab003",
    ((4, 19, 0),),
)
PVH_DOM0_BIT = Change(
    "a PVH dom0 needs the bit of dom0 in SUPPORTED_FEATURES, if the note is present",
    "44429b6931",
    ((4, 20, 4), (4, 21, 2), (4, 22, 0)),
)
D0_WORDS = Change(
    'the last message is "Could not construct d0", not "domain 0"', "5104e05904", ((4, 21, 0),)
)
SYSTEM_LZ4 = Change(
    "libxenguest unpacks lz4 with liblz4, and requires a correct stated size",
    "38492dc098",
    ((4, 22, 0),),
)

CHANGES = (
    ONE_PV32_SWITCH,
    ENDIANNESS,
    ZSTD,
    LIBXENGUEST_ZSTD,
    UNIFIED_IMAGE,
    PV32_WORDS,
    KNOWS_HVM,
    PVH_PADDR_OFFSET,
    XZ_256_MIB,
    PHYS32_RELOC,
    PVH_DOM0_BIT,
    D0_WORDS,
    SYSTEM_LZ4,
)
"""All changes, the oldest first."""


class Xen(NamedTuple):
    """A release of Xen; by default that of Debian 12.

    pv32 is CONFIG_PV32, a property of the build, not of the version: Debian's Xen is built
    without it, xen-shim with it.
    """

    version: tuple[int, int] = (4, 17)
    pv32: bool = False
    point: int | None = None
    """The point release; None: the newest, as Debian builds it."""

    @classmethod
    def parse(cls, text: str) -> Xen:
        """Parse "4.17" (its newest point release) or "4.17.3", either also with "+pv32".

        Raises XenToolError if text is not a release, or one that was not read.
        """
        match = re.fullmatch(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(\+pv32)?", text, re.ASCII)
        if match is None:
            raise XenToolError(f"{text!r} is no release of Xen: write 4.17, 4.17.3 or 4.17+pv32")
        xen = cls(
            (int(match[1]), int(match[2])),
            pv32=match[4] is not None,
            point=None if match[3] is None else int(match[3]),
        )
        if xen.version < OLDEST:
            oldest = "{}.{}".format(*OLDEST)
            raise XenToolError(
                f"Xen {text} is older than {oldest}, the oldest whose rules are known"
            )
        newest = "{}.{}.{}".format(*NEWEST, POINTS[NEWEST])
        if xen.version not in POINTS:
            raise XenToolError(
                f"Xen {text} is newer than {newest}, the newest whose rules are known"
            )
        last = POINTS[xen.version]
        if xen.point is not None and xen.point > last:
            raise XenToolError(
                f"Xen {text} is newer than {{}}.{{}}.{last}, the newest of its series whose rules "
                f"are known; of all, that is {newest}".format(*xen.version)
            )
        return xen

    @property
    def release(self) -> tuple[int, int, int]:
        """The version with the point release: (4, 17, 3)."""
        return (*self.version, POINTS[self.version] if self.point is None else self.point)

    def has(self, change: Change) -> bool:
        """Whether this release has the change."""
        if self.version > change.first[-1][:2]:
            return True
        if self.point is None and self.version == change.debian:
            return True
        return any(self.version == first[:2] and self.release >= first for first in change.first)

    def __str__(self) -> str:
        point = "" if self.point is None else f".{self.point}"
        return "{}.{}".format(*self.version) + point + "+pv32" * self.pv32
