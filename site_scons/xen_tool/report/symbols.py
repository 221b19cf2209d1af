# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Names for the addresses that an image's header and notes speak of, by LIEF."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable


def names(path: str | os.PathLike[str], addresses: Iterable[int]) -> dict[int, str]:
    """The global symbol at each address, or else another; {} where LIEF cannot read the file."""
    import lief

    wanted = {address for address in addresses if address}
    lief.logging.disable()
    found: dict[int, str] = {}
    binary = None
    # A report without names is better than none, and LIEF is not for broken files.
    with contextlib.suppress(Exception):
        binary = lief.ELF.parse(str(path))
    if binary is None:
        return found
    for symbol in binary.symbols:
        if symbol.value in wanted and symbol.name:
            is_global = symbol.binding == lief.ELF.Symbol.BINDING.GLOBAL
            if is_global or symbol.value not in found:
                found[symbol.value] = str(symbol.name)
    return found
