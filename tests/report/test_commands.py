# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""xen-tool check, inspect and diff, in processes of their own."""

from __future__ import annotations

import gzip
import json
import os
import re
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loaders.good import good_both, good_pv32, good_pv64, good_pvh
from loaders.images import PADDR, PVH_ENTRY, Note, Segment, number, text
from loaders.rows.efi import unified
from project import TOP
from xen_tool.abi import XenElfNote
from xen_tool.elf import spec
from xen_tool.loaders.model.releases import Xen
from xen_tool.report.image_report import read_report

LOADERS = ["xen-pv-dom0", "xen-pv-domu", "xen-pvh-dom0", "xen-pvh-domu", "qemu-kernel"]
PV = LOADERS[:2]
PVH = LOADERS[2:]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TOP / "site_scons")}


def tool(*arguments: object) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "xen_tool.cli", *map(str, arguments)],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in result.stderr + result.stdout, result.stderr
    return result


def document(command: str, *arguments: object) -> tuple[int, Any]:
    result = tool(command, "--json", *arguments)
    return result.returncode, json.loads(result.stdout)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "vmlinux"
    path.write_bytes(bytes(good_both()))
    return path


def write(path: Path, content: object) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else bytes(content))  # type: ignore[call-overload]
    return path


@pytest.mark.parametrize("command", ["check", "inspect"])
def test_the_schema(image: Path, command: str) -> None:
    status, found = document(command, image)
    assert status == 0
    assert list(found) == [
        *("schema", "image", "xen", "asked", "format", "elf", "notes", "segments", "verdicts")
    ]
    assert (found["schema"], found["image"], found["xen"]) == (1, str(image), "4.17")
    assert found["format"] == "ELF"
    assert found["elf"] == {"class": 64, "machine": "x86_64", "entry": found["elf"]["entry"]}
    assert found["asked"] == LOADERS == list(found["verdicts"])
    entry = next(note for note in found["notes"] if note["name"] == "ENTRY")
    assert list(entry) == [
        *("type", "name", "owner", "value", "desc", "place", "offset", "read_by")
    ]
    assert bytes.fromhex(entry["desc"])[::-1].hex() == entry["value"][2:].zfill(16)
    assert entry["read_by"] == PV
    values = {note["name"]: note["value"] for note in found["notes"]}
    assert (values["LOADER"], values["SUPPORTED_FEATURES"]) == ("generic", "0x801")
    for verdict in found["verdicts"].values():
        start = verdict.pop("start", {})
        assert list(start) == ["entry", "mode", "registers", "source"] * (command == "inspect")
        assert verdict == {
            "accepted": True,
            "rule": None,
            "message": None,
            "fix": None,
            "where": None,
            "reason": None,
            "errors": [],
            "warnings": verdict["warnings"],
        }


def test_check_of_a_refused_image(image: Path) -> None:
    bad = good_pv64().setting(text(XenElfNote.XEN_VERSION, "xen-9"))
    status, found = document("check", write(image, bad))
    assert status == 3
    assert found["asked"] == PV
    verdict = found["verdicts"]["xen-pv-dom0"]
    assert (verdict["accepted"], verdict["rule"]) == (False, "C3")
    assert verdict["message"].endswith("for Xen v3.0 (Not 'xen-9')")
    people = tool("check", image)
    assert people.returncode == 3
    assert "  xen-pv-dom0  refused (C3)" in people.stdout
    assert verdict["message"] in people.stdout
    assert verdict["fix"] in people.stdout
    assert "xen-pvh-dom0" not in people.stdout


def test_the_claim_chooses_the_loaders(image: Path) -> None:
    for good, loaders in ((good_pv64(), PV), (good_pvh(), PVH), (good_both(), LOADERS)):
        status, found = document("check", write(image, good))
        assert (status, found["asked"]) == (0, loaders)
    # No dom0 bit in SUPPORTED_FEATURES.
    write(image, good_pv64().setting(Note(XenElfNote.SUPPORTED_FEATURES, bytes(4))))
    assert document("check", image)[1]["asked"] == ["xen-pv-domu"]
    assert document("check", image, "--loader", "xen-pv-dom0")[0] == 3
    write(image, good_pv64().without(*XenElfNote))
    status, found = document("check", image)
    assert (status, found["asked"]) == (3, [])
    out = tool("check", image).stdout
    assert "so it claims no loader" in out
    assert "xen-pv-dom0   refused (C1)" in out


MONITORS = ["firecracker", "cloud-hypervisor", "libkrun"]
GRUB_PC = ["grub-linux", "grub-multiboot", "grub-multiboot2"]
FURTHER = ["xen-efi", *MONITORS, "crosvm", "kexec", "grub-xen", "grub-xen-pvh", *GRUB_PC]


def test_the_last_line_lists_other_loaders(image: Path) -> None:
    line = tool("check", image).stdout.splitlines()[-1]
    assert line == (
        "  Other loaders: accepted by xen-efi, firecracker, cloud-hypervisor, libkrun, grub-xen; "
        f"not by crosvm, kexec, grub-xen-pvh, {', '.join(GRUB_PC)} (--loader all)"
    )
    # Firecracker loads it, but the guest is dead.
    line = tool("check", write(image, good_pv64())).stdout.splitlines()[-1]
    assert line == (
        "  Other loaders: accepted by xen-efi, grub-xen; not by "
        f"{', '.join(name for name in FURTHER[1:] if name != 'grub-xen')} (--loader all)"
    )
    # With --loader, and in JSON, no other loader is listed.
    assert "Other loaders" not in tool("check", image, "--loader", "xen-pv-dom0").stdout
    assert list(document("check", image)[1]["verdicts"]) == LOADERS


def test_all_loaders(image: Path) -> None:
    status, found = document("check", image, "--loader", "all")
    assert status == 3
    assert found["asked"] == [*LOADERS, *FURTHER] == list(found["verdicts"])
    assert {name for name, verdict in found["verdicts"].items() if verdict["accepted"]} == {
        *(*LOADERS, "xen-efi", *MONITORS, "kexec", "grub-xen")
    }
    status, found = document("check", image, "--loader", "firecracker")
    assert (status, found["asked"]) == (0, ["firecracker"])
    assert list(found["verdicts"]) == [*LOADERS, "firecracker"]
    out = tool("check", write(image, good_pv64()), "--loader", "firecracker").stdout
    assert "firecracker  accepted, but the guest cannot run" in out
    assert "error R6: the guest is entered at e_entry 0xffffffff80200000 in 64-bit mode" in out
    assert tool("map", image, "--loader", "crosvm").returncode == 2


def test_an_error_fails_though_the_loader_takes_it(image: Path) -> None:
    moved = good_pv64().loading(p_vaddr=0xFFFFFFFF80300000)
    status, found = document("check", write(image, moved))
    verdict = found["verdicts"]["xen-pv-dom0"]
    assert status == 3
    assert verdict["accepted"] is True
    assert [list(error) for error in verdict["errors"]] == [
        ["id", "message", "fix", "where", "reason"]
    ]
    assert verdict["errors"][0]["id"] == "X3"
    assert "accepted, but the guest cannot run" in tool("check", image).stdout


def test_the_release_of_xen_is_an_option(image: Path) -> None:
    write(image, good_both().setting(Note(XenElfNote.SUPPORTED_FEATURES, bytes(4))))
    options = ("--loader", "pvh", "--xen-release")
    assert document("check", image, *options, "4.17")[0] == 0
    status, found = document("check", image, *options, "4.22")
    assert (status, found["verdicts"]["xen-pvh-dom0"]["rule"]) == (3, "H3")
    assert found["xen"] == "4.22"


def test_the_old_name_of_the_release(image: Path) -> None:
    result = tool("check", image, "--xen=4.20", "--json")
    assert (result.returncode, json.loads(result.stdout)["xen"]) == (0, "4.20")
    assert result.stderr == "xen-tool: note: --xen is now --xen-release; the old name will go\n"
    assert "--xen " not in tool("check", "--help").stdout


def test_inspect_shows_notes_segments_and_all_verdicts(image: Path) -> None:
    lines = tool("inspect", image).stdout.splitlines()
    assert lines[0] == f"{image}: ELF64, x86_64"
    assert any(line.split()[:3] == ["0x8", "LOADER", '"generic"'] for line in lines)
    assert any(line.split()[:2] == ["PT_LOAD", "rwx"] for line in lines)
    verdicts = lines.index("Verdicts of Xen 4.17, and of QEMU:") + 1
    assert [line.split()[0] for line in lines[verdicts : verdicts + 5]] == LOADERS
    assert [line.split()[0] for line in lines[-5:]] == LOADERS
    assert lines[-5].split(maxsplit=2) == [
        "xen-pv-dom0",
        "0xffffffff80200000",
        "64-bit, pages mapped from VIRT_BASE on  rsi: start_info, rsp: boot stack",
    ]


def test_inspect_shows_how_the_guest_starts(image: Path) -> None:
    def starts(words: tuple[str, ...] = ("--loader", "all")) -> dict[str, tuple[str, str]]:
        _, found = document("inspect", image, *words)
        verdicts = found["verdicts"]
        assert {name for name in verdicts if verdicts[name]["accepted"]} == {
            name for name in verdicts if "start" in verdicts[name]
        }
        starting = {name: each["start"] for name, each in verdicts.items() if "start" in each}
        assert all(each["source"] for each in starting.values())
        return {
            name: (each["entry"], each["mode"].split(",")[0]) for name, each in starting.items()
        }

    pvh = ("0x200100", "32-bit")
    assert starts() == {
        **dict.fromkeys((*PV, "xen-efi", "kexec", "grub-xen"), ("0xffffffff80200000", "64-bit")),
        **dict.fromkeys((*PVH, *MONITORS), pvh),
    }
    # Loaders that read no note start a kernel for PV at e_entry.
    write(image, good_pv64())
    assert starts()["firecracker"] == ("0xffffffff80200000", "64-bit")
    write(image, good_pvh(32).patching(0x800, struct.pack("<3I", 0x1BADB002, 0, 0xE4524FFE)))
    assert starts()["qemu-kernel"] == ("0x200100", "32-bit")
    assert document("inspect", image)[1]["verdicts"]["qemu-kernel"]["start"]["registers"] == (
        "eax: 0x2badb002, ebx: multiboot information"
    )
    assert "start" not in document("check", image)[1]["verdicts"]["qemu-kernel"]


@pytest.mark.parametrize("words", ["0xyz", "0x1000", '"quoted"'])
def test_a_note_that_is_a_text_is_shown_as_a_text(image: Path, words: str) -> None:
    write(image, good_both().setting(text(XenElfNote.GUEST_OS, words)))
    status, found = document("inspect", image)
    assert status == 0
    values = {note["name"]: note["value"] for note in found["notes"]}
    assert values["GUEST_OS"] == words
    rows = [line.split() for line in tool("inspect", image).stdout.splitlines()]
    assert ["0x6", "GUEST_OS", f'"{words}"'] in [row[:3] for row in rows]
    other = write(image.with_name("other"), good_both())
    assert f'  - "{words}" (' in tool("diff", image, other).stdout
    assert 0x1000 not in read_report(image, Xen()).addresses()


def test_a_text_without_an_end_is_unreadable(image: Path) -> None:
    endless = Note(XenElfNote.GUEST_OS, b"x" * 5000)
    write(image, replace(good_both().setting(endless), sections=False))
    _, found = document("inspect", image)
    values = {note["name"]: note["value"] for note in found["notes"]}
    assert values["GUEST_OS"] == "unreadable"
    assert any(
        line.split()[1:3] == ["GUEST_OS", "unreadable"]
        for line in tool("inspect", image).stdout.splitlines()
    )


def test_segments_are_those_that_readelf_shows(readelf: str) -> None:
    program = Path(sys.executable).resolve()
    table = subprocess.check_output([readelf, "-lW", program], text=True)
    pattern = r"^  ([A-Z_]+) +(0x\w+) +(0x\w+) .* 0x\w+ ([R ][W ][E ]) 0x\w+$"
    expected = [
        (name, int(offset, 16), int(vaddr, 16), flags.translate(str.maketrans("RWE ", "rwx-")))
        for name, offset, vaddr, flags in re.findall(pattern, table, re.MULTILINE)
        if f"PT_{name}" in spec.PT_NAMES.values()
    ]
    assert len(expected) > 4
    _, found = document("inspect", program)
    assert expected == [
        (s["type"].removeprefix("PT_"), int(s["offset"], 16), int(s["vaddr"], 16), s["flags"])
        for s in found["segments"]
        if not s["type"].startswith("0x")
    ]


def test_an_owner_writes_nothing_but_text_to_a_terminal(image: Path) -> None:
    hostile = Note(77, b"desc", owner=b"\x1b[2J\n\0")
    write(image, good_both().setting(hostile))
    out = tool("inspect", image).stdout
    assert "\x1b" not in out
    assert 'of owner "\\x1b[2J\\x0a"' in out


@pytest.mark.parametrize(
    ("owner", "words", "readers"),
    [
        (b"GNU\0", 'of owner "GNU"', []),
        (b"#Xen\0", 'of owner "#Xen", must be "Xen"', []),
        (b"xen\0", 'of owner "xen", must be "Xen"', []),
        # Of .asciz #Xen, where the rest of the line is a comment.
        (b"", 'of owner "", must be "Xen"', []),
    ],
)
@pytest.mark.parametrize("n_type", [XenElfNote.LOADER, XenElfNote.PHYS32_ENTRY])
def test_a_note_of_another_owner(
    image: Path, n_type: int, owner: bytes, words: str, readers: list[str]
) -> None:
    write(image, good_both().adding(Note(n_type, b"generic\0", owner)))
    if n_type == XenElfNote.PHYS32_ENTRY:
        # QEMU ignores the owner.
        readers = ["qemu-kernel"]
    note = document("inspect", image)[1]["notes"][-1]
    assert (note["owner"], note["read_by"]) == (owner.rstrip(b"\0").decode(), readers)
    (line,) = (line for line in tool("inspect", image).stdout.splitlines() if words in line)
    assert line.split("  ")[-1] == (readers or ["no loader"])[0]


GUEST = "GUEST_OS=mine,XEN_VER=xen-3.0,VIRT_BASE=0xC0000000,LOADER=generic,GUEST_VER=2,MY=\x1b[2J"


def test_the_string_of_kernels_before_notes(image: Path) -> None:
    write(image, replace(good_pv64().without(*XenElfNote), guest=GUEST))
    _, found = document("inspect", image)
    keys = {key["key"]: (key["value"], key["read_by"]) for key in found["xen_guest"]}
    assert keys == {
        **{key: (value, PV) for key, value in (("GUEST_OS", "mine"), ("XEN_VER", "xen-3.0"))},
        **{key: (value, PV) for key, value in (("VIRT_BASE", "0xC0000000"), ("LOADER", "generic"))},
        "GUEST_VER": ("2", []),
        "MY": ("\\x1b[2J", []),
    }
    rows = [line.split() for line in tool("inspect", image).stdout.splitlines()]
    assert ["LOADER", '"generic"', "pv-dom0", "pv-domu"] in rows
    assert ["MY", '"\\x1b[2J"', "no", "loader"] in rows
    # An older Xen reads it for PVH as well.
    _, found = document("inspect", image, "--xen-release", "4.14")
    assert found["xen_guest"][0] == {
        "key": "GUEST_OS",
        "value": "mine",
        "read_by": [*PV, "xen-pvh-domu"],
    }
    # If there are notes, no loader reads it.
    _, found = document("inspect", write(image, replace(good_pv64(), guest=GUEST)))
    assert {tuple(key["read_by"]) for key in found["xen_guest"]} == {()}
    assert "xen_guest" not in document("inspect", write(image, good_pv64()))[1]


def test_an_unlinked_object_is_called_that_first(image: Path, gcc: str) -> None:
    (image.parent / "a.S").write_text(".globl a\na: ret\n")
    subprocess.run([gcc, "-c", "-o", image, "a.S"], cwd=image.parent, check=True)
    for command in ("check", "inspect"):
        result = tool(command, image)
        assert result.returncode == 3
        message = "It is an unlinked object (ET_REL), no image: link it first."
        assert result.stdout.splitlines()[1].strip() == message
    status, found = document("check", image)
    assert (status, found["unlinked"]) == (3, True)
    # The result is the same if a loader would accept its notes.
    write(image, replace(good_pv64(), e_type=spec.ET_REL))
    assert document("check", image)[0] == 3
    assert "unlinked" not in document("check", write(image, good_pv64()))[1]


def test_a_check_imports_little(image: Path) -> None:
    slow = {"dataclasses", "inspect", "json", "lief", "shutil", "subprocess", "tempfile", "zlib"}
    program = (
        "import sys; from xen_tool.cli import main; main(sys.argv[1:]);"
        f"print(*{slow} & set(sys.modules), file=sys.stderr)"
    )
    # Without -S, packages of others may import something at Python's start.
    command = [sys.executable, "-S", "-c", program, "check", str(image)]
    result = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert "accepted" in result.stdout
    assert result.stderr.split() == []


def test_rules_of_further_loaders_are_imported_only_for_their_check(image: Path) -> None:
    program = (
        "import sys; from xen_tool.report.image_report import read_report as read;"
        "from xen_tool.loaders.model.releases import Xen;"
        "rules = lambda: {m for m in sys.modules if 'linux_loader' in m or 'crosvm' in m};"
        "report = read(sys.argv[1], Xen()); print(report.good, len(rules()));"
        "report = read(sys.argv[1], Xen(), ['libkrun']); print(report.good, 'crosvm' in rules())"
    )
    command = [sys.executable, "-c", program, str(image)]
    result = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["True", "0", "True", "False"]


def test_inspect_names_addresses(built_kernel: Any) -> None:
    out = tool("inspect", built_kernel.top / "build/x86_64/vmlinux").stdout
    assert "<startup_xen>" in out
    assert "<hypercall_page>" in out


def test_a_compressed_image(image: Path) -> None:
    packed = write(image.with_suffix(".gz"), gzip.compress(image.read_bytes()))
    status, found = document("check", packed)
    # QEMU unpacks nothing.
    assert (status, found["format"]) == (3, "gzip")
    refused = [name for name, verdict in found["verdicts"].items() if not verdict["accepted"]]
    assert refused == ["qemu-kernel"]
    assert tool("check", packed, "--loader", "xen-pv-dom0").returncode == 0


def test_a_file_that_is_no_kernel_is_refused(image: Path) -> None:
    status, found = document("check", write(image, b"#!/bin/sh\n" * 500))
    assert (status, found["elf"], found["notes"]) == (3, None, [])
    assert found["verdicts"]["xen-pvh-dom0"]["message"] is not None
    assert "xen-pv-dom0   refused (E1)" in tool("check", image).stdout
    assert tool("inspect", image).returncode == 3


@pytest.mark.parametrize("command", ["check", "inspect"])
def test_what_cannot_be_read(tmp_path: Path, command: str) -> None:
    for path, words in ((tmp_path / "nowhere", "No such file"), (tmp_path, "is a folder")):
        result = tool(command, path)
        assert (result.returncode, result.stdout) == (4, "")
        assert str(path) in result.stderr
        assert words in result.stderr
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "the following arguments are required: image"),
        (("x", "--loader", "grup"), "'grup' is no loader; name one of xen-pv-dom0 (pv), "),
        (("x", "--xen-release", "4"), "'4' is no release of Xen: write 4.17, 4.17.3 or 4.17+pv32"),
        (("x", "--xen-release", "3.4"), "Xen 3.4 is older than 4.14"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], words: str) -> None:
    result = tool("check", *arguments)
    assert result.returncode == 2
    assert words in result.stderr


def test_diff(image: Path, tmp_path: Path) -> None:
    same = write(tmp_path / "same", image.read_bytes())
    result = tool("diff", image, same)
    assert (result.returncode, result.stdout) == (0, "")
    other = good_both().setting(text(XenElfNote.LOADER, "mine")).without(XenElfNote.GUEST_OS)
    other = replace(other, notes=(*other.notes, text(XenElfNote.BSD_SYMTAB, "no")))
    status, found = document("diff", image, write(tmp_path / "other", other))
    assert status == 3
    changes = {change["what"]: change for change in found["differences"]}
    assert changes["note Xen LOADER"]["before"].startswith('"generic"')
    assert changes["note Xen LOADER"]["after"].startswith('"mine"')
    assert changes["note Xen BSD_SYMTAB"]["before"] is None
    assert changes["verdict of xen-pv-dom0"]["after"].startswith("refused (C2)")
    assert "verdict of qemu-kernel" not in changes
    lines = tool("diff", image, tmp_path / "other").stdout.splitlines()
    assert lines[lines.index("note Xen LOADER") + 1].startswith('  - "generic"')
    assert lines[:2] == [f"--- {image}", f"+++ {tmp_path / 'other'}"]
    whats = [line for line in lines[2:] if not line.startswith(" ")]
    assert whats.index("note Xen BSD_SYMTAB") < whats.index("verdict of xen-pv-dom0")
    assert tool("diff", image, tmp_path / "nowhere").returncode == 4


def test_diff_of_files_of_different_kinds(image: Path) -> None:
    changes = {}
    wide = write(image, good_pv64())
    others = {
        "narrow": bytes(good_pv32()),
        "entry": bytes(replace(good_pv64(), e_entry=0x1234)),
        "packed": gzip.compress(wide.read_bytes()),
        "text": b"#!/bin/sh\n" * 500,
    }
    for name, content in others.items():
        status, found = document("diff", wide, write(image.with_name(name), content))
        assert status == 3
        changes[name] = {
            change["what"]: (change["before"], change["after"])
            for change in found["differences"]
            if change["what"] in ("format", "class", "machine", "entry")
        }
    entry = hex(good_pv64().e_entry)
    assert changes == {
        "narrow": {
            "class": ("ELF64", "ELF32"),
            "machine": ("x86_64", "i386"),
            "entry": (entry, hex(good_pv32().e_entry)),
        },
        "entry": {"entry": (entry, "0x1234")},
        "packed": {"format": ("ELF", "gzip")},
        "text": {
            "format": ("ELF", "raw"),
            "class": ("ELF64", None),
            "machine": ("x86_64", None),
            "entry": (entry, None),
        },
    }


def test_diff_of_images_that_claim_other_loaders(image: Path) -> None:
    """A unified image, which is for Xen's EFI binary, and the kernel in it."""
    other = write(image.with_name("xen.efi"), unified(good_both()))
    status, found = document("diff", image, other)
    assert status == 3
    assert {
        "what": "verdict of xen-efi",
        "before": None,
        "after": "accepted",
    } in found["differences"]
    assert document("diff", other, image)[0] == 3
    assert document("size", other)[1]["sections"] == document("size", image)[1]["sections"]


@pytest.mark.parametrize(
    ("n_type", "owner", "before", "after"),
    [
        (3, b"GNU\0", bytes(19) + b"a", bytes(19) + b"b"),
        (XenElfNote.GUEST_VERSION, b"Xen\0", b"v" * 300 + b"a\0", b"v" * 300 + b"b\0"),
        (XenElfNote.L1_MFN_VALID, b"Xen\0", bytes(16) + b"a" * 16, bytes(16) + b"b" * 16),
    ],
)
def test_diff_shows_where_long_values_differ(
    image: Path, n_type: int, owner: bytes, before: bytes, after: bytes
) -> None:
    for path, desc in ((image, before), (image.with_name("b"), after)):
        write(path, good_both().adding(Note(n_type, desc, owner)))
    result = tool("diff", image, image.with_name("b"))
    assert result.returncode == 3
    (first, second) = (line for line in result.stdout.splitlines() if line.startswith("  "))
    assert first[4:] != second[4:]


def test_diff_of_findings_of_one_id(image: Path) -> None:
    nowhere = replace(good_pvh(64), loads=(*good_pvh(64).loads, Segment(p_paddr=1 << 60)))
    entered = (
        replace(nowhere, notes=(number(XenElfNote.PHYS32_ENTRY, entry, 4),))
        for entry in (PADDR + PVH_ENTRY, 0x9000000)
    )
    paths = (image, image.with_name("b"))
    status, found = document("diff", *map(write, paths, entered))
    assert status == 3
    whats = [change["what"] for change in found["differences"]]
    assert "error Q7 of qemu-kernel" in whats
    assert "error Q7 of qemu-kernel, number 2" in whats


def test_a_finding_of_several_loaders_is_printed_once(image: Path) -> None:
    out = tool("inspect", write(image, good_both().adding(Note(1, b"", b"XEN\0")))).stdout
    assert out.count("warning N2") == 1
    for command in ("check", "inspect"):
        alone = tool(command, image, "--loader", "xen-pv-dom0").stdout
        assert alone.count("warning N2") == 1
    assert "  xen-pv-dom0, xen-pv-domu, xen-pvh-dom0, xen-pvh-domu:\n" in out


def test_an_image_with_pv_notes_says_why_pv_is_not_checked(image: Path) -> None:
    write(image, good_both().without(XenElfNote.XEN_VERSION))
    out = tool("check", image).stdout
    assert "xen-pvh-dom0  accepted" in out
    assert "not XEN_VERSION with LOADER or GUEST_OS" in out
    assert "XEN_VERSION" not in tool("check", image, "--loader", "qemu-kernel").stdout


def test_an_interrupted_check(image: Path) -> None:
    program = (
        "import sys; from xen_tool import cli; from xen_tool.report import image_report;"
        "image_report.open_kernel = lambda path: (_ for _ in ()).throw(KeyboardInterrupt);"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "check", str(image)]
    result = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (130, "xen-tool: interrupted\n")


def test_a_closed_standard_output(image: Path) -> None:
    command = f"exec {sys.executable} -m xen_tool.cli check {image} >&-"
    result = subprocess.run(
        ["sh", "-c", command], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (4, "xen-tool: standard output is closed\n")


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["lines", "json"])
@pytest.mark.parametrize("command", ["check", "inspect", "diff"])
@pytest.mark.parametrize("notes", [0, 1000], ids=["within a buffer", "more than a buffer"])
def test_output_into_a_closed_pipe(
    image: Path, command: str, form: tuple[str, ...], notes: int
) -> None:
    more = [text(0x1000 + number, "x" * 40) for number in range(notes)]
    write(image, good_both().adding(*more))
    images = [image] if command != "diff" else [image, write(image.with_name("b"), good_pvh())]
    assert without_a_reader(command, *form, *map(str, images)) == (141, "")


def test_help_into_a_closed_pipe() -> None:
    assert without_a_reader("inspect", "--help") == (141, "")


def test_output_that_cannot_be_written(image: Path) -> None:
    with open("/dev/full", "wb") as full:
        found = writing_to(full.fileno(), "inspect", str(image))
    assert found == (4, "xen-tool: standard output: No space left on device\n")


def without_a_reader(*arguments: str) -> tuple[int, str]:
    """Return status and standard error of a process whose standard output is a closed pipe."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return writing_to(writer, *arguments)
    finally:
        os.close(writer)


def writing_to(output: int, *arguments: str) -> tuple[int, str]:
    result = subprocess.run(
        [sys.executable, "-m", "xen_tool.cli", *arguments],
        # Python writes its buffer when it ends.
        env={name: value for name, value in ENVIRONMENT.items() if name != "PYTHONUNBUFFERED"},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return result.returncode, result.stderr
