# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read the names in FEATURES, as elf_xen_parse_features (xen/common/libelf/libelf-dominfo.c)."""

from __future__ import annotations

from ....abi import LIBELF_FEATURES

_FEATURES = {name.encode(): int(feature) for name, feature in LIBELF_FEATURES.items()}

_FEATURE_SIZE = 63


def parse_features(names: bytes) -> tuple[int, int, bytes | None]:
    """Return the bits of supported and of required features, and a name that libelf refuses.

    names: separated by "|"; a name with the prefix "!" is required.  A name is cut after 63
    characters, and the rest is a new name.  libelf refuses a required name that it does not know,
    and reads no further; the last value is None if there is no such name.
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
