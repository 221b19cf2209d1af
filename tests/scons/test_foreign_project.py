# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A kernel outside of this tree, built with the installed package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from project import TOP, Project

SCONSTRUCT = """
import os
import xen_tool

print("with", os.path.dirname(xen_tool.__file__))
for arch in ("x86_64", "i386"):
    env = Environment(
        tools=["xen_tool"],
        toolpath=[PyPackageDir("xen_tool").Dir("..")],
        ENV={"PATH": os.environ["PATH"]},
        CPPPATH=["#include"],
        CPPDEFINES={"GREETING": '"hello"'},
    )
    env.XenConfigure("Kconfig.top", arguments={"ARCH": arch, "LOUD": "1"}, build=f"out/{arch}")
    objects = [env.XenObject(source) for source in Split("src/main.c src/irq.S")]
    env.XenImage("mykernel", [env.XenHead("head.o"), objects], script=f"{arch}.lds")
"""

KCONFIG = """
mainmenu "My kernel on $(ARCH)"

config X86_64
	def_bool "$(ARCH)" = "x86_64"

config PAGE_OFFSET
	hex
	default 0xC0000000
	depends on !X86_64

config XEN
	def_bool y

config XEN_PV
	def_bool y

config LOUD
	bool "Print in capitals"

config NAME
	string "Name"
	default "my \\"kernel\\""
"""

SCRIPT = """
ENTRY(startup_xen)
PHDRS { text PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); note PT_NOTE FLAGS(4); }
SECTIONS
{
    . = VIRT_BASE + 0x1000000;
    .text : AT(ADDR(.text) - VIRT_BASE) { *(.text .init.text) } :text
    . = ALIGN(0x1000);
    .data : AT(ADDR(.data) - VIRT_BASE) { *(.data* .rodata*) } :data
    .note.Xen : AT(ADDR(.note.Xen) - VIRT_BASE) { *(.note.Xen) } :data :note
    .bss : AT(ADDR(.bss) - VIRT_BASE)
    {
        __bss_start = .; *(.bss*) . = ALIGN(8); __bss_stop = .;
    } :data
    irq_stack_union = VIRT_BASE + 0x1000000;
    /DISCARD/ : { *(.note.GNU-stack) *(.comment) *(.note.gnu.property) *(.eh_frame) }
}
"""
VIRT_BASE = {"x86_64": "0xffffffff80000000", "i386": "0xc0000000"}

MAIN = """
#include "my.h"
#include <stdint.h>
struct start_info *xen_start_info = (void *)1;
char init_thread_union[0x4000];
const char *greeting = GREETING CONFIG_NAME;
void xen_start_kernel(void) { for (;;) { } }
#ifdef CONFIG_LOUD
uintptr_t loud = MINE;
#endif
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as pip installs it, in a folder of its own."""
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--disable-pip-version-check", f"--target={site}", str(TOP)]
    subprocess.run(command, check=True)
    return site


@pytest.fixture
def foreign(tmp_path: Path, installed: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project, which finds the package."""
    monkeypatch.setenv("PYTHONPATH", str(installed), prepend=os.pathsep)
    project = Project(tmp_path / "theirs")
    project.write("SConstruct", SCONSTRUCT)
    project.write("Kconfig.top", KCONFIG)
    for arch, base in VIRT_BASE.items():
        project.write(f"{arch}.lds", SCRIPT.replace("VIRT_BASE", base))
    project.write("src/main.c", MAIN)
    project.write("src/irq.S", ".globl irq\nirq: nop\n#ifdef CONFIG_LOUD\nnop\n#endif\n")
    project.write("include/my.h", "#define MINE 1\n")
    return project


@pytest.mark.usefixtures("each_scons")
def test_two_configurations_in_one_graph(foreign: Project, installed: Path) -> None:
    run = foreign.scons("-j2")
    assert f"with {installed / 'xen_tool'}" in run.out
    for arch, machine in (("x86_64", "EM_X86_64"), ("i386", "EM_386")):
        made = {path for path in run.steps if f"out/{arch}/" in path}
        assert made == {
            f"CONFIG out/{arch}/.config",
            f"HEAD out/{arch}/head.o",
            f"CC out/{arch}/src/main.o",
            f"CC out/{arch}/src/irq.o",
            f"LD out/{arch}/mykernel.unchecked",
            f"CHECK out/{arch}/mykernel",
        }
        with (foreign.top / f"out/{arch}/mykernel").open("rb") as file:
            elf = ELFFile(file)
            assert elf["e_machine"] == machine
            assert [s["p_type"] for s in elf.iter_segments()].count("PT_NOTE") == 1
    assert foreign.scons().steps == []


def test_a_change_is_built_in_both_configurations(foreign: Project) -> None:
    foreign.scons()
    foreign.write("include/my.h", "#define MINE 2\n")
    assert set(foreign.scons().steps) == {
        f"{step}"
        for arch in ("x86_64", "i386")
        for step in (
            f"CC out/{arch}/src/main.o",
            f"LD out/{arch}/mykernel.unchecked",
            f"CHECK out/{arch}/mykernel",
        )
    }
    foreign.edit("SConstruct", '"LOUD": "1"', '"LOUD": "0"')
    names = foreign.scons().names
    assert names == {
        *("CONFIG .config", "CC main.o", "CC irq.o"),
        *("LD mykernel.unchecked", "CHECK mykernel"),
    }


def test_a_string_symbol_is_a_string_in_c(foreign: Project) -> None:
    foreign.scons()
    image = (foreign.top / "out/x86_64/mykernel").read_bytes()
    assert b'hellomy "kernel"\0' in image


def test_a_header_named_by_a_string_symbol(foreign: Project) -> None:
    foreign.edit("Kconfig.top", 'default "my \\"kernel\\""', 'default "board.h"')
    foreign.write("include/board.h", "#define BOARD 1\n")
    main = foreign.top / "src/main.c"
    main.write_text(main.read_text() + "#include CONFIG_NAME\nint board = BOARD;\n")
    foreign.scons()
    foreign.write("include/board.h", "#define BOARD 2\n")
    assert "CC main.o" in foreign.scons().names


@pytest.mark.usefixtures("each_scons")
def test_the_tool_may_be_applied_twice(foreign: Project) -> None:
    again = 'env.Tool("xen_tool", toolpath=[PyPackageDir("xen_tool").Dir("..")])'
    foreign.edit(
        "SConstruct", "    objects =", f"    {again}\n    env = env.Clone()\n    objects ="
    )
    foreign.scons()
    assert foreign.scons().steps == []


def test_help_is_the_projects_own(foreign: Project) -> None:
    foreign.edit("SConstruct", "    objects =", '    env.XenHelp("Mine costs $5.")\n    objects =')
    out = foreign.scons("-h").out
    assert "\nMine costs $5.\n" in out
    assert "LOUD=y" in out
    assert "menuconfig" not in out


def test_a_kconfig_error_names_its_line(foreign: Project) -> None:
    foreign.write("Kconfig.top", "config XEN\n\tbool\n\tfrobnicate\n")
    run = foreign.run()
    assert run.status == 2
    assert "Kconfig.top:3" in run.err
    assert len(run.err.splitlines()) == 1


def test_32_bit_without_page_offset_is_one_sentence(foreign: Project) -> None:
    foreign.edit("Kconfig.top", "config PAGE_OFFSET", "config OTHER")
    run = foreign.run()
    assert run.status == 2
    assert "needs CONFIG_PAGE_OFFSET" in run.err
