# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read the names in FEATURES, as elf_xen_parse_features (xen/common/libelf/libelf-dominfo.c)."""

from __future__ import annotations

from ....abi import LIBELF_FEATURES

_FEATURES = {name.encode(): int(feature) for name, feature in LIBELF_FEATURES.items()}

_FEATURE_SIZE = 63


def parse_features(names: bytes) -> tuple[int, int, bytes | None]:
    """Return the bits of supported and of required features, and the name at which it failed.

    A name is cut after 63 characters, and the rest is a new name.  The last value is a required
    name that libelf does not know, after which it reads no more; None if there is none.
    """
    supported = required = at = 0
    while at < len(names):
        name, bar, _ = names[at : at + _FEATURE_SIZE].partition(b"|")
        at += len(name) + len(bar)
        feature = _FEATURES.get(name.removeprefix(b"!"), 0)
        supported |= feature
        if name.startswith(b"!"):
            required |= feature
            if not feature:
                return supported, required, name
    return supported, required, None
