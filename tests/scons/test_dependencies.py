# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""After any change exactly what depends on it is rebuilt."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from project import TOP, Project
from sources import SCRIPT, SOURCES, sources_of, values_of
from xen_tool.build.database import Database

LINK = {"LD vmlinux.unchecked", "CHECK vmlinux"}
TOGGLE = {"CONFIG .config"}


def _mentions(pattern: str, **settings: str) -> set[str]:
    """Return the steps whose source has a text outside of comments, or includes a file that has.

    pattern: a regular expression; only sources count that the defconfig and settings compile.
    """
    folder = TOP / SOURCES
    compiled = {Path(name).name for name in sources_of(values_of("x86_64", settings))}
    texts = {
        path.name: re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        for path in folder.rglob("*.*")
    }
    found = {name for name, text in texts.items() if re.search(pattern, text)}
    while True:
        includers = {
            name
            for name, text in texts.items()
            if any(re.search(rf'#include "(\.\./)?{header}"', text) for header in found)
        }
        if includers <= found:
            break
        found |= includers
    objects = {f"CC {name[:-2]}.o" for name in found & compiled}
    return objects | ({"LDS vmlinux.lds"} if SCRIPT in found else set())


def test_an_edited_source_is_compiled_and_linked(built_kernel: Project) -> None:
    built_kernel.edit("arch/x86/xen/setup.c", "xen_start_kernel", "xen_start_kernel ")
    assert built_kernel.scons().names <= {"CC setup.o"} | LINK
    built_kernel.write(
        "arch/x86/xen/setup.c",
        (built_kernel.top / "arch/x86/xen/setup.c").read_text() + "\nint one_more;\n",
    )
    assert built_kernel.scons().names == {"CC setup.o"} | LINK
    assert built_kernel.up_to_date()


def test_a_comment_compiles_but_does_not_link(built_kernel: Project) -> None:
    path = built_kernel.top / "arch/x86/xen/lib.c"
    path.write_text(path.read_text() + "/* the same object comes of it */\n")
    assert built_kernel.scons().names == {"CC lib.o"}


def test_an_edited_header_recompiles_its_includers(built_kernel: Project) -> None:
    path = built_kernel.top / "arch/x86/xen/hypercall.h"
    path.write_text(path.read_text() + "\n")
    expected = _mentions(r'#include "(\.\./)?hypercall\.h"')
    assert expected
    assert built_kernel.scons().names - LINK == expected


def test_a_touched_file_rebuilds_nothing(built_kernel: Project) -> None:
    os.utime(built_kernel.top / "arch/x86/xen/setup.c")
    os.utime(built_kernel.top / "kconfig/Kconfig")
    assert built_kernel.up_to_date()


def test_an_edit_in_the_same_second_of_the_same_size_is_seen(built_kernel: Project) -> None:
    built_kernel.write("arch/x86/xen/lib.c", built_kernel_source(built_kernel) + "int a;\n")
    built_kernel.scons()
    built_kernel.write("arch/x86/xen/lib.c", built_kernel_source(built_kernel)[:-7] + "int b;\n")
    assert built_kernel.scons().names == {"CC lib.o"} | LINK


def built_kernel_source(kernel: Project) -> str:
    return (kernel.top / "arch/x86/xen/lib.c").read_text()


def test_the_linker_script_and_what_it_includes(built_kernel: Project) -> None:
    script = built_kernel.top / "arch/x86/xen/vmlinux.lds.S"
    script.write_text(script.read_text() + "/* nothing new */\n")
    assert built_kernel.scons().names == {"LDS vmlinux.lds"}
    built_kernel.write("extra.lds", "extra = 1;\n")
    script.write_text(script.read_text() + "INCLUDE extra.lds\n")
    assert built_kernel.scons().names == {"LDS vmlinux.lds"} | LINK
    assert built_kernel.up_to_date()
    built_kernel.write("extra.lds", "extra = 2;\n")
    assert built_kernel.scons().names == LINK


def test_a_header_found_through_a_macro(built_kernel: Project) -> None:
    built_kernel.write("arch/x86/xen/answer.h", "#define ANSWER 1\n")
    path = built_kernel.top / "arch/x86/xen/lib.c"
    path.write_text(
        path.read_text() + "#define FILE answer\n#define Q(x) #x\n#define QQ(x) Q(x)\n"
        "#define NAME QQ(FILE.h)\n#include NAME\nint answer = ANSWER;\n"
    )
    built_kernel.scons()
    built_kernel.write("arch/x86/xen/answer.h", "#define ANSWER 2\n")
    assert built_kernel.scons().names == {"CC lib.o"} | LINK
    assert built_kernel.up_to_date()


def test_a_new_header_that_shadows_another(built_kernel: Project) -> None:
    built_kernel.write("include/first/.keep", "")
    built_kernel.write("include/second/which.h", "#define WHICH 2\n")
    built_kernel.edit(
        "SConstruct", "env.XenHelp(HELP)", 'env["CPPPATH"] = ["#include/first", "#include/second"]'
    )
    path = built_kernel.top / "arch/x86/xen/lib.c"
    path.write_text(path.read_text() + "#include <which.h>\nint which = WHICH;\n")
    built_kernel.scons()
    assert built_kernel.up_to_date()
    built_kernel.write("include/first/which.h", "#define WHICH 1\n")
    assert built_kernel.scons().names == {"CC lib.o"} | LINK


def test_a_file_named_by_incbin(built_kernel: Project) -> None:
    built_kernel.write("blob.bin", b"one")
    path = built_kernel.top / "arch/x86/xen/lib.c"
    path.write_text(path.read_text() + 'asm(".data\\n.incbin \\"blob.bin\\"\\n.text");\n')
    built_kernel.scons()
    built_kernel.write("blob.bin", b"two")
    assert built_kernel.scons().names == {"CC lib.o"} | LINK


def test_an_incbin_by_a_macro_may_be_any_word_that_names_a_file(built_kernel: Project) -> None:
    built_kernel.write("blob.bin", b"one")
    path = built_kernel.top / "arch/x86/xen/lib.c"
    path.write_text(
        path.read_text()
        + '#define BLOB "blob.bin"\n#define QUOTE "\\""\nconst char *no = "arch/x86";\n'
        'asm(".data\\n.incbin " QUOTE BLOB QUOTE "\\n.text");\n'
    )
    built_kernel.scons()
    built_kernel.write("blob.bin", b"two")
    assert built_kernel.scons().names == {"CC lib.o"} | LINK


def test_a_relative_folder_of_headers_is_below_its_sconscript(kernel: Project) -> None:
    kernel.write("sub/include/own.h", "#define OWN 1\n")
    kernel.write("sub/own.c", '#include "own.h"\nint own = OWN;\n')
    kernel.write(
        "sub/SConscript",
        'Import("env")\nDefault(env.Clone(CPPPATH=["include"]).XenObject("own.c"))\n',
    )
    text = (kernel.top / "SConstruct").read_text()
    kernel.write("SConstruct", f'{text}SConscript("sub/SConscript", exports="env")\n')
    kernel.scons()
    kernel.write("sub/include/own.h", "#define OWN 2\n")
    assert kernel.scons().names == {"CC own.o"}


def test_flags_recompile_everything(built_kernel: Project) -> None:
    built_kernel.edit("SConstruct", '"-Wextra"', '"-Wextra", "-DUNUSED"')
    names = built_kernel.scons().names
    assert {name for name in names if name.startswith("CC")} == _mentions(".") - {"LDS vmlinux.lds"}


def test_another_compiler_recompiles_everything(
    built_kernel: Project, tmp_path: Path, gcc: str
) -> None:
    wrapper = tmp_path / "my-gcc"
    wrapper.write_text(f'#!/bin/sh\nexec {gcc} "$@"\n')
    wrapper.chmod(0o755)
    assert "CC setup.o" in built_kernel.scons(f"CC={wrapper}").names
    assert built_kernel.up_to_date(f"CC={wrapper}")
    # The compiler has the same path, but is another program.
    wrapper.write_text(f'#!/bin/sh\n# upgraded\nexec {gcc} "$@"\n')
    assert "CC setup.o" in built_kernel.scons(f"CC={wrapper}").names


@pytest.mark.parametrize(
    ("module", "steps"),
    [("head/model.py", {"HEAD xen-head.o"}), ("elf/objfile.py", {"HEAD xen-head.o"})],
)
def test_the_tools_own_modules(built_with_tool: Project, module: str, steps: set[str]) -> None:
    path = built_with_tool.top / "site_scons/xen_tool" / module
    path.write_text(path.read_text() + "# nothing new\n")
    assert built_with_tool.scons().names == steps


def test_an_edited_note_reaches_the_image(built_with_tool: Project) -> None:
    built_with_tool.edit("site_scons/xen_tool/head/default_notes.py", 'Text("2.6")', 'Text("6.1")')
    assert built_with_tool.scons().names == {"HEAD xen-head.o"} | LINK


@pytest.mark.parametrize("symbol", ["SMP", "KASAN", "STACK_VALIDATION"])
def test_a_toggle_rebuilds_what_mentions_the_symbol(built_kernel: Project, symbol: str) -> None:
    before = (built_kernel.top / "build/x86_64/vmlinux").read_bytes()
    value = "0" if symbol == "SMP" else "1"
    names = built_kernel.scons(f"{symbol}={value}").names
    mentioning = _mentions(rf"\bCONFIG_{symbol}\b", **{symbol: value})
    assert names - LINK == TOGGLE | {"HEAD xen-head.o"} | mentioning
    assert built_kernel.up_to_date(f"{symbol}={value}")
    built_kernel.scons()
    assert (built_kernel.top / "build/x86_64/vmlinux").read_bytes() == before


def test_an_object_that_mentions_no_symbol_outlives_every_toggle(built_kernel: Project) -> None:
    path = built_kernel.top / "arch/x86/xen/lib.c"
    path.write_text(
        "void *memcpy(void *to, const void *from, unsigned long n);\n"
        + re.sub(r'#include "[^"]*"\n', "", path.read_text())
    )
    if built_kernel.run().status:
        pytest.fail("lib.c needs its headers; use another file")
    assert "CC lib.o" not in built_kernel.scons("SMP=0", "KASAN=1").names


def test_a_saved_configuration_that_changes_no_value_rebuilds_nothing(
    built_kernel: Project,
) -> None:
    shutil.copy(built_kernel.top / "build/x86_64/.config", built_kernel.top / ".config")
    assert built_kernel.up_to_date()
    config = built_kernel.write(
        ".config", "# a comment\n" + (built_kernel.top / ".config").read_text()
    )
    assert built_kernel.up_to_date()
    config.write_text(config.read_text().replace("CONFIG_SMP=y", "# CONFIG_SMP is not set"))
    assert "HEAD xen-head.o" in built_kernel.scons().names


def test_a_new_symbol_in_kconfig_recompiles_only_its_users(built_kernel: Project) -> None:
    path = built_kernel.top / "arch/x86/xen/lib.c"
    path.write_text(path.read_text() + "#ifdef CONFIG_FRESH\nint fresh;\n#endif\n")
    built_kernel.scons()
    kconfig = built_kernel.top / "kconfig/Kconfig"
    kconfig.write_text(kconfig.read_text() + '\nconfig FRESH\n\tbool "fresh"\n\tdefault y\n')
    assert built_kernel.scons().names == {"CC lib.o"} | TOGGLE | LINK


def test_a_deleted_output_comes_back(built_kernel: Project) -> None:
    for path in (".config", "arch/x86/xen/xen-head.o", "include/generated/autoconf.h"):
        content = (built_kernel.top / "build/x86_64" / path).read_bytes()
        (built_kernel.top / "build/x86_64" / path).unlink()
        assert len(built_kernel.scons().steps) == 1
        assert (built_kernel.top / "build/x86_64" / path).read_bytes() == content


def test_each_object_depends_on_what_gcc_reads(built_kernel: Project, gcc: str) -> None:
    commands = built_kernel.scons("V=1", f"CC={gcc}", "O=build/again").out.splitlines()
    database = Database(str(built_kernel.top / "build/again/.build.db"))
    compilations = [line.split() for line in commands if " -c -o " in line]
    assert len(compilations) == len(_mentions(".") - {"LDS vmlinux.lds"})
    for command in compilations:
        source, target = command[-1], command[-2]
        output = subprocess.run(
            [*command[:-3], "-M", source],
            cwd=built_kernel.top,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        read = set(output.replace("\\\n", " ").split(":", 1)[1].split())
        record = database.get(target)
        assert record is not None
        inputs = {path for path, _ in database.rows(record.inputs) if not path.endswith("/")}
        toolchain = {path for path, _ in database.rows(database.text(record.group))}
        assert inputs == {path for path in read - toolchain if not path.endswith("/autoconf.h")}


@pytest.mark.usefixtures("each_scons")
def test_the_tree_of_scons_shows_what_an_object_is_made_of(built_kernel: Project) -> None:
    lines = built_kernel.scons("--tree=all", "build/x86_64/arch/x86/xen/lib.o").out.splitlines()
    assert "  +-arch/x86/xen/lib.c" in lines
    assert "  +-arch/x86/xen/string.h" in lines


def test_a_header_of_the_linker_script_alone(built_kernel: Project) -> None:
    script = built_kernel.top / "arch/x86/xen/vmlinux.lds.S"
    built_kernel.write("arch/x86/xen/only.lds.h", "only = 1;\n")
    script.write_text(script.read_text() + '#ifdef LINKER_SCRIPT\n#include "only.lds.h"\n#endif\n')
    built_kernel.scons()
    built_kernel.write("arch/x86/xen/only.lds.h", "only = 2;\n")
    assert built_kernel.scons().names == {"LDS vmlinux.lds"} | LINK


def test_a_linker_script_has_no_macros_that_g3_asks_for(tmp_path: Path) -> None:
    tree = Project(tmp_path)
    tree.write_small('env.Append(CCFLAGS=["-g3"])\nenv.XenScript("layout.ld")\n')
    tree.write("layout.ld", "#define BASE 0x1000\nbase = BASE;\n")
    tree.scons()
    assert (tmp_path / "build/x86_64/layout.ld").read_text() == "base = 0x1000;\n"


def test_a_further_script_is_preprocessed_before_the_link(tmp_path: Path) -> None:
    tree = Project(tmp_path)
    tree.write_small(
        'env.Append(LINKFLAGS=["-T", env.XenScript("more.lds.S")])\n'
        'env.XenImage("vmlinux", "main.c", script="k.lds", loaders="none")\n'
    )
    tree.write("main.c", "int a;\n")
    tree.write("more.lds.S", "#define V 1\nSECTIONS { value = V; } INSERT AFTER .data;\n")
    assert {"LDS more.lds"} | LINK <= tree.scons("build/x86_64/vmlinux").names
    assert tree.up_to_date()
    tree.edit("more.lds.S", "V 1", "V 2")
    assert tree.scons().names == {"LDS more.lds"} | LINK


def test_every_file_that_a_linker_script_reads_counts(built_kernel: Project) -> None:
    script = built_kernel.top / "arch/x86/xen/vmlinux.lds.S"
    built_kernel.write("arch/x86/xen/part.lds.h", "INCLUDE of_header.lds\n")
    built_kernel.write("of_header.lds", "of_header = 1;\n")
    built_kernel.write("outer.lds", "outer = 1; INCLUDE inner.lds\n")
    built_kernel.write("inner.lds", "inner = 1;\n")
    text = script.read_text() + '#include "part.lds.h"\nouter_too = 1; INCLUDE "outer.lds"\n'
    script.write_text(text)
    built_kernel.scons()
    assert built_kernel.up_to_date()
    for name in ("of_header", "outer", "inner"):
        built_kernel.edit(f"{name}.lds", f"{name} = 1;", f"{name} = 2;")
        assert built_kernel.scons().names == LINK, name


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_was_killed_leaves_nothing(
    built_kernel: Project, tmp_path: Path, ending: signal.Signals
) -> None:
    linker = tmp_path / "slow-ld"
    linker.write_text(
        f'#!/bin/sh\nout=; for a; do [ "$p" = -o ] && out=$a; p=$a; done\n'
        f'if [ -e {tmp_path}/slow ]; then echo half >"$out"; touch {tmp_path}/here; sleep 100; fi\n'
        f'exec {shutil.which("ld")} "$@"\n'
    )
    linker.chmod(0o755)
    setting = f"LD={linker}"
    built_kernel.scons(setting)
    image = built_kernel.top / "build/x86_64/vmlinux.unchecked"
    whole = image.read_bytes()
    image.unlink()
    (tmp_path / "slow").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "SCons", "-Q", setting],
        cwd=built_kernel.top,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not (tmp_path / "here").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, ending)
    process.wait(30)
    (tmp_path / "slow").unlink()
    assert not image.exists()
    assert built_kernel.scons(setting).names <= LINK
    assert image.read_bytes() == whole
