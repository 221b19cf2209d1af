# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The names and sizes in the head object that a kernel may choose, such as those of its stack.

Produces HeadNames from the texts of a SConstruct, of Kconfig or of the command line.
"""

from __future__ import annotations

from ..errors import XenToolError
from ..light import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

NONE = "none"
"""The text in place of an optional name: leave out what the name is for."""

MEANINGS = {
    "entry": "the PV entry, which the head object defines",
    "start": "the function of the kernel to which the PV entry jumps",
    "start_info": "the variable of the kernel that gets the address of start_info",
    "pvh_entry": "the PVH entry, which the head object defines",
    "pvh_start": "the function of the kernel to which the PVH entry jumps",
    "page_tables": "8 zeroed pages of the kernel, aligned, for the PVH entry's page tables",
    "bss_start": "where the bytes that an entry clears begin",
    "bss_end": "where they end",
    "stack": "the lowest byte of the stack on which an entry starts C",
    "stack_size": "its size in bytes",
    "gs_base": f"what %gs base is set to on 64-bit; {NONE}: it is left alone",
    "page": "the hypercall page, which the head object defines",
    "hypercalls": f"how the symbols of the page's slots begin; {NONE}: there are none",
    "stubs": f"how the symbols of the stubs that call Xen begin; {NONE}: there are none",
}
"""The meaning of each field of HeadNames, for help and documentation."""

_SYMBOL = r"[A-Za-z_][A-Za-z0-9_.$]*"
_OPTIONAL = ("gs_base", "hypercalls", "stubs")
_STACK_ALIGNMENT = 16


class HeadNames(NamedTuple):
    """The chosen symbols and sizes; the defaults are Linux's.  MEANINGS describes each.

    None in gs_base, stack_size: the configuration decides.  "" in gs_base, hypercalls, stubs:
    left out.
    """

    entry: str = "startup_xen"
    start: str = "xen_start_kernel"
    start_info: str = "xen_start_info"
    pvh_entry: str = "pvh_start_xen"
    pvh_start: str = "xen_pvh_start_kernel"
    page_tables: str = "pvh_page_tables"
    bss_start: str = "__bss_start"
    bss_end: str = "__bss_stop"
    stack: str = "init_thread_union"
    stack_size: int | None = None
    gs_base: str | None = None
    page: str = "hypercall_page"
    hypercalls: str = "xen_hypercall_"
    stubs: str = "hypercall_"

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> HeadNames:
        """Return the names for texts by field, such as {"stack": "boot_stack"}.

        A field without a text has its default.

        Raises XenToolError for an unknown field, an invalid symbol or an invalid size.
        """
        for name in texts:
            if name not in MEANINGS:
                raise XenToolError(
                    f"the head object has no name {name!r} to choose; it has {', '.join(MEANINGS)}"
                )
        return cls()._replace(**{name: _value(name, text) for name, text in texts.items()})


def _value(name: str, text: str) -> Any:
    if name == "stack_size":
        return _size(text)
    if name in _OPTIONAL and text in ("", NONE):
        return ""
    symbol(text, name)
    return text


def _size(text: str) -> int:
    from ..elf.note_values import number

    size = number(text)
    if not size or size >= 1 << 31 or size % _STACK_ALIGNMENT:
        raise XenToolError(
            f"stack_size of the head object is {text!r}: the rule is a number of bytes that is a "
            f"multiple of {_STACK_ALIGNMENT}, as the psABI aligns stacks, such as 0x4000"
        )
    return size


def symbol(text: str, what: str) -> str:
    """Return the text, if it is a valid name of a symbol.

    what: the field or note that names the symbol, for the message.

    Raises XenToolError for a text that assemblers and linkers would not accept as a symbol.
    """
    import re

    if not re.fullmatch(_SYMBOL, text, re.ASCII):
        raise XenToolError(
            f"{what} of the head object is {text!r}: the rule is a symbol, of letters, digits, "
            "_ . and $, that begins with a letter or _"
        )
    return text


def distinct(defined: Iterable[str], referred: Iterable[str]) -> None:
    """Raise XenToolError if a symbol is defined twice, or both defined and expected of the kernel.

    defined: the symbols that the head object defines.  referred: those that its code refers to.
    """
    seen: set[str] = set()
    expected = set(referred)
    for name in defined:
        if name in seen or name in expected:
            by = "twice" if name in seen else "and expects it of the kernel"
            raise XenToolError(
                f"the head object would define {name} {by}: the rule is one symbol for one "
                "thing; give one of them another name"
            )
        seen.add(name)
