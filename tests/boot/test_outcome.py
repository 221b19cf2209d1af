# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The reports of how machines end: who crashed, why, and where."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from guests import LOAD, VIRT_BASE_64, guest
from xen_tool.boot.console.dump import DumpPlace
from xen_tool.boot.modes import Place
from xen_tool.boot.result.evidence import Evidence
from xen_tool.boot.result.outcome import End, OutcomeJudge
from xen_tool.boot.result.protocols import GuestResult
from xen_tool.boot.symbolize import ImageSymbols

PASSED = "PASS a\nRESULT: PASS\n"
STARTED = "dom0: starts the domain\n"
OFF = "dom0: the domain shut down: poweroff\n"
CRASHED_DOM0 = "(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.\n"
DUMP_OF_DOMU = """\
(XEN) 'd' pressed -> dumping registers
(XEN) *** Dumping CPU0 guest state (d1v0): ***
(XEN) RIP:    e033:[<ffffffff81000000>]
(XEN) *** Dumping CPU1 host state: ***
(XEN) RIP:    e008:[<ffff82d040314416>] arch/x86/domain.c#default_idle+0xc6/0xf0
"""


@pytest.fixture
def symbols(tmp_path: Path) -> Iterator[ImageSymbols]:
    """The symbols of an image that has none."""
    with ImageSymbols(str(guest(tmp_path, "xen-pv-domu"))) as found:
        yield found


def judged(place: Place, printed: str, end: End, symbols: ImageSymbols) -> OutcomeJudge:
    evidence = Evidence(place)
    for line in printed.splitlines():
        evidence.see(line)
    return OutcomeJudge(evidence, end, symbols)


HUNG = End(None, 9)
CPU0 = (DumpPlace("CPU 0", 0x1000),)


ENDS: list[tuple[Place, str, End, str]] = [
    (Place.DOMU, STARTED + PASSED + OFF, End(33, 9), "the guest reported RESULT: PASS"),
    (
        Place.DOMU,
        STARTED + PASSED + "dom0: the domain shut down: crash\n",
        End(5, 9),
        "the guest reported RESULT: PASS, but the domain shut down: crash",
    ),
    (
        Place.DOMU,
        STARTED + "up\n" + OFF,
        End(33, 9),
        "no result came: the domain shut down: poweroff",
    ),
    (
        Place.DOMU,
        "of dom0\n" + STARTED + OFF,
        End(33, 9),
        "no result came: the domain shut down: poweroff, and it printed nothing: a domU prints to "
        "the ring of its console, as Xen shows what HYPERVISOR_console_io writes for dom0 only",
    ),
    (
        Place.DOMU,
        STARTED + PASSED + "dom0: BUG: died\n" + OFF,
        End(33, 9),
        "the guest reported RESULT: PASS, but said after it: dom0: BUG: died",
    ),
    (
        Place.KERNEL,
        PASSED + "dom0: xl died\n",
        End(33, 9),
        "the guest reported RESULT: PASS, but said after it: dom0: xl died",
    ),
    (
        Place.DOMU,
        STARTED + "(XEN) d1v0 Unhandled: vec 6, #UD[ffffffff]\n"
        "(XEN) Domain 1 (vcpu#0) crashed on cpu#0:\n(XEN) RIP:    e033:[<ffffffff81000000>]\n",
        HUNG,
        "the guest crashed: d1v0 Unhandled: vec 6, #UD[ffffffff] at ffffffff81000000",
    ),
    (
        Place.DOMU,
        STARTED + "(XEN) Domain 0 (vcpu#0) crashed on cpu#0:\n",
        HUNG,
        "the dom0, not the guest, crashed: Domain 0 (vcpu#0) crashed on cpu#0",
    ),
    (
        Place.DOM0,
        "(XEN) domain_crash_sync called from entry.S: fault at ffff82d040204bd8\n"
        "(XEN) Domain 0 (vcpu#0) crashed on cpu#0:\n",
        HUNG,
        "the guest crashed: domain_crash_sync called from entry.S: fault at ffff82d040204bd8",
    ),
    (
        Place.DOMU,
        f"[    8.1] Kernel panic - not syncing: VFS: Unable to mount root fs\n{CRASHED_DOM0}",
        HUNG,
        "the dom0, not the guest, died: Kernel panic - not syncing: VFS: Unable to mount root fs",
    ),
    (
        Place.DOMU,
        "[    6.1] Initramfs unpacking failed: write error\n"
        f"[    8.1] Kernel panic - not syncing: No working init found.\n{CRASHED_DOM0}",
        HUNG,
        "dom0 lacks memory (MEM= gives more): the dom0, not the guest, died: "
        "Kernel panic - not syncing: No working init found.",
    ),
    (
        Place.DOMU,
        "(XEN) Panic on CPU 0:\n(XEN) Not enough RAM for domain 0 allocation\n",
        HUNG,
        "dom0 lacks memory (MEM= gives more): Xen panicked: Not enough RAM for domain 0 allocation",
    ),
    (
        Place.DOMU,
        f"{STARTED}[ 9.1] Out of memory: Killed process 99 (xl)\ndom0: xl was killed by signal 9\n",
        End(7, 9),
        "no result came: dom0 lacks memory (MEM= gives more): xl was killed by signal 9",
    ),
    (
        Place.DOMU,
        STARTED + "(d1) (XEN) Panic on CPU 0:\n(d1) (XEN) GENERAL PROTECTION FAULT\n",
        HUNG,
        "xen-shim panicked: GENERAL PROTECTION FAULT",
    ),
    (
        # The guest's last line has no newline, so Xen's message follows on the same line.
        Place.DOM0,
        "login: (XEN) Hardware Dom0 halted: halting machine\n",
        HUNG,
        "the guest powered off without a result: Hardware Dom0 halted: halting machine",
    ),
    (
        Place.DOM0,
        "PASS a\nRESULT: PASS(XEN) d0v0 Unhandled: vec 6, #UD[ffffffff]\n"
        "(XEN) Domain 0 (vcpu#0) crashed on cpu#0:\n",
        HUNG,
        "the guest crashed: d0v0 Unhandled: vec 6, #UD[ffffffff]",
    ),
    (
        Place.DOMU,
        STARTED + "(d1) abc(XEN) Panic on CPU 0:\n(d1) (XEN) x\n",
        HUNG,
        "xen-shim panicked: x",
    ),
    (
        Place.DOM0,
        "(XEN) Hardware Dom0 shutdown: rebooting machine\n",
        HUNG,
        "the guest rebooted without a result: Hardware Dom0 shutdown: rebooting machine",
    ),
    (
        Place.DOM0,
        "(XEN) Hardware domain 0 did unsupported soft reset, rebooting.\n",
        HUNG,
        "the guest rebooted without a result: "
        "Hardware domain 0 did unsupported soft reset, rebooting.",
    ),
    (
        Place.KERNEL,
        "up\n",
        End(0, 9, "guest-shutdown", False, CPU0),
        "no result came: the guest powered off the machine",
    ),
    (
        Place.KERNEL,
        "up\n",
        End(0, 9, "guest-reset", False, CPU0),
        "no result came: the guest reset the machine",
    ),
    (
        Place.KERNEL,
        PASSED,
        End(0, 9, "guest-reset", True, CPU0),
        "the guest crashed: triple fault, CPU 0 at 0000000000001000",
    ),
    (
        Place.KERNEL,
        PASSED,
        End(0, 9, "guest-shutdown", False, CPU0),
        "the guest reported RESULT: PASS, but the guest powered off the machine, "
        "and QEMU not ended with status 33",
    ),
    (
        Place.DOM0,
        "up\n",
        End(0, 9, "guest-reset", False, CPU0),
        "no result came: the machine was reset, which Xen did not report",
    ),
    (
        Place.DOMU,
        "up\n",
        End(None, 9, None, False, [DumpPlace("d0v0", 0x1000)]),
        "no result after 9 s: the dom0 hangs before it starts the domain: d0v0 at 0000000000001000",
    ),
    (
        Place.DOMU,
        STARTED + "up\n",
        End(
            None, 9, None, False, [DumpPlace("d1v0", 0x1000), DumpPlace("Xen", 1, "idle_loop+0x1")]
        ),
        "no result after 9 s: the guest hangs: d1v0 at 0000000000001000",
    ),
    (
        Place.DOMU,
        "of dom0\n" + STARTED,
        End(None, 9, None, False, [DumpPlace("d1v0", 0x1000)]),
        "no result after 9 s: the guest hangs: d1v0 at 0000000000001000, and it printed nothing: "
        "a domU prints to the ring of its console, as Xen shows what HYPERVISOR_console_io writes "
        "for dom0 only",
    ),
    (
        Place.DOMU,
        STARTED + "up\n",
        End(None, 9, None, False, [DumpPlace("Xen", 1, "idle_loop+0x1")]),
        "no result after 9 s: none of the guest's vCPUs runs",
    ),
    (
        Place.DOMU,
        STARTED + "up\n",
        End(None, 9, None, False, [DumpPlace("d0v0", 0x1000)]),
        "no result after 9 s: none of the guest's vCPUs runs, but d0v0 at 0000000000001000",
    ),
]


@pytest.mark.parametrize(("place", "printed", "end", "reason"), ENDS)
def test_the_end_of_a_run_is_reported(
    place: Place, printed: str, end: End, reason: str, symbols: ImageSymbols
) -> None:
    judge = judged(place, printed, end, symbols)
    assert judge.reason() == reason
    assert (judge.result() is GuestResult.PASSED) == (reason == "the guest reported RESULT: PASS")


def test_xens_report_of_its_cpus_is_read() -> None:
    evidence = Evidence(Place.DOMU)
    for line in DUMP_OF_DOMU.splitlines():
        evidence.see(line)
    running, idle = evidence.dump.places
    assert running == DumpPlace("d1v0", 0xFFFFFFFF81000000)
    assert running.of_domain == 1
    assert idle.idle


SOURCE = """\
static int deep(volatile int *p)
{
\treturn *p;
}

int shallow(volatile int *p)
{
\treturn deep(p) + 1;
}

void _start(void)
{
\tshallow((int *)8);
}
"""


@pytest.fixture(params=["64", "32"])
def program(gcc: str, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    (tmp_path / "main.c").write_text(SOURCE)
    command = [
        gcc,
        f"-m{request.param}",
        "-g",
        "-O0",
        "-static",
        "-nostdlib",
        "-fno-pie",
        "-no-pie",
    ]
    subprocess.run([*command, "-o", "main", "main.c"], cwd=tmp_path, check=True)
    return tmp_path / "main"


def _truth(program: Path, addresses: Sequence[int]) -> list[str]:
    """Return what the toolchain's addr2line prints for each address, as "deep main.c:3"."""
    command = ["addr2line", "-f", "-e", str(program), *map(hex, addresses)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [
        f"{name} {line.rpartition('/')[2].partition(' ')[0]}"
        for name, line in zip(out[::2], out[1::2], strict=True)
    ]


def test_places_are_those_of_addr2line(program: Path) -> None:
    nm = subprocess.run(["nm", str(program)], capture_output=True, text=True, check=True).stdout
    starts = {name: int(at, 16) for at, name in re.findall(r"^(\w+) [tT] (\w+)$", nm, re.M)}
    first, last = min(starts.values()), max(starts.values())
    addresses = range(first, last + 8)
    with ImageSymbols(str(program)) as symbols:
        places = symbols.places(addresses)
        assert symbols.places([first - 1, 0, 1 << 63]) == [None] * 3
        assert symbols.place(0x1234) == "0000000000001234"
    lines = []
    for address, place in zip(addresses, places, strict=True):
        assert place is not None
        found = re.fullmatch(r"(\w+)\+(0x[0-9a-f]+) \((.*)\)", place)
        assert found, place
        assert starts[found[1]] + int(found[2], 16) == address
        lines.append(f"{found[1]} {found[3].rpartition('/')[2]}")
    assert lines == _truth(program, addresses)


def test_a_place_may_be_physical(tmp_path: Path) -> None:
    # The entry of a PVH guest runs there, before it has page tables.
    image = guest(tmp_path, "xen-pv-domu")
    content = with_symbol(image.read_bytes(), b"startup_xen", VIRT_BASE_64 + LOAD)
    image.write_bytes(content)
    with ImageSymbols(str(image)) as symbols:
        assert symbols.place(VIRT_BASE_64 + LOAD + 2) == "startup_xen+0x2"
        assert symbols.place(LOAD + 2) == "startup_xen+0x2"


def with_symbol(image: bytes, name: bytes, address: int) -> bytes:
    """Return a 64-bit image with one code section and a symbol in it."""
    names, symbol = b"\0" + name + b"\0", struct.pack("<IBBHQQ", 1, 0x12, 0, 1, address, 0)
    at = len(image)
    sections = [
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (0, 1, 6, address, 0x1000, 0x100, 0, 0, 16, 0),
        (0, 2, 0, 0, at, 24, 3, 0, 8, 24),
        (0, 3, 0, 0, at + 24, len(names), 0, 0, 1, 0),
    ]
    tables = b"".join(struct.pack("<IIQQQQIIQQ", *fields) for fields in sections)
    header = bytearray(image[:64])
    struct.pack_into("<Q", header, 40, at + 24 + len(names))
    struct.pack_into("<HHH", header, 58, 64, len(sections), 0)
    return bytes(header) + image[64:] + symbol + names + tables


def test_without_debug_information_there_are_functions(program: Path) -> None:
    subprocess.run(["strip", "--strip-debug", str(program)], check=True)
    nm = subprocess.run(["nm", str(program)], capture_output=True, text=True, check=True).stdout
    (start,) = re.findall(r"^(\w+) T shallow$", nm, re.M)
    with ImageSymbols(str(program)) as symbols:
        assert symbols.place(int(start, 16) + 4) == "shallow+0x4"


def test_a_stripped_or_broken_image_has_no_names(program: Path, tmp_path: Path) -> None:
    content = program.read_bytes()
    for size in (64, 100, len(content) // 2, len(content) - 100):
        (tmp_path / "cut").write_bytes(content[:size])
        with ImageSymbols(str(tmp_path / "cut")) as symbols:
            assert symbols.places([0x1000]) == [None]
