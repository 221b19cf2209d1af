# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Kernels that people boot, fetched from Debian, against readnotes and the real loaders."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import Future
from pathlib import Path

import pytest

from loaders import debian
from loaders.agreement import agrees_with_libxenguest, agrees_with_machine, as_domu
from loaders.hypervisor import LIVE_LOADERS, Answer, Ending, Machines
from loaders.libxenguest import Libxenguest
from programs import installed
from xen_tool.abi import XenElfNote
from xen_tool.debian.hypervisor import default_roots
from xen_tool.debian.packages import library_path
from xen_tool.elf import spec
from xen_tool.errors import XenToolError
from xen_tool.image.container import open_kernel, unwrap
from xen_tool.image.elf import Elf
from xen_tool.image.notes import FoundNote, NoteWalk
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.names import LOADERS, XEN
from xen_tool.loaders.verdict import verdicts

PV = {"xen-pv-dom0", "xen-pv-domu"}
PV32 = {"xen-pv-domu+pv32"}
PVH = {"xen-pvh-dom0", "xen-pvh-domu"}

KERNELS = {
    # The path of each kernel below a root, and the loaders of Xen that accept it.
    "linux": ("boot/vmlinuz-*[0-9]-amd64", PV | PVH | PV32),
    "linux-cloud": ("boot/vmlinuz-*-cloud-amd64", PV | PVH | PV32),
    "grub-x86_64-xen": ("usr/lib/grub-xen/grub-x86_64-xen.bin", PV | PV32),
    "grub-i386-xen": ("usr/lib/grub-xen/grub-i386-xen.bin", PV32),
    "grub-i386-xen_pvh": ("usr/lib/grub-xen/grub-i386-xen_pvh.bin", PVH),
    # The file of grub-xen-bin from which grub-mkimage makes the kernel above: it has no notes yet.
    "grub-core-x86_64-xen": ("usr/lib/grub/x86_64-xen/kernel.img", set()),
    "grub-core-i386-xen": ("usr/lib/grub/i386-xen/kernel.img", {"xen-pvh-domu"}),
    "grub-core-i386-xen_pvh": ("usr/lib/grub/i386-xen_pvh/kernel.img", {"xen-pvh-domu"}),
    # The library takes an ELF32 without notes for firmware (V2).
    "xen": ("boot/xen-*-amd64.gz", {"xen-pvh-domu"}),
    "xen-shim": ("usr/lib/xen-*/boot/xen-shim", PVH),
    "hvmloader": ("usr/lib/xen-*/boot/hvmloader", {"xen-pvh-domu"}),
    # A bzImage without a payload.
    "memtest86+": ("boot/memtest86+x64.bin", set()),
}

MEMORY_MIB = 2048
"""A PVH dom0 of less has no room for Linux."""

STRINGS = {
    XenElfNote.XEN_VERSION,
    XenElfNote.GUEST_OS,
    XenElfNote.GUEST_VERSION,
    XenElfNote.LOADER,
    XenElfNote.PAE_MODE,
    XenElfNote.FEATURES,
}


@pytest.fixture(scope="session")
def roots(pytestconfig: pytest.Config) -> list[Path]:
    """Folders below which KERNELS are found."""
    assert pytestconfig.cache
    if not shutil.which("apt-get"):
        pytest.skip("apt-get is not installed")
    folder = pytestconfig.cache.mkdir("debian-kernels")
    try:
        debian.update(folder)
        packages = [*debian.newest_linux(folder), "grub-xen-bin", "grub-xen-host", "memtest86+"]
        patterns = ["./boot/vmlinuz-*", "./boot/memtest86+x64.bin"]
        patterns += ["./usr/lib/grub-xen/*.bin", "./usr/lib/grub/*/kernel.img"]
        unpacked = debian.unpack(folder, packages, patterns)
    except XenToolError as error:
        pytest.skip(f"Debian's kernels cannot be fetched: {error}")
    return [unpacked, *default_roots()]


@pytest.fixture(scope="session")
def kernels(roots: list[Path]) -> dict[str, Path]:
    """The path of each of KERNELS that was found, by name."""
    return {
        name: sorted(root.glob(pattern))[-1]
        for name, (pattern, _) in KERNELS.items()
        for root in reversed(roots)
        if any(root.glob(pattern))
    }


@pytest.fixture(scope="session")
def answers(
    kernels: dict[str, Path], real_machines: Machines
) -> dict[tuple[str, str], Future[Answer]]:
    """The future answer of each live loader for each kernel; all are started at once."""
    return {
        (name, loader): real_machines.ask(loader, path.read_bytes(), MEMORY_MIB)
        for name, path in kernels.items()
        for loader in LIVE_LOADERS
    }


@pytest.fixture(params=KERNELS)
def name(request: pytest.FixtureRequest, kernels: dict[str, Path]) -> str:
    """A kernel's name."""
    if request.param not in kernels:
        pytest.skip(f"{KERNELS[request.param][0]} is not installed")
    return str(request.param)


@as_domu
def test_libxenguest_agrees(
    name: str,
    loader: str,
    xen: str,
    capabilities: str,
    kernels: dict[str, Path],
    real_libxenguest: Libxenguest,
) -> None:
    image, takers = kernels[name], KERNELS[name][1]
    pvh = loader == "xen-pvh-domu"
    answer = real_libxenguest.ask_file(str(image), pvh=pvh, capabilities=capabilities)
    verdict = agrees_with_libxenguest(image, loader, Xen.parse(xen), answer)
    assert verdict.accepted == (xen.replace("4.17", loader) in takers)


@pytest.mark.parametrize("linux", ["linux", "linux-cloud"])
def test_nothing_is_wrong_with_linux(linux: str, kernels: dict[str, Path]) -> None:
    with open_kernel(kernels[linux]) as packed:
        assert packed.payload
        vmlinux = unwrap("vmlinux", packed.payload)
        for kernel, loaders in ((packed, XEN), (vmlinux, LOADERS)):
            for verdict in verdicts(kernel, Xen(), loaders).values():
                assert (verdict.accepted, verdict.errors, verdict.warnings) == (True, (), ())


@pytest.mark.parametrize("loader", LIVE_LOADERS)
def test_live_loaders_agree(
    name: str,
    loader: str,
    kernels: dict[str, Path],
    answers: dict[tuple[str, str], Future[Answer]],
) -> None:
    answer = answers[name, loader].result()
    verdict = agrees_with_machine(kernels[name], loader, answer, reports=False)
    if loader != "qemu-kernel":
        assert answer.ending is not Ending.SILENT
        assert verdict.accepted == (loader in KERNELS[name][1])


def test_notes_are_those_of_readnotes(name: str, kernels: dict[str, Path], tmp_path: Path) -> None:
    with open_kernel(kernels[name]) as file:
        assert file.payload
        # readnotes unpacks nothing.
        image = tmp_path / "image"
        image.write_bytes(file.payload.read(0, file.payload.size))
        is_elf = file.payload.read(0, 4) == spec.ELFMAG
        walk = NoteWalk(Elf(file.payload)) if is_elf else ()
        notes = [_as_readnotes(note) for note in walk if note.is_xen]
    assert [note for note in notes if note] == _readnotes(image)


def _readnotes(image: Path) -> list[str]:
    program, root = installed("usr/lib/xen-*/bin/readnotes")
    environment = {**os.environ, "LD_LIBRARY_PATH": library_path(root)}
    done = subprocess.run(
        [program, image], env=environment, capture_output=True, text=True, check=False
    )
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    return [line for line in lines if "unknown note type" not in line]


def _as_readnotes(note: FoundNote) -> str | None:
    """Return the line that readnotes prints for a note; None for types that it does not know."""
    name = XenElfNote(note.n_type).name
    if note.n_type in STRINGS:
        return f"{name}: {(note.string() or b'').decode()}"
    if note.n_type == XenElfNote.L1_MFN_VALID:
        mask, value = (note.numeric_array(8, index) for index in (0, 1))
        return f"{name}: mask={mask:#x} value={value:#x}"
    if note.n_type in (
        XenElfNote.ENTRY,
        XenElfNote.HYPERCALL_PAGE,
        XenElfNote.VIRT_BASE,
        XenElfNote.PADDR_OFFSET,
        XenElfNote.HV_START_LOW,
        XenElfNote.SUSPEND_CANCEL,
        XenElfNote.PHYS32_ENTRY,
    ):
        number = note.numeric()
        return f"{name}: {f'{number:#x}' if number else '0'} ({note.n_descsz} bytes)"
    return None
