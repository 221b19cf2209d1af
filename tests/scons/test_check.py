# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The check after every link: an image that a required loader would refuse is not written."""

from __future__ import annotations

import json

import pytest

from project import Project

VMLINUX = "build/x86_64/vmlinux"
LINKER_SCRIPT = "arch/x86/xen/vmlinux.lds.S"


def test_a_refused_image_fails_the_build_in_xens_words(built_with_tool: Project) -> None:
    # A head object that announces another version of Xen.
    built_with_tool.edit("site_scons/xen_tool/head/default_notes.py", '"xen-3.0"', '"xen-2.0"')
    run = built_with_tool.run()
    assert run.status == 2
    assert f"{VMLINUX}.unchecked would not start with xen-pv-dom0 and xen-pv-domu:" in run.err
    assert "ERROR: Xen will only load images built for Xen v3.0 (Not 'xen-2.0')" in run.err
    assert 'at:   note XEN_VERSION = "xen-2.0" at offset 0x' in run.err
    assert 'fix:  make the note XEN_VERSION = "xen-3.0"' in run.err
    assert "no loader found: Invalid kernel" in run.err
    assert not (built_with_tool.top / VMLINUX).exists()
    assert (built_with_tool.top / f"{VMLINUX}.unchecked").exists()
    # The build fails again until the cause is removed.
    again = built_with_tool.run()
    assert again.status == 2
    assert again.steps == [f"CHECK {VMLINUX}"]
    built_with_tool.edit("site_scons/xen_tool/head/default_notes.py", '"xen-2.0"', '"xen-3.0"')
    built_with_tool.scons()
    assert (built_with_tool.top / VMLINUX).is_file()


def test_what_kills_the_guest_fails_the_build_too(built_kernel: Project) -> None:
    # Code that runs a page above where it was linked.
    built_kernel.edit(LINKER_SCRIPT, "AT(ADDR(section) - VIRT_BASE)", "AT(ADDR(section) - SHIFTED)")
    built_kernel.edit(
        LINKER_SCRIPT, "#define PHYSICAL", "#define SHIFTED (VIRT_BASE - 0x1000)\n#define PHYSICAL"
    )
    run = built_kernel.run()
    assert run.status == 2
    assert "accepted, but the guest cannot run" in run.err
    assert "error X3:" in run.err


def test_the_check_runs_when_the_image_changed(built_with_tool: Project) -> None:
    assert built_with_tool.up_to_date()
    built_with_tool.edit("arch/x86/xen/lib.c", "#include <", "extern int one;\n#include <")
    assert "CHECK vmlinux" not in built_with_tool.scons().names
    built_with_tool.edit("arch/x86/xen/lib.c", "extern int one;", "int one = 1;")
    assert "CHECK vmlinux" in built_with_tool.scons().names
    # The check also runs again if its rules change.
    with (built_with_tool.top / "site_scons/xen_tool/loaders/verdict.py").open("a") as file:
        file.write("# more\n")
    assert built_with_tool.scons().names == {"CHECK vmlinux"}


def test_loaders_can_be_named_on_the_command_line_and_in_the_sconstruct(
    built_kernel: Project,
) -> None:
    run = built_kernel.run("LOADERS=pv,xen-pvh-dom0")
    assert run.status == 2
    assert run.steps == [f"CHECK {VMLINUX}"]
    assert "would not start with xen-pvh-dom0:" in run.err
    assert "fix:  build it with XEN_PVH=1: the configuration has XEN_PVH=n" in run.err
    assert run.err.count("More of a rule, with an example: xen-tool explain A3") == 1
    assert built_kernel.scons("LOADERS=xen-pv-dom0").steps == [f"CHECK {VMLINUX}"]
    built_kernel.edit("SConstruct", "script=script", 'script=script, loaders=["qemu-kernel"]')
    assert "without PVH ELF Note" in built_kernel.run().err
    built_kernel.edit("SConstruct", '["qemu-kernel"]', '["xen-pv-domu"], xen_release="4.14"')
    built_kernel.scons()


def test_a_configuration_for_no_loader_has_a_note_at_the_link(built_kernel: Project) -> None:
    run = built_kernel.run("XEN_PV=0")
    assert run.status == 0
    assert "vmlinux: warning: XEN=y without XEN_PV and XEN_PVH: Xen cannot start this" in run.err
    assert "fix:  type XEN_PV=1, XEN_PVH=1 or both" in run.err
    run = built_kernel.run("XEN_PV=0", "LOADERS=qemu-kernel")
    assert "fix:  build it with XEN_PVH=1: the configuration has XEN_PVH=n" in run.err


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("LOADERS=xen-pv", "LOADERS=: 'xen-pv' is no loader; name one of xen-pv-dom0 (pv), "),
        ("LOADERS=,", "'' is no loader; name one of xen-pv-dom0 (pv), "),
        (
            "XEN_RELEASE=four",
            "XEN_RELEASE=: 'four' is no release of Xen: write 4.17, 4.17.3 or 4.17+pv32",
        ),
        ("XEN_RELEASE=4.1", "Xen 4.1 is older than 4.14"),
    ],
)
def test_a_wrong_setting_is_an_error(built_kernel: Project, argument: str, words: str) -> None:
    run = built_kernel.run(argument)
    assert run.status == 2
    assert words in run.err
    assert built_kernel.up_to_date()


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        (
            'loaders="xen-pv"',
            "XenImage(loaders=): 'xen-pv' is no loader; name one of xen-pv-dom0 (pv)",
        ),
        ("loaders=4", "XenImage(loaders=): 4 is no list; write some of xen-pv-dom0 (pv), "),
        ('loaders=iter(["xen-pv-dom0"])', "is no list; write some of xen-pv-dom0 (pv), "),
        ('loaders={"xen-pv-dom0"}', "{'xen-pv-dom0'} is no list; write some of xen-pv-dom0 (pv), "),
        ("loaders=[4]", "XenImage(loaders=): 4 is no loader"),
        (
            "xen_release=4.17",
            "XenImage(xen_release=): 4.17 is no string; write '4.17', or '4.17+pv32'",
        ),
        ("xen_release='four'", "XenImage(xen_release=): 'four' is no release of Xen"),
    ],
)
def test_a_wrong_argument_is_an_error(built_kernel: Project, argument: str, words: str) -> None:
    built_kernel.edit("SConstruct", "script=script", f"script=script, {argument}")
    run = built_kernel.run()
    assert run.status == 2
    assert words in run.err
    assert "Traceback" not in run.err
    built_kernel.edit("SConstruct", argument, 'loaders="xen-pv-dom0,xen-pv-domu"')
    assert "not for" not in built_kernel.scons().err


def test_a_32_bit_kernel_is_for_a_domu_of_a_xen_with_pv32(with_tool: Project) -> None:
    run = with_tool.run("ARCH=i386")
    assert run.status == 0, run.err
    assert "warning: Debian's Xen 4.17 has no CONFIG_PV32, and says:" in run.err
    assert "guest type xen-3.0-x86_32p not supported by xen kernel" in run.err
    # The warning is printed in later runs, too.
    lines = with_tool.scons("check", "ARCH=i386").out.splitlines()
    assert lines[1:3] == [
        "  xen-pv-domu  accepted",
        "  warning: Debian's Xen 4.17 has no CONFIG_PV32, and says:",
    ]
    assert "guest type xen-3.0-x86_32p not supported by xen kernel" in lines[3]
    assert "  fix:  " in lines[4]
    with_pv32 = with_tool.scons("check", "ARCH=i386", "XEN_RELEASE=4.17+pv32").out
    assert with_pv32.splitlines()[1:] == ["  xen-pv-domu  accepted"]
    json.loads(with_tool.scons("check", "--json", "ARCH=i386").out)
    # An image that no Xen accepts is refused for another reason.
    with_tool.edit("site_scons/xen_tool/head/default_notes.py", '"xen-3.0"', '"xen-2.0"')
    refused = with_tool.run("check", "ARCH=i386").out
    assert "refused (C3)" in refused
    assert "Debian's" not in refused
    with_tool.edit("site_scons/xen_tool/head/default_notes.py", '"xen-2.0"', '"xen-3.0"')
    stock = with_tool.run("ARCH=i386", "XEN_RELEASE=4.17")
    assert stock.status == 2
    assert "refused (U2)" in stock.err


def test_a_loader_that_is_named_twice_is_checked_once(built_kernel: Project) -> None:
    run = built_kernel.run("LOADERS=xen-pvh-dom0,xen-pvh-dom0")
    assert run.status == 2
    assert "would not start with xen-pvh-dom0:\n" in run.err


def test_scons_check_prints_the_verdicts(built_kernel: Project) -> None:
    assert built_kernel.scons("check").out.splitlines() == [
        f"{VMLINUX}: ELF64, x86_64; Xen 4.17",
        "  xen-pv-dom0  accepted",
        "  xen-pv-domu  accepted",
    ]
    document = json.loads(built_kernel.scons("check", "--json").out)
    assert document["asked"] == ["xen-pv-dom0", "xen-pv-domu"]
    assert document["verdicts"]["xen-pvh-dom0"]["rule"] == "A3"
    run = built_kernel.run("check", "LOADERS=xen-pvh-domu")
    assert run.status == 2
    assert "refused (A3)" in run.out
    assert "would not start with xen-pvh-domu" in run.err


def test_an_image_for_no_loader_is_not_judged(kernel: Project) -> None:
    kernel.scons("XEN=0")
    assert "No loader is checked" in kernel.scons("check", "XEN=0").out


def test_with_loaders_none_no_loader_is_checked(built_kernel: Project) -> None:
    out = built_kernel.scons("check", "LOADERS=none").out
    assert out.splitlines()[1:] == [
        "  No loader is checked: the configuration selects none, or none is named."
    ]


def test_the_image_is_the_linkers_output_by_another_name(kernel: Project) -> None:
    kernel.scons()
    image, linked = (kernel.top / f"{VMLINUX}{end}" for end in ("", ".unchecked"))
    assert image.samefile(linked)
    assert image.stat().st_mode & 0o111


def test_scons_check_uses_the_loaders_and_release_of_the_image(built_kernel: Project) -> None:
    asks = 'script=script, loaders=["xen-pv-domu"], xen_release="4.14"'
    built_kernel.edit("SConstruct", "script=script", asks)
    built_kernel.edit("SConstruct", "env.XenConfigTargets()\n", "")
    document = json.loads(built_kernel.scons("check", "--json").out)
    assert (document["asked"], document["xen"]) == (["xen-pv-domu"], "4.14")
    built_kernel.edit("SConstruct", "xen_release=", "xen=")
    run = built_kernel.scons("check", "--json")
    assert json.loads(run.out) == document
    assert "note: XenImage(xen=) is now XenImage(xen_release=); the old name will go" in run.err


def test_a_file_system_without_hard_links(kernel: Project) -> None:
    text = (kernel.top / "SConstruct").read_text()
    kernel.write("SConstruct", f"import os\nos.link = lambda a, b: open('/none')\n{text}")
    kernel.scons()
    image, linked = (kernel.top / f"{VMLINUX}{end}" for end in ("", ".unchecked"))
    assert not image.samefile(linked)
    assert image.read_bytes() == linked.read_bytes()
    assert image.stat().st_mode & 0o111


def test_an_up_to_date_run_imports_nothing_that_judges_or_assembles(built_kernel: Project) -> None:
    imported = built_kernel.scons(PYTHONPROFILEIMPORTTIME="1").err
    assert "xen_tool.scons.targets.check" in imported
    for module in ("xen_tool.image", "loaders.rules", "xen_tool.report", "keystone", "lief"):
        assert module not in imported, module
