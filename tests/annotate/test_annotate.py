# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""xen-tool annotate: values, notes that exist already, and errors."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection
from elftools.elf.segments import NoteSegment

from project import Project
from xen_tool import cli
from xen_tool.abi import XenElfNote

from .kernels import EXAMPLE, by_gcc, by_objcopy, run

pytestmark = pytest.mark.usefixtures("gcc", "readelf")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 64-bit image, linked high, without Xen notes."""
    return by_gcc(tmp_path_factory.mktemp("kernel") / "k")


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 32-bit image."""
    return by_objcopy(tmp_path_factory.mktemp("kernel32") / "k")


def xen_notes(path: Path) -> dict[str, bytes]:
    """Return the Xen notes of the segments, as pyelftools reads them; each type once."""
    found: dict[str, bytes] = {}
    with path.open("rb") as file:
        for segment in ELFFile(file).iter_segments("PT_NOTE"):
            assert isinstance(segment, NoteSegment)
            for note in segment.iter_notes():
                if note["n_name"] == "Xen":
                    # pyelftools gives some of Xen's types GNU's names.
                    at = note["n_offset"]
                    content = path.read_bytes()
                    n_type = struct.unpack_from("<I", content, at + 8)[0]
                    desc = content[at + 16 : at + 16 + note["n_descsz"]]
                    assert XenElfNote(n_type).name not in found
                    found[XenElfNote(n_type).name] = desc
    return found


def annotate(image: Path, *words: str, output: Path | None = None) -> dict[str, bytes]:
    output = output or image.with_name("out")
    assert cli.main(["annotate", str(image), "-o", str(output), *words]) == 0
    return xen_notes(output)


def symbol(image: Path, name: str) -> int:
    lines = run(image.parent, "nm", image.name).splitlines()
    (address,) = [line.split()[0] for line in lines if line.endswith(f" {name}")]
    return int(address, 16)


ONLY_PVH = ("--pvh-entry", "pvh_start")


@pytest.mark.parametrize(
    ("setting", "desc"),
    [
        ("GUEST_OS=mine", b"mine\0"),
        ("FEATURES=!writable_page_tables|pae_pgdir_above_4gb", None),
        ("SUPPORTED_FEATURES=0x801", b"\x01\x08\0\0"),
        ("SUPPORTED_FEATURES=writable_page_tables|dom0", b"\x01\x08\0\0"),
        ("GUEST_OS=text:", b"\0"),
        ("GUEST_OS=hex:6d00", b"m\0"),
        ("MOD_START_PFN=u64:1", struct.pack("<Q", 1)),
        ("MOD_START_PFN=1", b"\x01\0\0\0"),
        ("PHYS32_RELOC=0x200000,0x1000000,0xffffffff", b"\0\0\x20\0\0\0\0\x01\xff\xff\xff\xff"),
        ("INIT_P2M=0x8000000000", struct.pack("<Q", 0x8000000000)),
        ("L1_MFN_VALID=1,1", struct.pack("<2Q", 1, 1)),
        ("xen_elfnote_guest_version=6.1", b"6.1\0"),
    ],
)
def test_a_setting_becomes_a_descriptor(image: Path, setting: str, desc: bytes | None) -> None:
    name, _, value = setting.partition("=")
    notes = annotate(image, *ONLY_PVH, "--note", setting)
    key = name.upper().removeprefix("XEN_ELFNOTE_")
    assert notes[key] == (value.encode() + b"\0" if desc is None else desc)


def test_symbols_are_virtual_and_physical(image: Path) -> None:
    notes = annotate(image, *ONLY_PVH, "--pv-entry", "pv_start")
    virtual = symbol(image, "pv_start")
    assert notes["ENTRY"] == struct.pack("<Q", virtual)
    physical = symbol(image, "pvh_start") - 0xFFFFFFFF80000000
    assert notes["PHYS32_ENTRY"] == struct.pack("<I", physical)
    assert notes["VIRT_BASE"] == struct.pack("<Q", 0xFFFFFFFF80000000)
    assert notes["PADDR_OFFSET"] == bytes(8)
    assert (notes["XEN_VERSION"], notes["LOADER"]) == (b"xen-3.0\0", b"generic\0")


def test_pv_of_an_image_without_physical_addresses(image: Path, tmp_path: Path) -> None:
    # Linked without AT(): p_paddr is p_vaddr, so PADDR_OFFSET is not 0.
    with image.open("rb") as file:
        elf = ELFFile(file)
        start, size = elf.header["e_phoff"], elf.header["e_phentsize"]
        number = elf.header["e_phnum"]
    content = bytearray(image.read_bytes())
    for header in range(start, start + size * number, size):
        content[header + 24 : header + 32] = content[header + 16 : header + 24]
    path = tmp_path / "vmlinux"
    path.write_bytes(content)
    notes = annotate(path, "--pv-entry", "pv_start")
    assert notes["VIRT_BASE"] == notes["PADDR_OFFSET"] == struct.pack("<Q", 0xFFFFFFFF80000000)


def test_32_bit_pv(narrow: Path) -> None:
    words = ("--pv-entry", "pv_start", "--xen-release", "4.17+pv32", "--loader", "xen-pv-domu")
    notes = annotate(narrow, *words, "--note", "L1_MFN_VALID=1,1")
    assert notes["ENTRY"] == struct.pack("<I", symbol(narrow, "pv_start"))
    # Linux writes .quad for both widths: xen-head.S.
    assert notes["L1_MFN_VALID"] == struct.pack("<2Q", 1, 1)
    assert notes["PAE_MODE"] == b"yes\0"
    assert notes["VIRT_BASE"] == notes["PADDR_OFFSET"] == bytes(4)


def test_notes_are_replaced_and_removed(image: Path, tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    words = ("--note", "GUEST_OS=mine", "--note", "GUEST_VERSION=1")
    annotate(image, *ONLY_PVH, *words, output=first)
    # A value that fits into the old note, one that does not, and one of a note that is not there.
    others = ("--note", "GUEST_OS=your", "--note", "GUEST_VERSION=1.2.3.4", "--note", "LOADER=grub")
    notes = annotate(first, *others, output=second)
    assert notes["GUEST_OS"] == b"your\0"
    assert notes["GUEST_VERSION"] == b"1.2.3.4\0"
    assert set(notes) == {"PHYS32_ENTRY", "GUEST_OS", "GUEST_VERSION", "LOADER"}
    notes = annotate(second, "--remove", "GUEST_OS", "--remove", "loader", output=third)
    assert set(notes) == {"PHYS32_ENTRY", "GUEST_VERSION"}
    listed = run(tmp_path, "readelf", "-nW", "third")
    assert listed.count("Build ID") == 1
    # However often it runs, there is one more section and one more segment.
    assert run(tmp_path, "readelf", "-SW", "third").count(".note.Xen") == 1
    assert run(tmp_path, "readelf", "-lW", "third").count("  NOTE  ") == 2


def test_a_note_that_is_there_twice_is_changed_as_one(image: Path, tmp_path: Path) -> None:
    # Xen reads the last note of a type.
    twice = tmp_path / "twice"
    words = ("--note", "GUEST_OS=mine", "--note", "GUEST_VERSION=mine")
    annotate(image, *ONLY_PVH, *words, output=twice)
    old, new = (
        struct.pack("<3I4s", 4, 5, n_type, b"Xen\0")
        for n_type in (XenElfNote.GUEST_VERSION, XenElfNote.GUEST_OS)
    )
    twice.write_bytes(twice.read_bytes().replace(old, new))
    assert annotate(twice, "--note", "GUEST_OS=your")["GUEST_OS"] == b"your\0"
    assert set(annotate(twice, "--remove", "GUEST_OS")) == {"PHYS32_ENTRY"}


def test_a_kernel_of_ours_gets_another_version(built_kernel: Project) -> None:
    image = built_kernel.top / "build/x86_64/vmlinux"
    before = xen_notes(image)
    after = annotate(image, "--note", "GUEST_VERSION=another one", "--note", "ENTRY=startup_xen")
    assert after == {**before, "GUEST_VERSION": b"another one\0"}


def test_notes_in_sections_alone_move_to_a_segment(image: Path, tmp_path: Path) -> None:
    # Once there is a PT_NOTE, Xen does not read notes that are only in a section.
    note = struct.pack("<3I4s", 4, 5, XenElfNote.GUEST_OS, b"Xen\0") + b"mine\0\0\0\0"
    (tmp_path / "note").write_bytes(note)
    shutil.copy(image, tmp_path / "vmlinux")
    run(tmp_path, "objcopy", "--add-section", ".note.mine=note", "vmlinux")
    content = (tmp_path / "vmlinux").read_bytes()
    with (tmp_path / "vmlinux").open("rb") as file:
        assert isinstance(ELFFile(file).get_section_by_name(".note.mine"), NoteSection)
    assert note in content
    notes = annotate(tmp_path / "vmlinux", *ONLY_PVH)
    assert notes["GUEST_OS"] == b"mine\0"
    assert (tmp_path / "out").read_bytes().count(note[8:]) == 1


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("--pvh-entry", "pvh_strat"), 4, "no symbol pvh_strat; do you mean pvh_start"),
        (
            ("--pvh-entry", "0xffffffff81000000"),
            4,
            "a virtual address; the note needs the physical one, 0x1000000",
        ),
        (("--pvh-entry", "page"), 4, "the symbol page is 0x40000000, which is in no segment"),
        (("--note", "GUEST_SO=mine"), 4, "Xen has no note GUEST_SO; do you mean GUEST_OS"),
        (("--note", "GUEST_OS"), 2, "GUEST_OS: not NAME=VALUE"),
        (("--note", "GUEST_OS=a", "--note", "GUEST_OS=b"), 2, "a second time"),
        (("--note", "PHYS32_ENTRY=1", *ONLY_PVH), 4, "PHYS32_ENTRY is given twice"),
        (("--note", "GUEST_OS=a", "--remove", "GUEST_OS"), 4, "given, and is to be removed"),
        (("--remove", "GUEST_OS"), 4, "has no note GUEST_OS to be removed"),
        (("--note", "GUEST_OS=\u00e4"), 4, "ASCII"),
        (("--note", "GUEST_OS="), 4, "GUEST_OS is given without a value: remove it, or"),
        (("--note", "SUPPORTED_FEATURES=dom1"), 4, "a number of 32 bits, or of"),
        (("--note", "SUPPORTED_FEATURES=0x8g"), 4, "the rule is a number of 32 bits"),
        (("--note", "MOD_START_PFN=0b1"), 4, "MOD_START_PFN is '0b1': the rule is a number"),
        (("--note", "PHYS32_RELOC=1,2,3,4"), 4, "the rule is up to 3 numbers of 32 bits"),
        (("--note", "L1_MFN_VALID=1"), 4, "the rule is pairs of numbers of 64 bits"),
        (("--note", "FEATURES=writable_pagetables"), 4, "of which 'writable_pagetables' is none"),
        (("--note", "PHYS32_ENTRY=0x100000000"), 4, "the rule is a number of 32 bits"),
        (("--note", "PHYS32_ENTRY=pvh_start+x"), 4, "the rule is SYMBOL, or SYMBOL+NUMBER"),
        (("--note", "PHYS32_ENTRY=u32:pvh_start"), 4, "the rule is numbers of 32 bits"),
        ((), 4, "nothing to do"),
    ],
)
def test_wrong_settings_are_errors(
    image: Path,
    words: tuple[str, ...],
    status: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = image.with_name("never")
    try:
        result = cli.main(["annotate", str(image), "-o", str(output), *words])
    except SystemExit as error:
        result = int(str(error.code))
    assert result == status
    assert message in capsys.readouterr().err
    assert not output.exists()


def _other(image: Path, folder: Path, how: str) -> Path:
    """Return a file that is no linked kernel with symbols, of the kind how."""
    path = folder / "other"
    content = bytearray(image.read_bytes())
    if how == "text":
        content = bytearray(b"no kernel")
    elif how == "gzip":
        shutil.copy(image, path)
        subprocess.run(["gzip", "-k", path], check=True)
        content = bytearray(path.with_suffix(".gz").read_bytes())
    elif how == "object":
        content = bytearray(image.with_name("kernel.c.o").read_bytes())
    elif how == "arm":
        content[18:20] = b"\x28\0"
    elif how == "core":
        content[16] = 4
    elif how == "cut":
        del content[100:]
    elif how == "many sections":
        content[60:62] = b"\xff\xfe"
    elif how == "sections outside":
        del content[-8:]
    path.write_bytes(content)
    if how == "stripped":
        run(folder, "strip", "other")
    return path


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("text", "is not an ELF file"),
        ("gzip", "annotate the ELF file that is packed"),
        ("object", "is an object that is not linked yet: link it first"),
        ("arm", "is for machine 0x28, and not for x86"),
        ("core", "is a core dump"),
        ("cut", "has no table of segments that can be read"),
        ("many sections", "has as many segments or sections as its header can count"),
        ("sections outside", "a table of sections that does not lie in the file"),
        ("stripped", "has no symbols (it was stripped), so pvh_start is not found"),
    ],
)
def test_a_file_that_is_no_linked_kernel_is_an_error(
    image: Path, tmp_path: Path, how: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = _other(image, tmp_path, how)
    assert cli.main(["annotate", str(other), "-o", str(tmp_path / "out"), *ONLY_PVH]) == 4
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_loaders_refuse_is_not_written(
    image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["annotate", str(image), "-o", str(tmp_path / "out"), "--pvh-entry", "0x5000000"]
    assert cli.main(words) == 3
    printed = capsys.readouterr()
    assert "out is not written, as it is refused" in printed.err
    assert "ELF start or entries are out of bounds" in printed.out
    assert not (tmp_path / "out").exists()
    assert cli.main([*words, "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["verdicts"]["xen-pvh-dom0"]["rule"] == "A3"


def test_an_image_replaced_in_place_keeps_its_mode(image: Path, tmp_path: Path) -> None:
    path = tmp_path / "vmlinux"
    shutil.copy(image, path)
    path.chmod(0o750)
    annotate(path, *ONLY_PVH, output=path)
    assert path.stat().st_mode & 0o777 == 0o750


def test_a_pipe_gets_the_image_and_keeps_its_mode(image: Path, tmp_path: Path) -> None:
    # /dev/null keeps its mode, too, which root could change.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        assert cli.main(["annotate", str(image), "-o", str(pipe), *ONLY_PVH]) == 0
        content = reader.communicate()[0]
    assert pipe.stat().st_mode & 0o777 == 0o600
    annotate(image, *ONLY_PVH)
    assert image.with_name("out").read_bytes() == content


def test_the_example_does_what_it_says(tmp_path: Path, xen_under_qemu: None) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "annotate", ignore=shutil.ignore_patterns("build"))
    project = Project(tmp_path / "annotate")
    text = (project.top / "README.md").read_text()
    lines = [line[6:] for line in text.splitlines() if line.startswith("    $ ")]
    assert len(lines) == 7
    script = "set -e\n" + "\n".join(f"{line}\ntest $? = 0" for line in lines)
    done = project.shell(script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("the guest reported RESULT: PASS") == 4
    project.scons()
    assert project.up_to_date()
    # The step depends on the notes, and on the image that another builder makes.
    project.edit(
        "SConstruct", 'pv_entry="pv_start"', 'pv_entry="pv_start", notes={"GUEST_OS": "m"}'
    )
    assert project.scons().names == {"NOTES vmlinux.xen.unchecked", "CHECK vmlinux.xen"}
    project.edit("kernel.c", "PASS entered", "PASS started")
    run_again = project.scons()
    assert {"NOTES vmlinux.xen.unchecked", "CHECK vmlinux.xen"} <= run_again.names
    project.edit("SConstruct", 'pvh_entry="pvh_start"', 'pvh_entry="pvh_stort"')
    failed = project.run()
    assert failed.status == 2
    assert "do you mean pvh_start" in failed.err
    project.edit("SConstruct", "pvh_stort", "0x5000000")
    failed = project.run()
    assert failed.status == 2
    assert "would not start with xen-pvh-dom0" in failed.err
    project.edit("SConstruct", '{"GUEST_OS": "m"}', '{"GUEST_OS": None}')
    failed = project.run()
    assert failed.status == 2
    assert "the note GUEST_OS is given without a value: remove it, or" in failed.err
