# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Images of a project without this tool's head object or symbols, and its packed images.

The kernel has its notes in its sources; its Kconfig has no symbols of Xen.
"""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

from project import Project
from shortcut.test_past_scons import Tree

KERNEL = """
	.code32
	.text
	.globl _start
_start:	cli
1:	hlt
	jmp 1b
	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 4, 18
	.asciz "Xen"
	.long ENTRY
"""
SCRIPT = """
ENTRY(_start)
PHDRS { text PT_LOAD FLAGS(5); note PT_NOTE FLAGS(4); }
SECTIONS
{
    . = 0x200000;
    .text : { *(.text) } :text
    .note.Xen : { *(.note.Xen) } :text :note
    /DISCARD/ : { *(.eh_frame) *(.note.gnu.property) }
}
"""
BUILD = "build/x86_64"
PVH = ["xen-pvh-dom0", "xen-pvh-domu", "qemu-kernel"]
EDITS = """[
    "$OBJCOPY -R .comment $SOURCE $TARGET",
    ["strip", "-o", "$TARGET", "${SOURCE}"],
    "gzip -9nc $SOURCE > $TARGET",
]"""
PACKED = f"""
env.Replace(OBJCOPY="objcopy")
kernel = env.XenImage("k", ["k.S"], script="k.lds", loaders=["xen-pvh-domu"], postlink={EDITS})
Default(kernel)
"""
POSTS = [f"POST {BUILD}/k.post1", f"POST {BUILD}/k.post2", f"POST {BUILD}/k.unchecked"]


def tree(top: Path, rest: str) -> Tree:
    project = Tree(top / "tree")
    project.write_small(rest, script=SCRIPT)
    project.write("k.S", KERNEL.replace("ENTRY", "_start"))
    return project


@pytest.fixture
def claiming(tmp_path: Path) -> Project:
    """An image for which no loaders are named."""
    return tree(tmp_path, 'kernel = env.XenImage("k", ["k.S"], script="k.lds")\n')


def test_an_image_is_checked_by_its_own_claim(claiming: Project) -> None:
    claiming.scons()
    assert claiming.up_to_date()
    # The loaders that it claims must accept it: QEMU refuses an entry outside the image.
    claiming.write("k.S", KERNEL.replace("ENTRY", "0x10"))
    run = claiming.run()
    assert run.status == 2
    assert f"{BUILD}/k.unchecked would not start with {PVH[0]} and" in run.err
    assert not (claiming.top / BUILD / "k").exists()
    claiming.scons("LOADERS=none")


def test_an_image_that_claims_nothing_is_not_checked(claiming: Project) -> None:
    claiming.edit("k.lds", "/DISCARD/ : {", "/DISCARD/ : { *(.note.Xen)")
    claiming.edit("k.lds", ".note.Xen : { *(.note.Xen) } :text :note", "")
    run = claiming.run()
    assert run.status == 0
    warning = f"xen_tool: {BUILD}/k: warning: its notes claim no loader, so it is not checked\n"
    assert run.err.startswith(warning)
    assert "loaders=[] if it is for none" in run.err
    run = claiming.run("LOADERS=xen-pv-dom0")
    assert run.status == 2
    assert "would not start with xen-pv-dom0:" in run.err
    claiming.edit("SConstruct", 'script="k.lds"', 'script="k.lds", loaders=[]')
    assert "warning" not in claiming.scons().err


def test_loaders_of_the_configuration_come_before_those_of_the_claim(claiming: Project) -> None:
    claiming.write("Kconfig", "config XEN_PV\n\tbool\nconfig XEN_PVH\n\tdef_bool y\n")
    claiming.write("k.S", KERNEL.replace("4, 4, 18", "4, 4, 5").replace("ENTRY", "_start"))
    run = claiming.run()
    assert run.status == 2
    assert "would not start with xen-pvh-dom0 and xen-pvh-domu and qemu-kernel" in run.err


@pytest.fixture
def packed(tmp_path: Path) -> Tree:
    """An image that is edited and packed, built."""
    project = tree(tmp_path, PACKED)
    run = project.xen_tool_build()
    assert run.status == 0, run.err
    assert run.steps[-5:] == [f"LD {BUILD}/k.linked", *POSTS, f"CHECK {BUILD}/k"]
    return project


def test_the_packed_image_is_made_of_the_checked_one(packed: Tree) -> None:
    folder = packed.top / BUILD
    image = (folder / "k").read_bytes()
    assert (folder / "k").samefile(folder / "k.unchecked")
    subprocess.run(
        ["strip", "-R", ".comment", "-o", "stripped", "k.linked"], cwd=folder, check=True
    )
    assert gzip.decompress(image) == (folder / "stripped").read_bytes()
    assert packed.xen_tool_build().steps == []
    assert packed.up_to_date()
    # A change of the image leads to a new packed image, with SCons and without.
    packed.edit("k.S", "hlt", "hlt\n\tnop")
    steps = [f"CC {BUILD}/k.o", f"LD {BUILD}/k.linked", *POSTS, f"CHECK {BUILD}/k"]
    assert packed.xen_tool_build().steps == steps
    packed.edit("k.S", "hlt\n\tnop", "hlt")
    assert packed.scons().steps == steps
    assert (folder / "k").read_bytes() == image
    # A changed command runs again, and so does the check of its output.
    packed.edit("SConstruct", "gzip -9nc", "gzip -1nc")
    assert packed.scons().steps == [POSTS[-1], f"CHECK {BUILD}/k"]
    packed.scons("-c")
    assert [path.name for path in folder.glob("k*")] == []


def test_an_image_that_a_command_damages_is_refused(packed: Tree) -> None:
    packed.edit("SConstruct", "-R .comment", "-R .note.Xen")
    for run in (packed.run(), packed.xen_tool_build()):
        assert run.status == 2
        assert f"{BUILD}/k.unchecked would not start with xen-pvh-domu:" in run.err
        assert not (packed.top / BUILD / "k").exists()
    packed.edit("SConstruct", "-R .note.Xen", "-R .comment")
    # The output of a failed command is not used.
    packed.edit("SConstruct", "gzip -9nc", "false; gzip -9nc")
    run = packed.run()
    assert (run.status, run.steps) == (2, POSTS)
    assert f"[{BUILD}/k.unchecked] Error 1" in run.err
    packed.edit("SConstruct", "false; gzip -9nc", "gzip -9nc")
    packed.scons()


@pytest.mark.parametrize(
    ("postlink", "words"),
    [
        ('"strip"', "'strip' is no list; write ['strip -o $TARGET $SOURCE']"),
        ("[5]", "5 is neither a command nor a list of its words"),
        ("[[]]", "[] is neither a command nor a list of its words"),
        ('["strip $SOURCE"]', "strip $SOURCE: it names no $TARGET; what comes of $SOURCE has to"),
        ('[["touch", "$TARGET"]]', "touch $TARGET: it names no $SOURCE"),
        ('["\'$SOURCE $TARGET"]', "No closing quotation"),
    ],
)
def test_a_wrong_postlink_is_an_error(tmp_path: Path, postlink: str, words: str) -> None:
    project = tree(
        tmp_path, f'env.XenImage("k", ["k.S"], script="k.lds", loaders=[], postlink={postlink})\n'
    )
    run = project.run()
    assert run.status == 2
    assert words in run.err


def test_any_file_can_be_checked(tmp_path: Path) -> None:
    project = tree(
        tmp_path,
        """
kernel = env.XenImage("k", ["k.S"], script="k.lds")
other = Environment(ENV=env["ENV"])
stripped = other.Command("ship/k", kernel, "strip -o $TARGET $SOURCE")
packed = other.Command("ship/k.gz", stripped, "gzip -9nc $SOURCE > $TARGET")
spoilt = other.Command("ship/bad", kernel, "objcopy -R .note.Xen $SOURCE $TARGET")
env.XenCheck("check", stripped)
env.XenCheck("check-packed", packed, loaders="xen-pvh-dom0,xen-pvh-domu", xen_release="4.20")
env.XenCheck("check-bad", spoilt)
env.XenCheck("check-file", "prebuilt")
""",
    )
    assert project.scons("check").out.splitlines()[-4:] == [
        "ship/k: ELF64, x86_64; Xen 4.17",
        *(f"  {loader:<12}  accepted" for loader in PVH),
    ]
    # The same with the other command, and after a change.
    project.edit("k.S", "hlt", "hlt\n\tnop")
    run = project.xen_tool_build("check")
    assert run.status == 0, run.err
    assert "strip -o ship/k" in run.out
    assert run.out.splitlines()[-1] == "  qemu-kernel   accepted"
    run = project.scons("check-packed")
    assert "ship/k.gz: gzip, in it ELF64, x86_64; Xen 4.20\n" in run.out
    assert "qemu-kernel" not in run.out
    run = project.run("check-bad")
    assert run.status == 2
    assert "its notes claim no loader" in run.err
    (project.top / "prebuilt").write_bytes((project.top / "ship/k.gz").read_bytes())
    run = project.run("check-file")
    assert run.status == 2
    assert "would not start with qemu-kernel" in run.err
    (project.top / "prebuilt").unlink()
    assert "prebuilt" in project.run("check-file").err
