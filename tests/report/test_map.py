# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""xen-tool map agrees with the real loaders: Xen and QEMU in a machine, libxenguest."""

from __future__ import annotations

import json
import re
import struct
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from booted import boot
from guests import guest
from loaders.good import good_both
from loaders.libxenguest import CAPABILITIES, MEMORY_MIB, PV32_CAPABILITIES, Libxenguest
from loaders.rows.efi import unified
from project import Project, reference_kernel
from xen_tool.abi import XenElfNote
from xen_tool.boot.boot_settings import BootSettings, Module
from xen_tool.boot.console.console import tell
from xen_tool.cli import main
from xen_tool.debian.suites import NotServed, hypervisor
from xen_tool.image.container import open_kernel
from xen_tool.image.elf import Elf
from xen_tool.image.notes import NoteWalk
from xen_tool.loaders.model.releases import Xen
from xen_tool.report.map import regions
from xen_tool.report.map.maps import read_maps
from xen_tool.report.map.regions import Map, Region

PAGES = (MEMORY_MIB << 20) // 4096
START = 'printk("%s: %lu pages'
INFO = (
    'printk("start_info %lx pt %lx %lu initrd %lx %lu p2m %lx\\n", '
    "(unsigned long)xen_start_info, (unsigned long)xen_start_info->pt_base, "
    "(unsigned long)xen_start_info->nr_pt_frames, (unsigned long)xen_start_info->mod_start, "
    "(unsigned long)xen_start_info->mod_len, (unsigned long)xen_start_info->mfn_list);\n\t"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The reference kernel, PV and PVH; as a PV guest it says what start_info says."""
    kernel = reference_kernel(tmp_path_factory.mktemp("map"))
    kernel.edit("arch/x86/xen/setup.c", START, INFO + START)
    kernel.scons("ARCH=x86_64", "XEN_PVH=1")
    return kernel


@pytest.fixture(scope="module")
def image(built: Project) -> Path:
    return built.top / "build/x86_64/vmlinux"


@pytest.fixture(scope="module", params=["", "VMSPLIT_1G=1"])
def image32(built: Project, request: pytest.FixtureRequest) -> Path:
    """32-bit kernels, below and above 3 GiB."""
    folder = f"build/i386{request.param}"
    built.run("ARCH=i386", "LOADERS=none", f"O={folder}", *request.param.split())
    return built.top / folder / "vmlinux"


@pytest.fixture(scope="module")
def initrd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("initrd") / "initrd"
    path.write_bytes(b"initrd" * 123457)
    return path


def without(image: Path, *notes: XenElfNote) -> Path:
    """Return a copy of the image whose notes of these types have a type that no loader reads."""
    path = image.with_name("without-" + "-".join(note.name for note in notes))
    content = bytearray(image.read_bytes())
    with open_kernel(image) as kernel:
        assert kernel.payload is not None
        found = [note for note in NoteWalk(Elf(kernel.payload)) if note.n_type in notes]
    assert len(found) == len(notes)
    for note in found:
        struct.pack_into("<I", content, note.offset + 8, XenElfNote.INFO)
    path.write_bytes(content)
    return path


def of(path: Path, loader: str, *, pages: int = PAGES, initrd: int = 0, xen: str = "4.17") -> Map:
    found = read_maps(path, Xen.parse(xen), [loader], pages=pages, initrd=initrd)
    assert found.maps, found.refused
    return found.maps[0]


def one(found: Map, name: str) -> Region:
    (region,) = [r for r in (*found.regions, *found.outside) if r.name == name]
    return region


def whole_kernel(found: Map) -> tuple[int, int]:
    """Return the addresses of the start and the end of what is loaded of the file."""
    kinds = (regions.SEGMENT, regions.ZEROED, regions.SYMBOLS)
    loaded = [region for region in found.regions if region.kind in kinds]
    start, last = regions.address(loaded[0]), loaded[-1]
    return start, regions.address(last) + last.size


CUT: list[tuple[XenElfNote, ...]] = [
    (),
    (XenElfNote.MOD_START_PFN,),
    (XenElfNote.INIT_P2M,),
    (XenElfNote.MOD_START_PFN, XenElfNote.INIT_P2M),
]


@pytest.mark.usefixtures("xen_under_qemu")
@pytest.mark.parametrize("cut", CUT)
def test_a_pv_dom0_is_where_xen_says(image: Path, initrd: Path, cut: tuple[XenElfNote]) -> None:
    settings = BootSettings(modules=(Module(str(initrd), ""),))
    path = without(image, *cut) if cut else image
    outcome = boot(path, mode="pv", settings=settings)
    console = "\n".join(outcome.console)
    spans = {
        name.strip(): (int(start, 16), int(end, 16))
        for name, start, end in re.findall(
            r"^\(XEN\)  ([\w. -]+): +([0-9a-f]{16})->([0-9a-f]{16})", console, re.M
        )
    }
    more = re.search(r"\((\d+) pages to be allocated\)", console)
    assert more, console
    allocated = spans["Dom0 alloc."]
    p2m = spans["Phys-Mach map"]
    pages = (p2m[1] - p2m[0]) // 8
    size = initrd.stat().st_size
    least = (allocated[1] - allocated[0]) // 4096 + int(more[1])
    assert least <= pages <= least + size // 4096 + 1
    found = of(path, "xen-pv-dom0", pages=pages, initrd=size)

    assert whole_kernel(found) == spans["Loaded kernel"]
    assert (found.start, found.end) == spans["TOTAL"]
    for ours, xens in (
        ("P2M table", "Phys-Mach map"),
        ("page tables", "Page tables"),
        ("boot stack", "Boot stack"),
    ):
        region = one(found, ours)
        assert region.virtual is not None
        assert (region.virtual, region.virtual + region.size) == spans[xens], ours
    assert one(found, "start_info").virtual == spans["Start info"][0]
    entry = re.search(r"ENTRY ADDRESS: ([0-9a-f]{16})", console)
    assert entry
    assert [m.address for m in found.markers if m.name == "entry"] == [int(entry[1], 16)]
    if not cut:
        _as_the_guest_sees_it(found, console)


def _as_the_guest_sees_it(found: Map, console: str) -> None:
    printed = re.search(
        r"start_info (\w+) pt (\w+) (\d+) initrd (\w+) (\d+) p2m (\w+)", console, re.A
    )
    assert printed, console
    assert one(found, "start_info").virtual == int(printed[1], 16)
    tables = one(found, "page tables")
    assert (tables.virtual, tables.size) == (int(printed[2], 16), int(printed[3]) * 4096)
    initrd = one(found, "initrd")
    # The number of a page, because of MOD_START_PFN.
    assert (initrd.physical, initrd.size) == (int(printed[4], 16) * 4096, int(printed[5]))
    assert one(found, "P2M table").virtual == int(printed[6], 16)


def _laid_out(lines: tuple[str, ...]) -> dict[str, tuple[int, int, int]]:
    """Return virtual start, virtual end (or 0) and pfn of each region, by libxenguest's names."""
    found = {}
    for line in lines:
        segment = re.search(
            r"xc_dom_alloc_segment: +([\w ]+?) *: 0x(\w+) -> 0x(\w+) +\(pfn 0x(\w+)", line
        )
        page = re.search(r"xc_dom_alloc_page +: +([\w ]+?) *: 0x(\w+)() \(pfn 0x(\w+)\)", line)
        populated = re.search(r"(populate)(): pfn 0x()(\w+) \+", line)
        if match := segment or page or populated:
            found[match[1]] = tuple(int(match[n] or "0", 16) for n in (2, 3, 4))
    return found  # type: ignore[return-value]


PLACED = {
    "start info": "start_info",
    "xenstore": "xenstore ring",
    "console": "console ring",
    "page tables": "page tables",
    "boot stack": "boot stack",
    "phys2mach": "P2M table",
    "module0": "initrd",
    "HVM start info": "hvm_start_info",
    "populate": "special pages",
}


def agrees(found: Map, lines: tuple[str, ...]) -> None:
    """Assert that the map has all regions that libxenguest placed, where it did, and no others."""
    placed = _laid_out(lines)
    start, end, _ = placed.pop("kernel")
    assert whole_kernel(found) == (start, end)
    for name, (virtual, virtual_end, pfn) in placed.items():
        region = one(found, PLACED[name])
        assert region.physical == pfn * 4096, name
        if region in found.regions and region.virtual is not None:
            assert region.virtual == virtual, name
        if virtual_end and name not in ("phys2mach", "HVM start info"):
            assert region.size == virtual_end - virtual, name
        if name == "phys2mach":
            apart = [r for r in found.outside if "tables of" in r.name]
            size = sum(r.size for r in (region, *apart))
            assert size == virtual_end - virtual
    kinds = (regions.SEGMENT, regions.ZEROED, regions.HOLE)
    names = {r.name for r in (*found.regions, *found.outside) if r.kind not in kinds}
    assert names - {"page tables of the P2M table"} == {PLACED[name] for name in placed}
    for line in lines:
        if match := re.search(r"virt_pgtab_end : 0x(\w+)", line):
            assert (found.end or 0) == int(match[1], 16)


@pytest.mark.parametrize("pvh", [False, True], ids=["pv", "pvh"])
@pytest.mark.parametrize("has_initrd", [False, True], ids=["", "initrd"])
@pytest.mark.parametrize("cut", CUT)
def test_a_domu_is_where_libxenguest_lays_it_out(
    image: Path,
    initrd: Path,
    real_libxenguest: Libxenguest,
    cut: tuple[XenElfNote],
    has_initrd: bool,
    pvh: bool,
) -> None:
    path = without(image, *cut) if cut else image
    answer = real_libxenguest.lay_out(
        str(path), pvh=pvh, initrd=str(initrd) if has_initrd else "", capabilities=CAPABILITIES
    )
    assert answer.placed, answer
    size = initrd.stat().st_size if has_initrd else 0
    agrees(of(path, "xen-pvh-domu" if pvh else "xen-pv-domu", initrd=size), answer.lines)


def test_a_32_bit_domu_is_where_libxenguest_lays_it_out(
    image32: Path, initrd: Path, real_libxenguest: Libxenguest
) -> None:
    answer = real_libxenguest.lay_out(
        str(image32), pvh=False, initrd=str(initrd), capabilities=PV32_CAPABILITIES
    )
    assert answer.placed, answer
    size = initrd.stat().st_size
    agrees(of(image32, "xen-pv-domu", initrd=size, xen="4.17+pv32"), answer.lines)


HEX = """
    mov ebp, ebx
    mov edi, {place}
    call digits
    mov ebp, [ebx + 16]
    test ebp, ebp
    jz told
    mov ebp, [ebp]
    mov edi, {second}
    call digits
    jmp told
digits:
    mov ecx, 8
next:
    rol ebp, 4
    mov eax, ebp
    and eax, 15
    add eax, 48
    cmp eax, 57
    jbe digit
    add eax, 39
digit:
    mov [edi], al
    inc edi
    loop next
    ret
told:
"""
"""Code that writes the addresses of hvm_start_info and the first module into the guest's text."""

SAID = "start_info 00000000 initrd 00000000\n"
TEXT = 0x1000800


@pytest.mark.usefixtures("xen_under_qemu")
@pytest.mark.parametrize("has_initrd", [False, True], ids=["", "initrd"])
@pytest.mark.parametrize(
    ("mode", "release"),
    [("xen-pvh-dom0", "4.17"), ("xen-pvh-dom0", "4.20"), ("qemu-kernel", "4.17")],
)
def test_a_pvh_guest_finds_what_the_map_shows(
    linux_dom0: None, tmp_path: Path, initrd: Path, mode: str, release: str, has_initrd: bool
) -> None:
    first = "mov esp, 0x1000fc0\n" + HEX.format(place=TEXT + 11, second=TEXT + 27)
    path = guest(tmp_path, mode, SAID + "PASS entered\nCHECKS: 1\nRESULT: PASS\n", first=first)
    settings = BootSettings(modules=(Module(str(initrd), ""),) if has_initrd else (), mem=128)
    try:
        xen = None if release == "4.17" else str(hypervisor(release, tell))
    except NotServed as error:
        warnings.warn(f"absent: {error}", stacklevel=1)
        return
    outcome = boot(path, mode=mode, xen=xen, release=release, settings=settings)
    assert outcome.passed, (outcome.reason, outcome.console)
    printed = re.search(r"start_info (\w+) initrd (\w+)", "\n".join(outcome.console), re.A)
    assert printed
    size = initrd.stat().st_size if has_initrd else 0
    found = of(path, mode, initrd=size, pages=(128 << 20) // 4096, xen=release)
    if mode == "xen-pvh-dom0":
        info = one(found, "hvm_start_info")
        assert info.physical is not None
        assert info.physical <= int(printed[1], 16) < info.physical + info.size
    if has_initrd:
        assert one(found, "initrd").physical == int(printed[2], 16)


def test_the_text_and_the_json_document_agree(
    image: Path, initrd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["map", str(image), "--initrd", str(initrd), "--mem", "96"]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert main([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["memory"] == 96 << 20
    assert list(document["maps"]) == [
        line.split(":")[0] for line in lines if line.startswith(("xen-", "qemu-"))
    ]
    rest = iter(lines)
    for found in document["maps"].values():
        for region in (*found["regions"], *found["outside"]):
            address = region["virtual"] or region["physical"]
            digits = address.removeprefix("0x")
            row = next(line for line in rest if re.match(rf"  (-|0*{digits}) ", line))
            assert region["name"] in row
            assert region["about"] in row
    symbols = [m["symbol"] for m in document["maps"]["xen-pv-dom0"]["markers"]]
    assert symbols == ["startup_xen", "hypercall_page"]


def test_regions_fill_what_is_mapped(image: Path, initrd: Path) -> None:
    size = initrd.stat().st_size
    for path in (image, without(image, XenElfNote.INIT_P2M)):
        for loader in ("xen-pv-dom0", "xen-pv-domu"):
            found = of(path, loader, initrd=size)
            position = found.start
            for region in found.regions:
                assert position is not None and region.virtual is not None
                assert 0 <= region.virtual - position < 4096, region
                assert found.start is not None
                assert region.physical == region.virtual - found.start
                position = region.virtual + region.size
            assert position == found.end


def test_what_a_loader_refuses_is_not_laid_out(
    image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = without(image, XenElfNote.XEN_VERSION)
    picture = tmp_path / "map.svg"
    assert main(["map", str(path), "--loader", "xen-pv-dom0"]) == 3
    assert "xen-pv-dom0 refuses it (C3), so nothing is laid out" in capsys.readouterr().out
    command = ["map", str(path), "--loader", "xen-pv-dom0", "--svg", str(picture)]
    assert main(command) == 4
    assert "there is nothing to draw" in capsys.readouterr().err
    assert not picture.exists()


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--mem", "0"], 2, "is no number above 0"),
        (["--initrd", "nowhere"], 4, "nowhere: cannot be opened: No such file or directory"),
        (["--svg", "/proc/nowhere/map.svg"], 4, "/proc/nowhere/map.svg: cannot be written"),
    ],
)
def test_wrong_arguments_are_errors(
    image: Path, words: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        found = main(["map", str(image), *words])
    except SystemExit as end:
        found = int(str(end.code))
    assert found == status
    assert says in capsys.readouterr().err


def test_a_unified_image_has_the_map_of_the_dom0_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps = []
    for name, content, loader in (
        ("vmlinux", bytes(good_both()), "xen-pv-dom0"),
        ("xen.efi", unified(good_both(), options=""), None),
        ("xen.efi", unified(good_both(), options="dom0=pvh"), None),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        assert main(["map", str(path), *(["--loader", loader] if loader else [])]) == 0
        maps.append(capsys.readouterr().out.splitlines()[1:])
    assert maps[0] == maps[1]
    assert "xen-pvh-dom0: PVH dom0, laid out by Xen" in maps[2]


def test_an_image_without_segments_has_an_empty_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "vmlinux"
    path.write_bytes(bytes(replace(good_both(), loads=())))
    assert main(["map", str(path), "--loader", "qemu-kernel"]) == 0
    assert "nothing is loaded" in capsys.readouterr().out


def test_an_image_that_claims_no_loader_has_no_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "text"
    path.write_text("no kernel")
    assert main(["map", str(path)]) == 3
    assert "It claims no loader" in capsys.readouterr().out
