# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write Kconfig for symbols that a SConstruct declares, for a project without Kconfig files.

True and False declare a bool, a number an int, a text such as "0x1000" a hex, any other text a
string; the value is the default of a symbol that can be set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...errors import XenToolError
from .symbol_values import is_number

Declared = Mapping[str, bool | int | str]


def kconfig_text(symbols: Declared) -> str:
    """Return the text of a Kconfig file that defines the symbols.

    Raises XenToolError for an invalid name, and for a value of another type.
    """
    return "".join(_config(name, value) for name, value in symbols.items())


def _config(name: str, value: object) -> str:
    """Return the definition of a symbol; errors as for kconfig_text()."""
    if not re.fullmatch(r"\w+", name, re.ASCII):
        raise XenToolError(
            f"symbols of XenConfigure: {name!r} is no name, which has letters, digits and _"
        )
    if isinstance(value, bool):
        kind, default = "bool", "y" if value else "n"
    elif isinstance(value, int):
        kind, default = "int", str(value)
    elif isinstance(value, str) and value[:2].lower() == "0x" and is_number(value, 16):
        kind, default = "hex", value
    elif isinstance(value, str) and value.isprintable():
        escaped = re.sub(r'([\\"$])', r"\\\1", value)
        kind, default = "string", f'"{escaped}"'
    else:
        raise XenToolError(
            f"symbols of XenConfigure: {name} is {value!r}; it can be True, False, a number, a "
            'hexadecimal number such as "0x1000", or a text in one line'
        )
    return f'config {name}\n\t{kind} "{name}"\n\tdefault {default}\n'
