# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Trees whose steps read files in every way that compilers, assemblers and linkers support."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

from project import SECTIONS, Project

_BY_WORD = """
PREFIXES = "-iprefix p/ -iwithprefixbefore before -iwithprefix after "
objects = Glob("src/*.c")
if not ZIG:
    # What these embed only GNU as can tell.
    objects += Glob("assembled/*")
objects += [
    env.XenObject("words/response.c", CCFLAGS=["@flags.rsp"]),
    env.XenObject("words/forced.c", CCFLAGS="-include forced.h -imacros only.h"),
    env.XenObject("words/joined.c", CCFLAGS=["-includeforced.h"]),
    env.XenObject("words/assembler.S", CCFLAGS=["-Wa,-Iembedded"]),
    env.XenObject("words/system.c", CCFLAGS=["-isystem", "system", "-iquotequotes"]),
    env.XenObject("words/before.c", CCFLAGS=["-include", "build/x86_64/include/before.h"]),
    env.XenObject("words/folders.c", CCFLAGS=PREFIXES + "--sysroot=root -I=/inc -idirafter end"),
    env.XenObject("words/own.c", CCFLAGS=["-MMD", "-MF", "build/own.d"]),
]
env.XenObject("include/before.h")
if not ZIG:
    Default(env.XenObject("words/narrow.c", CCFLAGS=["-m32"]))
    Default(env.XenObject("words/by_as.S", CCFLAGS=["-Wa,@as.rsp"]))
if GCC:
    specs = ["-specs=words/my.specs", "-Btools", "-wrapper", "./wrapper,argument"]
    Default(env.XenObject("words/specs.c", CCFLAGS=specs))
    Default(env.XenObject("words/kept.c", CCFLAGS=["-save-temps=obj"]))
else:
    sanitizer = "-fsanitize=undefined -fsanitize-trap=undefined -fsanitize-ignorelist=allowed"
    Default(env.XenObject("words/sanitized.c", CCFLAGS=sanitizer))
    Default(env.XenObject("words/virtual.c", CCFLAGS=["-ivfsoverlay", "overlay", "-I/virtual"]))
    Default(env.XenObject("words/config.c", CCFLAGS=["--config", "words/my.cfg"]))
if ZIG:
    flags = "-std=gnu23 --embed-dir=embedded -frandomize-layout-seed-file=seed"
    Default(env.XenObject("words/embed.c", CCFLAGS=flags))
second = "--dynamic-list=dynamic --format=binary data/parts --format=" + GCC * "elf64-x86-64 "
second += "-T inserted" if GCC else "elf --symbol-ordering-file=order"
other = env.Clone(LIBPATH=["#scripts"], LINKFLAGS=second)
Default(other.XenImage("second", ["src/plain.c"], script="second.lds", loaders=[]))
flags = "-T scripts/fifth.lds --just-symbols=symbols.o --version-script=versions.map @ld.rsp "
env.Append(LIBPATH=["#scripts"], LINKFLAGS=flags + "--retain-symbols-file=retained")
Default(env.XenImage("k", objects, script="k.lds", loaders=[]))
"""
_AT_RANDOM = """
env.Append(LIBPATH=["#scripts"])
Default(env.XenImage("k", Glob("src/*.c"), script="k.lds", loaders=[]))
"""

_OVERLAY = """
{"version": 0, "roots": [{"name": "/virtual", "type": "directory", "contents": [
{"name": "v.h", "type": "file", "external-contents": "%s"}]}]}
"""
# None has a backslash, which clang does not support in names.
_ODD = [f"a{mark}b.h" for mark in (*" #$':%=,;&*[", "$$", "$(x)", "\udcff\udcfe")]
_ODD += ["-x.h", "@y.h", " first.h", "last .h"]

_FILES: dict[str, str | bytes] = {
    **{f"odd/{name}": f"/* {number} */\n" for number, name in enumerate(_ODD)},
    "src/odd.c": os.fsencode("".join(f'#include "../odd/{name}"\n' for name in _ODD)),
    "src/offsets.c": 'asm(".data\\n.incbin \\"data/plain.bin\\" , 2,4");\n',
    "src/upper.c": 'asm(".data\\n.INCBIN \\"data/plain.bin\\"");\n',
    "src/imported.c": '#import "stale.h"\n',
    "src/nested_ask.c": (
        '#define HAS(x) __has_include(x)\n#define F "there.h"\n#if HAS(F)\n#include F\n#endif\n'
    ),
    "src/absolute_link.c": '#include "../absolute/../w_link.h"\n',
    "w_link.h": "#error the folder above the link\n",
    "deep/w_link.h": "extern int w;\n",
    "assembled/text.c": (
        "#define TEXT(x) #x\n#define NAMED(a, b) TEXT(a/b)\n"
        'asm(".data\\n.incbin \\"" NAMED(data, parts) "\\"");\n'
    ),
    "assembled/within.S": (
        '.macro take name\n.include "\\name"\n.endm\n.macro joined a, b\n'
        '.incbin "data/\\a\\b"\n.endm\ntake include/more\n.data\njoined by, _cpp\n'
    ),
    "assembled/plain.s": '.data\n.incbin "data/each_1"\n.include "include/more"\n',
    "words/kept.c": '#include "nested.h"\nint kept;\n',
    "words/sanitized.c": "int sanitized;\n",
    "allowed": "fun:none\n",
    "words/virtual.c": '#include "v.h"\n',
    "words/embed.c": (
        'unsigned char a[] = {\n#embed "found.bin" limit(2)\n};\n'
        '#if __has_embed("../data/parts")\nunsigned char b[] = {\n#embed "../data/parts"\n};\n'
        "#endif\n"
    ),
    "seed": "0123456789\n",
    "words/folders.c": "#include <n.h>\n",
    **{f"{d}/n.h": "#include_next <n.h>\n" for d in ("p/before", "p/after", "root/inc")},
    "end/n.h": "extern int n;\n",
    "second.lds": (
        "EXTERN(member other)\nINPUT(scripts/outer.a)\nMEMORY { INCLUDE regions }\n"
        "SECTIONS {\n.text : { *(.text*) INCLUDE contents } >ram\n"
        ".data : { *(.data*) *(.rodata*) *(.bss*) *(COMMON) } >ram\n"
        "INCLUDE sections\n/DISCARD/ : { *(.comment) *(.note*) *(.eh_frame) }\n}\n"
    ),
    "regions": "ram (rw) : ORIGIN = 0x100000, LENGTH = 1M\n",
    "scripts/contents": "LONG(1)\n",
    "scripts/sections": ".more : { LONG(2) } >ram\n",
    "dynamic": "{ member; };\n",
    "inserted": "SECTIONS { .mine : { LONG(3) } }\nINSERT AFTER .data;\n",
    "order": "member\n",
    "Kconfig": 'config FW\n\tstring "firmware"\n\tdefault "data/firmware"\n',
    "src/macro.c": '#define NAME "by_macro.h"\n#include NAME\n',
    "include/by_macro.h": '#include "nested.h"\n',
    "include/nested.h": "extern int nested;\n",
    "src/asked.c": (
        '#if __has_include("there.h")\n#include <there.h>\n#endif\n'
        "#if __has_include(<not_there.h>)\n#include <not_there.h>\n#endif\n"
    ),
    "include/there.h": "extern int there;\n",
    "src/stale.c": '#include "stale.h"\n',
    "include/stale.h": "extern int stale;\n",
    "include/stale.h.gch": b"not for this compiler",
    "src/plain.c": 'asm(".incbin \\"data/plain.bin\\"");\n',
    "assembled/parts.c": 'asm(".incbin \\"da" "ta/parts\\"");\n',
    "assembled/configured.c": 'asm(".incbin \\"" CONFIG_FW "\\"");\n',
    "src/link.c": '#include "../lnk/../v.h"\n#include "../lnk/w.h"\n',
    "deep/v.h": "extern int v;\n",
    "deep/sub/w.h": '#include "../x.h"\n',
    "deep/x.h": "extern int x;\n",
    "v.h": "#error the folder above the link\n",
    "assembled/each.S": '.data\n.irp n,1,2\n.incbin "data/each_\\n"\n.endr\n',
    "assembled/macros.S": '.data\n.include "include/embeds"\nembed data/by_macro\n',
    "include/embeds": '.macro embed name\n.incbin "\\name"\n.endm\n.include "include/more"\n',
    "include/more": "# nothing more\n",
    "assembled/header.S": '#include "assembler.h"\nEMBED("data/by_cpp")\n',
    "include/assembler.h": "#define EMBED(name) .data; .incbin name\n",
    **{f"data/{name}": name for name in ("firmware", "plain.bin", "parts", "each_1", "each_2")},
    **{f"data/{name}": name for name in ("by_macro", "by_cpp")},
    "flags.rsp": "-Iresponses -DBY_RESPONSE @more.rsp\n",
    "more.rsp": "-include forced.h\n",
    "responses/by_response.h": "extern int by_response;\n",
    "words/response.c": '#include "by_response.h"\n',
    "forced.h": "extern int forced;\n",
    "only.h": "#define ONLY 1\n",
    "words/forced.c": "int is_forced = ONLY;\n",
    "words/joined.c": "int is_joined;\n",
    "words/narrow.c": '#include "nested.h"\nint narrow;\n',
    "words/before.c": "struct before before;\n",
    "include/before.h": '#include "before_it.h"\n',
    "include/before_it.h": "struct before { int a; };\n",
    "words/own.c": '#include "there.h"\nint own;\n',
    "words/assembler.S": '.data\n.incbin "found.bin"\n',
    "embedded/found.bin": "found",
    "as.rsp": "@as2.rsp\n",
    "as2.rsp": "-Iembedded\n",
    "words/specs.c": "int specs;\n",
    "words/my.specs": "%include <words/more.specs>\n*cc1:\n+ -include forced.h\n\n",
    "words/more.specs": "*asm:\n+ -I embedded\n\n",
    "words/config.c": '#include "by_response.h"\n',
    "words/my.cfg": "-include forced.h\n@more.cfg\n",
    "words/more.cfg": "-Iresponses\n",
    "words/by_as.S": '.data\n.incbin "found.bin"\n',
    "k.lds": f"INCLUDE first.lds\nINPUT(archive.a AS_NEEDED(needed.o))\n{SECTIONS}",
    "scripts/first.lds": "INCLUDE second.lds\nfirst = 1;\n",
    "scripts/second.lds": "second = 2;\n",
    "versions.map": "{ global: *; };\n",
    "retained": "_start\n",
    "ld.rsp": "third.lds @more_ld.rsp\n",
    "more_ld.rsp": "--defsym=fourth=4\n",
    "scripts/fifth.lds": "fifth = 5;\n",
    "words/system.c": '#include <next.h>\n#include "quoted.h"\n',
    "include/next.h": "#include_next <next.h>\n",
    "system/next.h": "extern int next;\n",
    "quotes/quoted.h": "extern int quoted;\n",
    "third.lds": "third = 3;\n",
}


def _compiled(folder: Path, name: str, text: str) -> None:
    command = ["gcc", "-c", "-x", "c", "-fno-pic", "-mcmodel=kernel", "-", "-o", f"{name}.o"]
    subprocess.run(command, cwd=folder, input=text, text=True, check=True)


def hard(top: Path, toolchain: str) -> Project:
    """Write a tree with one source for each way to read a file."""
    project = Project(top)
    zig = toolchain == "zig"
    kind = f"ZIG, GCC = {zig}, {toolchain == 'gcc'}\n"
    project.write_small(f"{kind}{_BY_WORD}")
    for path, text in _FILES.items():
        project.write(path, text)
    project.write("overlay", _OVERLAY % (top / "only.h"))
    project.write("wrapper", '#!/bin/sh\nshift\nexec "$@"\n').chmod(0o755)
    project.write("tools/as", '#!/bin/sh\nexec as "$@"\n').chmod(0o755)
    (top / "lnk").symlink_to("deep/sub")
    (top / "absolute").symlink_to(top / "deep/sub")
    _compiled(top, "symbols", "int from_symbols;\n")
    _compiled(top / "scripts", "needed", "int needed;\n")
    _compiled(top / "scripts", "member", "int member;\n")
    _compiled(top / "scripts", "other", "int other;\n")
    subprocess.run(["ar", "rc", "archive.a", "member.o"], cwd=top / "scripts", check=True)
    subprocess.run(["ar", "rcT", "inner.a", "member.o"], cwd=top / "scripts", check=True)
    subprocess.run(["ar", "rcT", "outer.a", "inner.a", "other.o"], cwd=top / "scripts", check=True)
    return project


def embedding(top: Path, text: str) -> Project:
    """Write a tree whose one source has the text, beside a file named data."""
    project = Project(top)
    project.write_small(
        "Default(env.XenObject('a.c'))\n",
        kconfig='config FW\n\tstring "firmware"\n\tdefault "data"\n',
    )
    project.write("a.c", text)
    project.write("data", "1")
    return project


def thin(top: Path) -> Project:
    """Write a tree whose image is linked with a thin archive, which only names its members."""
    project = Project(top)
    project.write_small(_AT_RANDOM, script=f"EXTERN(member)\nINPUT(scripts/thin.a)\n{SECTIONS}")
    project.write("src/a.c", "extern int member;\nint *a = &member;\n")
    (top / "scripts").mkdir()
    _compiled(top / "scripts", "member", "int member;\n")
    subprocess.run(["ar", "rcT", "thin.a", "member.o"], cwd=top / "scripts", check=True)
    return project


def _includes(rng: random.Random, target: str) -> str:
    """Return C that reads a header below include/."""
    name = target.removeprefix("include/")
    ways = (
        f'#include "{name}"\n',
        f"#include <{name}>\n",
        f'#include "../include/{name}"\n',
        f'#undef H\n#define H "{name}"\n#include H\n',
        f'#if __has_include("{name}")\n#include "{name}"\n#endif\n',
        f'#if __has_include(<no/{name}>)\n#else\n#include "./{name}"\n#endif\n',
        f'#include "../lnk/{name}"\n',
    )
    return rng.choice(ways)


def _embeds(rng: random.Random, target: str, *, literal: bool) -> str:
    """Return C by which the assembler reads a file; literal: the name stands in one string."""
    half = rng.randrange(1, len(target))
    ways: list[Callable[[], str]] = [lambda: f'asm(".incbin \\"{target}\\"");\n']
    if not literal:
        first, second = target[:half], target[half:]
        stem, last = target[:-1], target[-1]
        ways += [
            lambda: f'asm(".incbin \\"{first}" "{second}\\"");\n',
            lambda: f'#define P "{first}"\nasm(".incbin \\"" P "{second}\\"");\n#undef P\n',
            lambda: f'asm(".irp n,{last}\\n.incbin \\"{stem}\\\\n\\"\\n.endr");\n',
            lambda: f'asm(".macro e f\\n.incbin \\"\\\\f\\"\\n.endm\\ne {target}\\n.purgem e");\n',
        ]
    return rng.choice(ways)()


def random_tree(top: Path, seed: int, toolchain: str) -> Project:
    """Write a tree whose sources, headers, embedded files and scripts read each other at random."""
    rng = random.Random(seed)
    project = Project(top)
    project.write_small(_AT_RANDOM, script=f"INCLUDE l0\n{SECTIONS}")
    headers = [f"include/{rng.choice(['', 'sub/', 'a b/'])}h{n}" for n in range(12)]
    data = [f"data/{rng.choice(['', 'sub/'])}d{n}" for n in range(8)]
    for number, header in enumerate(headers):
        later = rng.sample(headers[number + 1 :], min(2, len(headers) - number - 1))
        text = "".join(_includes(rng, name) for name in later)
        project.write(header, f"#pragma once\n{text}extern int h{number};\n")
    for name in data:
        project.write(name, name)
    (top / "include/lnk").symlink_to(".")
    (top / "lnk").symlink_to("include")
    for number in range(6):
        text = "".join(_includes(rng, name) for name in rng.sample(headers, 3))
        literal = toolchain == "zig"
        text += "".join(_embeds(rng, name, literal=literal) for name in rng.sample(data, 2))
        project.write(f"src/s{number}.c", text)
    scripts = [f"l{n}" for n in range(4)]
    for number, name in enumerate(scripts):
        folder = rng.choice(["scripts/", ""])
        following = "".join(f"INCLUDE {n}\n" for n in scripts[number + 1 : number + 2])
        project.write(f"{folder}{name}", f"{following}{name} = {number};\n")
    return project
