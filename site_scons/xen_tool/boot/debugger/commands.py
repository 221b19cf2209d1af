# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A script for gdb: `source commands.py` gives it commands that know what a Xen guest is.

    xen notes                   the image's notes
    xen start-info [ADDRESS]    start_info of a PV guest, or hvm_start_info of a PVH guest
    xen shared-info [ADDRESS]   the page that Xen shares with it
    xen events [ADDRESS]        of that page: event channels with something pending
    $xen_is_guest()             whether the machine runs the image, and not Xen or another guest

An ADDRESS is any expression.  Without one the structures are looked for where the entry gets them,
and by the names that Linux and the reference guest give to their pointers.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

gdb: Any = importlib.import_module("gdb")

if sys.version_info < (3, 10):  # noqa: UP036 - gdb may have another Python
    raise gdb.GdbError("the commands of xen_tool need a gdb with Python 3.10 or newer")
_PACKAGES = os.path.dirname(os.path.abspath(__file__)).rpartition("/xen_tool/")[0]
if _PACKAGES not in sys.path:
    sys.path.insert(0, _PACKAGES)

from xen_tool.abi import XenElfNote  # noqa: E402 - found only now
from xen_tool.boot.debugger import layouts, tables  # noqa: E402
from xen_tool.errors import XenToolError  # noqa: E402
from xen_tool.image.container import open_kernel  # noqa: E402
from xen_tool.image.elf import Elf, NotElf  # noqa: E402
from xen_tool.image.notes import NoteWalk  # noqa: E402

_POINTERS = ("xen_start_info", "pvh_start_info")
"""Of Linux and of the reference guest; Linux has its hvm_start_info itself in the second."""
_SHARED = ("HYPERVISOR_shared_info",)
_SHARED_PAGES = ("pvh_shared_page",)
_MOST_MEMORY = 3 << 30
"""Above that a machine's memory has a hole."""
_PAGING = 1 << 31
_NO_ADDRESS = 1
_COMPARED = 16
"""Bytes of code by which the image is known."""


class _Image:
    """What gdb's file says of the guest."""

    def __init__(self) -> None:
        path = gdb.current_progspace().filename
        if not path:
            raise gdb.GdbError("gdb has no image: type `file IMAGE`")
        try:
            with open_kernel(path) as file:
                assert file.payload is not None
                elf = Elf(file.payload)
                self.bits = elf.bits
                self.notes = {n.n_type: n.numeric() for n in NoteWalk(elf) if n.is_xen}
                self.entry = self.notes.get(XenElfNote.ENTRY, elf.e_entry)
                self.pvh_entry = self.notes.get(XenElfNote.PHYS32_ENTRY)
                self._segments = [
                    (s.p_vaddr, s.p_paddr, file.payload.read(s.p_offset, s.p_filesz))
                    for s in elf.segments
                    if s.is_loadable and s.p_flags & 1
                ]
        except (XenToolError, NotElf, AssertionError) as error:
            raise gdb.GdbError(f"{path} is no kernel image that is known: {error}") from error

    def code(self, address: int) -> bytes:
        """Return what the image has at an address, virtual or physical."""
        for virtual, physical, content in self._segments:
            for start in (virtual, physical):
                if start <= address < start + len(content):
                    return content[address - start : address - start + _COMPARED]
        return b""


_at_entry: dict[str, int] = {}
"""What the entry was given, by the image's name: the address of start_info."""


def _remember(_event: object) -> None:
    """Keep what an image is given, at a stop at its entry."""
    name = gdb.current_progspace().filename
    if not name:
        return
    # Without an image or registers there is nothing to keep.
    with contextlib.suppress(gdb.error, gdb.GdbError):
        image = _Image()
        pc = _register("pc")
        if pc == image.pvh_entry:
            _at_entry[name] = _register("rbx") & 0xFFFFFFFF
        elif pc == image.entry:
            _at_entry[name] = _register("rsi")


def _register(name: str) -> int:
    try:
        return int(gdb.selected_frame().read_register(name)) & (1 << 64) - 1
    except gdb.error:
        return _NO_ADDRESS  # a dump may be without


def _at(address: int, size: int) -> bytes:
    """Memory as QEMU's stub reads it; b"" where there is none."""
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    except gdb.error:
        return b""


def _physical(address: int, size: int) -> bytes:
    """The machine's memory, whatever CR3 says; none in a dump, which has the guest's addresses."""
    try:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:1", to_string=True)
    except gdb.error:
        return b""
    try:
        return _at(address, size)
    finally:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:0", to_string=True)


class _Nested:
    """The memory of a guest whose addresses are translated twice, as it is at this stop."""

    def __init__(self, image: _Image) -> None:
        size = int(gdb.execute("monitor info memory_size_summary", to_string=True).split()[2])
        size = min(size, _MOST_MEMORY)
        with tempfile.TemporaryDirectory(prefix="xen-tool-gdb-") as folder:
            path = os.path.join(folder, "memory")
            gdb.execute(f'monitor pmemsave 0 {size} "{path}"', to_string=True)
            with open(path, "rb") as file:
                memory = file.read()
        pc, cr3 = _register("pc"), _register("cr3")
        code = image.code(pc)
        is_paged = bool(_register("cr0") & _PAGING)

        def virtual(of_xen: tables.Tables) -> tables.Read:
            return tables.Tables(of_xen.read, cr3).read if is_paged else of_xen.read

        found = tables.find_tables(
            lambda address, size: memory[address : address + size],
            size,
            cr3 if is_paged else pc,
            lambda of_xen: virtual(of_xen)(pc, len(code)) == code,
        )
        if found is None:
            raise gdb.GdbError("the image is not in the machine's memory")
        self.physical = found.read
        self.virtual = virtual(found)


def _is_guest(image: _Image) -> bool:
    pc = _register("pc")
    code = image.code(pc)
    return bool(code) and _at(pc, len(code)) == code


class _Memory:
    """The guest's memory: virtual addresses, and physical ones."""

    def __init__(self, image: _Image) -> None:
        self.virtual: Callable[[int, int], bytes] = _at
        self.physical: Callable[[int, int], bytes] = _physical
        pc = _register("pc")
        # What runs is in the image, but not what is read there.
        if image.code(pc) and not _is_guest(image):
            nested = _Nested(image)
            self.virtual, self.physical = nested.virtual, nested.physical


class _Guest:
    """The guest at this stop."""

    def __init__(self) -> None:
        self.image = _Image()
        self.memory = _Memory(self.image)

    def layout(self, text: str) -> layouts.Layout:
        return layouts.layout(text, self.image.bits)

    def read(self, read: Callable[[int, int], bytes], address: int, text: str) -> dict[str, Any]:
        shape = self.layout(text)
        content = read(address, shape.size)
        if len(content) < shape.size:
            raise gdb.GdbError(f"there is no memory at {address:#x}")
        return shape.read(content)

    def symbol(self, name: str) -> int | None:
        try:
            return int(gdb.parse_and_eval(f"(unsigned long)&{name}"))
        except gdb.error:
            return None

    def pointer(self, name: str) -> int | None:
        address = self.symbol(name)
        width = self.image.bits // 8
        content = b"" if address is None else self.memory.virtual(address, width)
        return int.from_bytes(content, "little") if len(content) == width else None

    def start_info(self, given: str) -> tuple[str, int]:
        """Return where start_info ("pv") or hvm_start_info ("pvh", or "pvh-virtual") is."""
        for address in self._places(given):
            if self.memory.virtual(address, 4) == layouts.START_INFO_MAGIC:
                return "pv", address
            magic = layouts.HVM_START_INFO_MAGIC.to_bytes(4, "little")
            if self.memory.virtual(address, 4) == magic:
                return "pvh-virtual", address
            if self.memory.physical(address, 4) == magic:
                return "pvh", address
        where = given or "where the entry gets it, or at " + " or ".join(_POINTERS)
        raise gdb.GdbError(f"there is no start_info {where}: type `xen start-info ADDRESS`")

    def _places(self, given: str) -> Iterator[int]:
        if given:
            yield _number(given)
            return
        _remember(None)
        yield from _at_entry.values()
        for name in _POINTERS:
            if pointer := self.pointer(name):
                yield pointer
            if address := self.symbol(name):
                yield address

    def shared_info(self, given: str) -> tuple[bytes, str]:
        """Return the shared page, and where it is."""
        if given:
            address = _number(given)
            return self._page(self.memory.virtual, address), f"{address:#x}"
        kind, start_info = self.start_info("")
        if kind == "pv":
            machine = self.read(self.memory.virtual, start_info, layouts.START_INFO)["shared_info"]
            if page := self.memory.physical(machine, tables.PAGE):
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
        page = read(address, tables.PAGE)
        if len(page) < tables.PAGE:
            raise gdb.GdbError(f"there is no page at {address:#x}")
        return page


def _number(expression: str) -> int:
    return int(gdb.parse_and_eval(f"(unsigned long)({expression})"))


def _text(content: bytes) -> str:
    return '"' + content.partition(b"\0")[0].decode("ascii", "backslashreplace") + '"'


def _show(values: Mapping[str, Any], *, but: tuple[str, ...] = ()) -> None:
    for name, value in values.items():
        if name not in but and ".pad" not in name:
            told = _text(value) if isinstance(value, bytes) else f"{value:#x}"
            print(f"  {name:<24} {told}")


def _show_start_info(given: str) -> None:
    guest = _Guest()
    kind, address = guest.start_info(given)
    read = guest.memory.physical if kind == "pvh" else guest.memory.virtual
    if kind == "pv":
        values = guest.read(read, address, layouts.START_INFO)
        print(f"start_info at {address:#x}:")
        if values["flags"] & layouts.SIF_INITDOMAIN:
            # The union has what dom0 is to draw on instead.
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
        return  # of a dump
    if line := values["cmdline_paddr"]:
        print(f"  command line             {_text(physical(line, 256))}")
    for paddr, name, text in (
        (values["modlist_paddr"], "nr_modules", layouts.HVM_MODLIST_ENTRY),
        (values["memmap_paddr"], "memmap_entries", layouts.HVM_MEMMAP_ENTRY),
    ):
        size = guest.layout(text).size
        for number in range(0 if name in without else min(values[name], 128)):
            entry = guest.read(physical, paddr + number * size, text)
            told = ", ".join(f"{k} {v:#x}" for k, v in entry.items() if k != "reserved")
            print(f"  {'module' if name == 'nr_modules' else 'memory':<24} {told}")


def _vcpus(guest: _Guest, page: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """The virtual CPUs that Xen has ever shown the time."""
    shape = guest.layout(layouts.VCPU_INFO)
    for number in range(layouts.MAX_VCPUS):
        values = shape.read(page[number * shape.size : (number + 1) * shape.size])
        if number == 0 or values["time.version"]:
            yield number, values


def _channels(guest: _Guest, page: bytes) -> dict[str, Any]:
    start = guest.layout(layouts.VCPU_INFO).size * layouts.MAX_VCPUS
    return guest.layout(f"{layouts.CHANNELS} {layouts.WALL_CLOCK}").read(page[start:])


def _ports(words: bytes) -> list[int]:
    number = int.from_bytes(words, "little")
    return [port for port in range(len(words) * 8) if number >> port & 1]


def _show_shared_info(given: str) -> None:
    guest = _Guest()
    page, where = guest.shared_info(given)
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


def _show_events(given: str) -> None:
    guest = _Guest()
    page, _ = guest.shared_info(given)
    channels = _channels(guest, page)
    masked = set(_ports(channels["evtchn_mask"]))
    pending = _ports(channels["evtchn_pending"])
    for port in pending:
        print(f"event channel {port}: pending{', masked' if port in masked else ''}")
    if not pending:
        print("no event channel is pending")
    for number, values in _vcpus(guest, page):
        told = "pending" if values["evtchn_upcall_pending"] else "none"
        masks = "masked" if values["evtchn_upcall_mask"] else "not masked"
        selected = values["evtchn_pending_sel"]
        print(f"vCPU {number}: upcall {told}, {masks}, evtchn_pending_sel {selected:#x}")


def _show_notes(_given: str) -> None:
    # Imported here: they bring the loaders' rules along.
    from xen_tool.loaders.model.releases import Xen
    from xen_tool.report.report import read_report
    from xen_tool.report.text import notes

    report = read_report(gdb.current_progspace().filename or "", Xen())
    found = {address: _symbol_at(address) for address in report.addresses()}
    for line in notes(report, {address: name for address, name in found.items() if name}):
        print(line)


def _symbol_at(address: int) -> str:
    said: str = gdb.execute(f"info symbol {address:#x}", to_string=True)
    return "" if said.startswith("No symbol") else said.partition(" in section")[0]


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
    """What there is to know of a guest of Xen: `help xen` lists it."""

    def __init__(self) -> None:
        super().__init__("xen", gdb.COMMAND_DATA, prefix=True)


class _IsGuest(gdb.Function):  # type: ignore[misc]
    """Return whether the machine runs the image: its bytes are where the program counter is."""

    def __init__(self) -> None:
        super().__init__("xen_is_guest")

    def invoke(self) -> bool:
        return _is_guest(_Image())


gdb.events.stop.connect(_remember)
_Prefix()
_Command("notes", "Show the notes of the image.", _show_notes)
_Command("start-info", "Show start_info or hvm_start_info: [ADDRESS].", _show_start_info)
_Command("shared-info", "Show the page that Xen shares: [ADDRESS].", _show_shared_info)
_Command("events", "Show pending event channels and upcalls: [ADDRESS].", _show_events)
_IsGuest()
