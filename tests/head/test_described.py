# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A head object with the names and notes of a kernel: compared with GNU as; and errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from objects import meaning
from project import TOP, Project
from xen_tool.abi import I386, X86_64, Arch, XenElfNote
from xen_tool.elf.note_values import text_of
from xen_tool.errors import XenToolError
from xen_tool.head import emit, gas
from xen_tool.head.config import HeadConfig
from xen_tool.head.head_names import MEANINGS
from xen_tool.loaders.model.releases import Xen
from xen_tool.report.image_report import read_report

Keywords = Mapping[str, str]
ALL = {"XEN": "y", "XEN_PV": "y", "XEN_PVH": "y", "SMP": "y", "PAGE_OFFSET": "0xC0000000"}
STUBS = {**ALL, "XEN_HYPERCALL_PAGE": "n"}
RENAMED = {name: f"my_{name}" for name in MEANINGS if name != "stack_size"}
EVERYTHING = {
    **RENAMED,
    "stack_size": "12288",
    "GUEST_OS": 'a "quoted\\" name',
    "GUEST_VERSION": "1.0; or so",
    "XEN_VERSION": "xen-3.0",
    "FEATURES": "dom0|!hvm_callback_vector",
    "SUPPORTED_FEATURES": "writable_page_tables|dom0",
    "BSD_SYMTAB": "yes",
    "PHYS32_RELOC": "0x1000,0x100000",
    "L1_MFN_VALID": "3,1",
    "SUSPEND_CANCEL": "",
    "20": "u32:1,2,0xffffffff",
    "Mine:7": "hello",
    "A B:0x10": "hex:00ff7f",
    "Mine:8": "address:my_start+0x10",
    "Mine:9": "u64:0x123456789abcdef0",
    "Mine:10": "hex:",
}


def describe(arch: Arch, symbols: Mapping[str, str], keywords: Keywords) -> HeadConfig:
    config = HeadConfig.from_symbols(arch, symbols, keywords)
    assert config is not None
    return config


def notes(content: bytes) -> dict[tuple[str, int], bytes]:
    """Return the descriptors of the notes by owner and type, in the order of the notes."""
    data = meaning(content)["sections"][".note.Xen"][3]
    found = {}
    while data:
        namesz, descsz, kind = (int.from_bytes(data[i : i + 4], "little") for i in (0, 4, 8))
        at = 12 + (namesz + 3) // 4 * 4
        found[data[12 : 12 + namesz - 1].decode(), kind] = data[at : at + descsz]
        data = data[at + (descsz + 3) // 4 * 4 :]
    return found


@pytest.mark.parametrize("arch", [X86_64, I386], ids=lambda arch: arch.name)
@pytest.mark.parametrize(
    "keywords",
    [
        EVERYTHING,
        *({name: value} for name, value in EVERYTHING.items()),
        {"VIRT_BASE": "0xffffffffc0000000"},
        {"VIRT_BASE": "0x40000000", "PHYS32_ENTRY": "my_pvh"},
        {"VIRT_BASE": "", "PHYS32_ENTRY": "my_pvh"},
        {"INIT_P2M": "0x10000000"},
        {"PADDR_OFFSET": "0x100000"},
        {"HV_START_LOW": "0xf0000000", "MOD_START_PFN": "0"},
        {"gs_base": "none", "hypercalls": "none", "stubs": "none"},
        {"ENTRY": "my_entry"},
        {"ENTRY": "0x1000000", "PHYS32_ENTRY": "0x1000000", "HYPERCALL_PAGE": "my_page+0x1000"},
        {"PHYS32_ENTRY": "my_pvh"},
        {"stack": "a.b$c"},
    ],
    ids=lambda keywords: "-".join(keywords)[:40],
)
def test_each_change_is_what_gnu_as_makes(
    arch: Arch, keywords: Keywords, tmp_path: Path, gnu_as: str
) -> None:
    for symbols in (ALL, STUBS):
        try:
            config = describe(arch, symbols, keywords)
        except XenToolError as error:
            # Of the other width.
            assert "VIRT_BASE" in keywords and "32 bits" in str(error)
            continue
        source, target = tmp_path / "head.S", tmp_path / "head.o"
        source.write_text(gas.source(config))
        subprocess.run([gnu_as, f"--{arch.bits}", "-o", target, source], check=True)
        assert meaning(emit.emit(config)) == meaning(target.read_bytes())


def test_symbols_have_the_given_names() -> None:
    for symbols in (ALL, STUBS):
        read = meaning(emit.emit(describe(X86_64, symbols, RENAMED)))
        names = {symbol[0] for symbol in read["symbols"] if symbol[0]}
        assert {name for name in names if not name.startswith("my_")} == set()
    assert "my_stubsvmcall" in names


def test_the_stack_has_the_given_size() -> None:
    config = describe(X86_64, ALL, {"stack": "boot_stack", "stack_size": "0x3000"})
    relocations = meaning(emit.emit(config))["relocations"]
    assert (0x26, 11, "boot_stack", 0x3000) in relocations[".init.text"]
    assert [r[3] for r in relocations[".head.text"] if r[2] == "boot_stack"] == [
        0x80003000,
        0x3000,
    ]


def test_notes_are_changed_in_place_dropped_and_added() -> None:
    before = notes(emit.emit(describe(X86_64, ALL, {})))
    after = notes(emit.emit(describe(X86_64, ALL, EVERYTHING)))
    assert [key for key in after if key in before] == [key for key in before if key in after]
    assert set(before) - set(after) == {("Xen", 14)}
    assert after["Xen", 10] == b"dom0|!hvm_callback_vector\0"
    assert after["Xen", 17] == bytes.fromhex("01080000")
    assert after["Xen", 11] == b"yes\0"
    assert after["Mine", 7] == b"hello\0"
    assert after["A B", 16] == b"\0\xff\x7f"
    assert after["Mine", 10] == b""


@pytest.mark.parametrize(
    ("note", "symbol"),
    [("ENTRY", "startup_xen"), ("PHYS32_ENTRY", "pvh_start_xen"), ("HYPERCALL_PAGE", "hypercall")],
)
def test_a_kernel_with_its_own_entry_or_page_gets_none(note: str, symbol: str) -> None:
    content = emit.emit(describe(X86_64, ALL, {note: "mine"}))
    left = [s[0] for s in meaning(content)["symbols"] if symbol in s[0]]
    # Only the stubs of the PVH guest are left.
    assert left == (["hypercall_vmcall", "hypercall_vmmcall"] if symbol == "hypercall" else [])
    assert [r for r in meaning(content)["relocations"][".note.Xen"] if r[2] == "mine"]


@pytest.mark.parametrize("arch", [X86_64, I386], ids=lambda arch: arch.name)
def test_symbols_of_kconfig_describe_the_same_head_object(arch: Arch) -> None:
    symbols = {
        f"XEN_HEAD_{name.upper()}" if name in MEANINGS else f"XEN_NOTE_{name}": value
        for name, value in EVERYTHING.items()
        if name in MEANINGS or (name.isupper() and value)
    }
    symbols["XEN_NOTE_BSD_SYMTAB"] = "y"
    others = {k: v for k, v in EVERYTHING.items() if not k.replace("_", "").isupper()}
    others = {k: v for k, v in others.items() if k not in MEANINGS and k != "PHYS32_RELOC"}
    symbols["XEN_NOTE_PHYS32_RELOC"] = EVERYTHING["PHYS32_RELOC"]
    symbols["XEN_NOTE_L1_MFN_VALID"] = EVERYTHING["L1_MFN_VALID"]
    symbols["XEN_NOTES"] = " ;SUSPEND_CANCEL=; " + ";".join(f"{k}={v}" for k, v in others.items())
    expected = meaning(emit.emit(describe(arch, ALL, EVERYTHING)))
    assert meaning(emit.emit(describe(arch, ALL | symbols, {}))) == expected


def test_a_sconscript_wins_over_kconfig() -> None:
    symbols = {**ALL, "XEN_NOTE_GUEST_OS": "kconfigs", "XEN_HEAD_STACK": "kconfigs"}
    config = describe(X86_64, symbols, {"Xen:6": "mine", "stack": "mine"})
    assert b"kconfigs" not in emit.emit(config)
    assert notes(emit.emit(config))["Xen", 6] == b"mine\0"


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"stack": "1st"}, ["stack", "'1st'", "a symbol"]),
        ({"entry": ""}, ["entry", "a symbol"]),
        ({"entry": "none of it"}, ["entry", "a symbol"]),
        ({"stack_size": "100"}, ["stack_size", "multiple of 16"]),
        ({"stack_size": "-16"}, ["stack_size", "multiple of 16"]),
        ({"stack_size": "0x1_000"}, ["stack_size", "multiple of 16"]),
        ({"stack_size": "\uff11\uff16"}, ["stack_size", "multiple of 16"]),
        ({"entry": "hypercall_page"}, ["hypercall_page", "twice"]),
        ({"entry": "go", "start": "go"}, ["go", "expects it of the kernel: the"]),
        ({"GUEST_0S": "x"}, ["'GUEST_0S' names no note; do you mean GUEST_OS"]),
        ({"0x100000000": "x"}, ["names no note", "32 bits"]),
        ({":5": "x"}, ["names no note"]),
        ({"GUEST_OS": "naïve"}, ["GUEST_OS", "printable ASCII"]),
        ({"FEATURES": "writable_pagetables"}, ["FEATURES", "F1", "writable_page_tables"]),
        ({"SUPPORTED_FEATURES": "all"}, ["SUPPORTED_FEATURES", "number of 32 bits"]),
        ({"SUPPORTED_FEATURES": "0x100000000"}, ["SUPPORTED_FEATURES", "32 bits"]),
        ({"VIRT_BASE": "0xffffffff80000001"}, ["VIRT_BASE", "page size"]),
        ({"VIRT_BASE": "0x8000000000000000"}, ["VIRT_BASE", "canonical", "D10"]),
        ({"VIRT_BASE": "_text"}, ["VIRT_BASE", "one number"]),
        ({"VIRT_BASE": "-0x1000"}, ["VIRT_BASE", "number of 64 bits"]),
        ({"VIRT_BASE": "1" * 5000}, ["VIRT_BASE", "number of 64 bits"]),
        ({"PHYS32_ENTRY": "-1"}, ["PHYS32_ENTRY", "number of 32 bits"]),
        ({"VIRT_BASE": "0xffffffff81000000"}, ["VIRT_BASE", "PVH entry's page tables"]),
        ({"VIRT_BASE": "0xffff880000000000"}, ["VIRT_BASE", "PVH entry's page tables"]),
        (
            {"VIRT_BASE": "0xffff880000000000", "PHYS32_ENTRY": "mine"},
            ["VIRT_BASE", "PV entry has addresses of 32 bits"],
        ),
        (
            {"VIRT_BASE": "0x80000000", "PHYS32_ENTRY": "mine"},
            ["VIRT_BASE", "PV entry has addresses of 32 bits"],
        ),
        ({"INIT_P2M": "0x8000000001"}, ["INIT_P2M", "page size"]),
        ({"INIT_P2M": "010"}, ["INIT_P2M", "number"]),
        ({"PHYS32_RELOC": "1,2,3,4"}, ["PHYS32_RELOC", "up to 3 numbers"]),
        ({"L1_MFN_VALID": "3,1,3"}, ["L1_MFN_VALID", "pairs of numbers of 64 bits"]),
        ({"PHYS32_ENTRY": "0x100000000"}, ["PHYS32_ENTRY", "32 bits"]),
        ({"ENTRY": "a+b"}, ["ENTRY", "SYMBOL+NUMBER"]),
        ({"Mine:1": "hex:1"}, ["Mine:1", "hexadecimal digits"]),
    ],
    ids=str,
)
def test_a_wrong_value_is_an_error_that_names_the_rule(
    keywords: Keywords, words: list[str]
) -> None:
    with pytest.raises(XenToolError) as caught:
        emit.emit(describe(X86_64, ALL, keywords))
    for word in [*words, "the rule is"]:
        assert word in str(caught.value)


def test_the_pv_entry_may_be_in_the_lowest_2_gib() -> None:
    low = {"VIRT_BASE": "0x7ffff000", "PHYS32_ENTRY": "mine"}
    assert emit.emit(describe(X86_64, ALL, low))


def test_32_bit_values_are_of_32_bits() -> None:
    with pytest.raises(XenToolError, match="a number of 32 bits"):
        describe(I386, ALL, {"VIRT_BASE": "0xffffffff80000000"})
    # A base of one's own needs no PAGE_OFFSET.
    symbols = {name: value for name, value in ALL.items() if name != "PAGE_OFFSET"}
    assert describe(I386, symbols, {"VIRT_BASE": "0x80000000"}).virt_base == 0x80000000


# The error of SCons, and that of the command.

HEAD = """
head = env.XenHead(
    "head.o",
    notes={"GUEST_OS": "mine", "GUEST_VERSION": "1.0", "SUPPORTED_FEATURES": 0x801,
           "BSD_SYMTAB": True, "INIT_P2M": None, ("Mine", 7): "hello", 20: [1, 2],
           ("Mine", 8): b"\\0\\xff", ("Mine", 9): 5, "MOD_START_PFN": 1},
    entry="my_entry",
    stack="boot_stack",
    stack_size=0x3000,
    gs_base="",
)
"""
SAID = {
    "GUEST_OS": "mine",
    "GUEST_VERSION": "1.0",
    "SUPPORTED_FEATURES": "0x801",
    "BSD_SYMTAB": "yes",
    "INIT_P2M": "",
    "Mine:7": "hello",
    "20": "u32:1,2",
    "Mine:8": "hex:00ff",
    "Mine:9": "u32:5",
    "MOD_START_PFN": "1",
}
NAMES = {"entry": "my_entry", "stack": "boot_stack", "stack_size": "0x3000", "gs_base": ""}
KCONFIG = "config X86_64\n\tdef_bool y\nconfig XEN\n\tdef_bool y\nconfig XEN_PV\n\tdef_bool y\n"
MAIN = """
char boot_stack[0x3000];
void *xen_start_info = (void *)1;
void xen_start_kernel(void) { for (;;); }
"""
SCRIPT = """
ENTRY(my_entry)
PHDRS { all PT_LOAD; note PT_NOTE; }
SECTIONS
{
    . = 0xffffffff81000000;
    .text : AT(ADDR(.text) - 0xffffffff80000000) { *(.text .init.text .data*) } :all
    .notes : AT(ADDR(.notes) - 0xffffffff80000000) { *(.note.Xen) } :all :note
    __bss_start = .;
    .bss : AT(ADDR(.bss) - 0xffffffff80000000) { *(.bss) . = ALIGN(8); } :all
    __bss_stop = .;
    /DISCARD/ : { *(.note.* .comment .eh_frame) }
}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    link = 'env.XenImage("image", [head, env.XenObject("main.c")], script="k.lds")\n'
    flags = 'env.Append(LINKFLAGS=["--no-warn-rwx-segments"])\n'
    project.write_small(HEAD + flags + link, kconfig=KCONFIG, script=SCRIPT)
    project.write("main.c", MAIN)
    return project


def test_a_sconscript_describes_it(tree: Project) -> None:
    tree.scons()
    content = (tree.top / "build/x86_64/head.o").read_bytes()
    symbols = {"XEN": "y", "XEN_PV": "y"}
    assert content == emit.emit(describe(X86_64, symbols, {**SAID, **NAMES}))
    report = read_report(str(tree.top / "build/x86_64/image"), Xen(), ["xen-pv-dom0"])
    assert report.takes("xen-pv-dom0")
    assert tree.up_to_date()
    tree.edit("SConstruct", '"mine"', '"yours"')
    assert tree.scons().names == {"HEAD head.o", "LD image.unchecked", "CHECK image"}


def test_the_command_writes_the_same(tree: Project) -> None:
    tree.scons()
    command = [sys.executable, "-m", "xen_tool.cli", "head", "-o", "own.o", "--kconfig", "Kconfig"]
    command += [f"--note={name}={value}" for name, value in SAID.items()]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in NAMES.items()]
    environment = {"PYTHONPATH": str(TOP / "site_scons")}
    subprocess.run(command, cwd=tree.top, env=environment, check=True)
    made = (tree.top / "build/x86_64/head.o").read_bytes()
    assert (tree.top / "own.o").read_bytes() == made
    wrong = [*command, "--stack=1st"]
    done = subprocess.run(
        wrong, cwd=tree.top, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "xen-tool: stack of the head object is '1st': the rule is" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("stack_size=0x3000", "stack_size=100", "head.o] stack_size of the head object is '100'"),
        ("stack=", "stacks=", "XenHead has no stacks=; it has notes=, entry="),
        ("stack_size=0x3000", "stack_size=[1]", "XenHead: stack_size is [1]"),
        ('"BSD_SYMTAB": True', '"BSD_SYMTAB": {}', "note BSD_SYMTAB is {}: the rule is"),
        ('"GUEST_VERSION": "1.0"', '"GUEST_VERSION": 1', "note GUEST_VERSION is 1: the rule is a"),
        ('"mine"', r'"mi\0ne"', r"note GUEST_OS is 'mi\x00ne': the rule is printable ASCII"),
        ("notes={", 'notes="wrong" or {', "XenHead: notes is 'wrong'; write a dictionary"),
        ('"BSD_SYMTAB"', '"BSD"', "'BSD' names no note"),
    ],
)
def test_wrong_words_of_a_sconscript(tree: Project, old: str, new: str, words: str) -> None:
    tree.edit("SConstruct", old, new)
    run = tree.run()
    assert run.status == 2
    assert words in run.err
    assert len(run.err.splitlines()) == 1


def test_what_a_loader_needs_is_checked_at_the_link(tree: Project) -> None:
    tree.edit("SConstruct", '"SUPPORTED_FEATURES": 0x801', '"SUPPORTED_FEATURES": 1')
    tree.edit("SConstruct", '"MOD_START_PFN": 1', '"XEN_VERSION": "xen-2.0"')
    run = tree.run()
    assert run.status == 2
    assert "refused (C3)" in run.err


def test_symbols_of_kconfig_reach_it(tree: Project) -> None:
    tree.edit("SConstruct", '"GUEST_OS": "mine", ', "")
    tree.write("Kconfig", KCONFIG + 'config XEN_NOTE_GUEST_OS\n\tstring "Name"\n\tdefault "own"\n')
    tree.scons()
    head: Any = tree.top / "build/x86_64/head.o"
    assert notes(head.read_bytes())["Xen", 6] == b"own\0"
    tree.scons("XEN_NOTE_GUEST_OS=other")
    assert notes(head.read_bytes())["Xen", 6] == b"other\0"


@pytest.mark.parametrize(
    ("note", "value"),
    [("GUEST_OS", 5), ("VIRT_BASE", 1.5), ("VIRT_BASE", []), ("L1_MFN_VALID", [1, "2"])],
)
def test_a_value_of_another_type_is_an_error(note: str, value: object) -> None:
    with pytest.raises(XenToolError, match=rf"note {note} is .*: the rule is a text"):
        text_of(note, XenElfNote[note], value)
