# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A script for gdb: `source gdb_commands.py` adds commands for guests of Xen.

    xen notes                   the image's notes
    xen start-info [ADDRESS]    start_info of a PV guest, or hvm_start_info of a PVH guest
    xen shared-info [ADDRESS]   the page that Xen shares with it
    xen events [ADDRESS]        pending event channels and upcalls of that page
    $xen_is_guest()            whether the machine runs the image, and not Xen or another guest

An ADDRESS is any expression.  Without one, the structures are looked for at the address that the
entry received, and by the names of the pointers of Linux and the reference guest.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

gdb: Any = importlib.import_module("gdb")

if sys.version_info < (3, 10):  # noqa: UP036 - gdb may have another Python
    raise gdb.GdbError("the commands of xen_tool need a gdb with Python 3.10 or newer")
_PACKAGES = os.path.dirname(os.path.abspath(__file__)).rpartition("/xen_tool/")[0]
if _PACKAGES not in sys.path:
    sys.path.insert(0, _PACKAGES)

from xen_tool.abi import PAGE_SIZE  # noqa: E402 - found only now
from xen_tool.boot.debugger import layouts  # noqa: E402
from xen_tool.boot.debugger.guest_memory import GuestImage, Memory, is_guest, register  # noqa: E402
from xen_tool.errors import XenToolError  # noqa: E402

_POINTERS = ("xen_start_info", "pvh_start_info")
"""Variables of Linux and of the reference guest: pointers, but in Linux pvh_start_info is the
structure itself."""
_SHARED = ("HYPERVISOR_shared_info",)
"""Variables that point to the shared page."""
_SHARED_PAGES = ("pvh_shared_page",)
"""Variables that are the shared page itself."""


_at_entry: dict[str, int] = {}
"""The address of start_info that the entry received, by the image's file name."""


def _remember(_event: object) -> None:
    """Record the address of start_info at a stop at an image's entry."""
    name = gdb.current_progspace().filename
    if not name:
        return
    # There may be no image or no registers.
    with contextlib.suppress(gdb.error, gdb.GdbError):
        image = GuestImage()
        pc = register("pc")
        if pc == image.pvh_entry:
            _at_entry[name] = register("rbx") & 0xFFFFFFFF
        elif pc == image.entry:
            _at_entry[name] = register("rsi")


class _Guest:
    """The image and the memory of the guest at this stop."""

    def __init__(self) -> None:
        self.image = GuestImage()
        self.memory = Memory(self.image)

    def layout(self, text: str) -> layouts.Layout:
        return layouts.layout(text, self.image.bits)

    def read(self, read: Callable[[int, int], bytes], address: int, text: str) -> dict[str, Any]:
        """Return the values of the fields of a structure, whose layout is text (layouts.py)."""
        shape = self.layout(text)
        content = read(address, shape.size)
        if len(content) < shape.size:
            raise gdb.GdbError(f"there is no memory at {address:#x}")
        return shape.read(content)

    def symbol(self, name: str) -> int | None:
        """Return the address of a variable; None if there is no such symbol."""
        try:
            return int(gdb.parse_and_eval(f"(unsigned long)&{name}"))
        except gdb.error:
            return None

    def pointer(self, name: str) -> int | None:
        """Return the value of a variable that is a pointer; None if it cannot be read."""
        address = self.symbol(name)
        width = self.image.bits // 8
        content = b"" if address is None else self.memory.virtual(address, width)
        return int.from_bytes(content, "little") if len(content) == width else None

    def start_info(self, expression: str) -> tuple[str, int]:
        """Return the kind of a start_info, and its address.

        The kinds are "pv"; "pvh" for hvm_start_info at a physical address; and "pvh-virtual" for
        hvm_start_info at a virtual address.
        """
        for address in self._places(expression):
            if self.memory.virtual(address, 4) == layouts.START_INFO_MAGIC:
                return "pv", address
            magic = layouts.HVM_START_INFO_MAGIC.to_bytes(4, "little")
            if self.memory.virtual(address, 4) == magic:
                return "pvh-virtual", address
            if self.memory.physical(address, 4) == magic:
                return "pvh", address
        where = expression or "where the entry gets it, or at " + " or ".join(_POINTERS)
        raise gdb.GdbError(f"there is no start_info {where}: type `xen start-info ADDRESS`")

    def _places(self, expression: str) -> Iterator[int]:
        if expression:
            yield _number(expression)
            return
        _remember(None)
        yield from _at_entry.values()
        for name in _POINTERS:
            if pointer := self.pointer(name):
                yield pointer
            if address := self.symbol(name):
                yield address

    def shared_info(self, expression: str) -> tuple[bytes, str]:
        """Return the shared page, and its address as text."""
        if expression:
            address = _number(expression)
            return self._page(self.memory.virtual, address), f"{address:#x}"
        kind, start_info = self.start_info("")
        if kind == "pv":
            machine = self.read(self.memory.virtual, start_info, layouts.START_INFO)["shared_info"]
            if page := self.memory.physical(machine, PAGE_SIZE):
                return page, f"the machine address {machine:#x}"
        pages = [self.symbol(name) for name in _SHARED_PAGES]
        pages += [self.pointer(name) for name in _SHARED]
        for address in filter(None, pages):
            return self._page(self.memory.virtual, address), f"{address:#x}"
        raise gdb.GdbError(
            "the guest chooses where it has the shared page: type `xen shared-info ADDRESS`"
        )

    @staticmethod
    def _page(read: Callable[[int, int], bytes], address: int) -> bytes:
        page = read(address, PAGE_SIZE)
        if len(page) < PAGE_SIZE:
            raise gdb.GdbError(f"there is no page at {address:#x}")
        return page


def _number(expression: str) -> int:
    return int(gdb.parse_and_eval(f"(unsigned long)({expression})"))


def _text(content: bytes) -> str:
    return '"' + content.partition(b"\0")[0].decode("ascii", "backslashreplace") + '"'


def _show(values: Mapping[str, Any], *, but: tuple[str, ...] = ()) -> None:
    for name, value in values.items():
        if name not in but and ".pad" not in name:
            shown = _text(value) if isinstance(value, bytes) else f"{value:#x}"
            print(f"  {name:<24} {shown}")


def _show_start_info(expression: str) -> None:
    guest = _Guest()
    kind, address = guest.start_info(expression)
    read = guest.memory.physical if kind == "pvh" else guest.memory.virtual
    if kind == "pv":
        values = guest.read(read, address, layouts.START_INFO)
        print(f"start_info at {address:#x}:")
        if values["flags"] & layouts.SIF_INITDOMAIN:
            # For dom0 the union has console.dom0 instead.
            _show(values, but=("console.domU.mfn", "console.domU.evtchn"))
        else:
            _show(values)
        return
    values = guest.read(read, address, layouts.HVM_START_INFO)
    without = ("memmap_paddr", "memmap_entries") if values["version"] == 0 else ()
    print(f"hvm_start_info at {address:#x}:")
    _show(values, but=(*without, "reserved"))
    physical = guest.memory.physical
    if not physical(0, 1):
        return  # a dump has no physical memory
    if line := values["cmdline_paddr"]:
        print(f"  command line             {_text(physical(line, 256))}")
    for paddr, name, text in (
        (values["modlist_paddr"], "nr_modules", layouts.HVM_MODLIST_ENTRY),
        (values["memmap_paddr"], "memmap_entries", layouts.HVM_MEMMAP_ENTRY),
    ):
        size = guest.layout(text).size
        for number in range(0 if name in without else min(values[name], 128)):
            entry = guest.read(physical, paddr + number * size, text)
            shown = ", ".join(f"{k} {v:#x}" for k, v in entry.items() if k != "reserved")
            print(f"  {'module' if name == 'nr_modules' else 'memory':<24} {shown}")


def _vcpus(guest: _Guest, page: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number and vcpu_info of vCPU 0, and of the vCPUs whose time Xen has ever set."""
    shape = guest.layout(layouts.VCPU_INFO)
    for number in range(layouts.MAX_VCPUS):
        values = shape.read(page[number * shape.size : (number + 1) * shape.size])
        if number == 0 or values["time.version"]:
            yield number, values


def _channels(guest: _Guest, page: bytes) -> dict[str, Any]:
    """Return the fields of the shared page after the vcpu_info."""
    start = guest.layout(layouts.VCPU_INFO).size * layouts.MAX_VCPUS
    return guest.layout(f"{layouts.CHANNELS} {layouts.WALL_CLOCK}").read(page[start:])


def _ports(words: bytes) -> list[int]:
    """Return the numbers of the bits that are set, which are those of event channels."""
    number = int.from_bytes(words, "little")
    return [port for port in range(len(words) * 8) if number >> port & 1]


def _show_shared_info(expression: str) -> None:
    guest = _Guest()
    page, where = guest.shared_info(expression)
    print(f"shared_info at {where}:")
    for number, values in _vcpus(guest, page):
        print(f" vcpu_info[{number}]")
        _show(values)
    channels = _channels(guest, page)
    for name in ("evtchn_pending", "evtchn_mask"):
        ports = _ports(channels.pop(name))
        few = ", ".join(map(str, ports[:16])) + (", ..." if len(ports) > 16 else "")
        print(f"  {name:<24} {len(ports)} set{': ' + few if ports else ''}")
    _show(channels)


def _show_events(expression: str) -> None:
    guest = _Guest()
    page, _ = guest.shared_info(expression)
    channels = _channels(guest, page)
    masked = set(_ports(channels["evtchn_mask"]))
    pending = _ports(channels["evtchn_pending"])
    for port in pending:
        print(f"event channel {port}: pending{', masked' if port in masked else ''}")
    if not pending:
        print("no event channel is pending")
    for number, values in _vcpus(guest, page):
        shown = "pending" if values["evtchn_upcall_pending"] else "none"
        masks = "masked" if values["evtchn_upcall_mask"] else "not masked"
        selected = values["evtchn_pending_sel"]
        print(f"vCPU {number}: upcall {shown}, {masks}, evtchn_pending_sel {selected:#x}")


def _show_notes(_given: str) -> None:
    # Imported here, as they import the loaders' rules.
    from xen_tool.loaders.model.releases import Xen
    from xen_tool.report.image_report import read_report
    from xen_tool.report.report_text import notes

    report = read_report(gdb.current_progspace().filename or "", Xen())
    found = {address: _symbol_at(address) for address in report.addresses()}
    for line in notes(report, {address: name for address, name in found.items() if name}):
        print(line)


def _symbol_at(address: int) -> str:
    text: str = gdb.execute(f"info symbol {address:#x}", to_string=True)
    return "" if text.startswith("No symbol") else text.partition(" in section")[0]


class _Command(gdb.Command):  # type: ignore[misc]
    def __init__(self, name: str, doc: str, function: Callable[[str], None]) -> None:
        self.__doc__ = doc
        super().__init__(f"xen {name}", gdb.COMMAND_DATA)
        self._function = function

    def invoke(self, argument: str, _from_tty: bool) -> None:
        try:
            self._function(argument)
        except (XenToolError, gdb.error) as error:
            raise gdb.GdbError(str(error)) from error


class _Prefix(gdb.Command):  # type: ignore[misc]
    """Commands for a guest of Xen."""

    def __init__(self) -> None:
        super().__init__("xen", gdb.COMMAND_DATA, prefix=True)


class _IsGuest(gdb.Function):  # type: ignore[misc]
    """Whether the machine runs the image: its bytes are at the program counter."""

    def __init__(self) -> None:
        super().__init__("xen_is_guest")

    def invoke(self) -> bool:
        return is_guest(GuestImage())


gdb.events.stop.connect(_remember)
_Prefix()
_Command("notes", "Show the notes of the image.", _show_notes)
_Command("start-info", "Show start_info or hvm_start_info: [ADDRESS].", _show_start_info)
_Command("shared-info", "Show the page that Xen shares: [ADDRESS].", _show_shared_info)
_Command("events", "Show pending event channels and upcalls: [ADDRESS].", _show_events)
_IsGuest()
