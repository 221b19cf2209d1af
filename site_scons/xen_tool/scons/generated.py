# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenOffsets() and env.XenKallsyms(): files that kernels generate during the build."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from ..build.plan import Group
from ..build.step import COMPILE, Step
from ..functions import KALLSYMS, OFFSETS
from ..modules import modules
from .compile_and_link import expanded, link_step, prepared, script_and_objects
from .graph.nodes import Graph
from .paths import below_build, nodes, source_of, target_of
from .user_errors import while_reading


@while_reading
def xen_offsets(env: Any, target: Any, source: Any) -> list[Any]:
    """env.XenOffsets(target, source): make a header from numbers that a C file states.

    Assembler code needs it for offsets in structures.  The header is below $XEN_BUILD, and its
    folder is added to CPPPATH.  It is made before anything else is compiled, from the assembler
    code (.s) of source; generated/offsets.py describes what source contains.
    """
    graph: Graph = env["XEN_GRAPH"]
    name, path = source_of(env, source)
    header = target_of(env, target)
    assembler = below_build(env, f"{os.path.splitext(name)[0]}.s")
    folder = env.fs.getcwd()
    # This source may include the headers of earlier calls.
    before = prepared(graph)
    graph.generated.append(header)

    def steps() -> Iterator[Step]:
        # The last word is -c, which XENASMFLAGS replace.
        words = [*expanded(env, folder, "C")[:-1], *env["XENASMFLAGS"]]
        if any(word.startswith("-flto") for word in words):
            # With LTO there would be no assembler code.
            words.append("-fno-lto")
        yield Step(
            "ASM", (assembler,), (path,), COMPILE, words, (path,), env["XEN_CC_GROUP"], after=before
        )
        group = graph.plan.group("offsets", Group(modules("generated/offsets.py")))
        yield Step("OFFSETS", (header,), (assembler,), OFFSETS, group=group, symbols=())

    graph.later(steps)
    node = graph.node(env, header)
    graph.node(env, assembler)
    folders = env.get("CPPPATH", [])
    if isinstance(folders, str):
        folders = folders.split(os.pathsep)
    env["CPPPATH"] = [*folders, *([] if node.dir in folders else [node.dir])]
    return nodes([node])


@while_reading
def xen_kallsyms(
    env: Any, target: Any, source: Any, *, script: Any, data: bool = False
) -> list[Any]:
    """env.XenKallsyms(target, source, script=): make a table of the symbols of an image.

    The table is an object, to be linked after source by the same script: XenImage(name,
    [source, table], script=).  generated/kallsyms.py describes its contents.  data: include
    symbols that are not functions.
    """
    graph: Graph = env["XEN_GRAPH"]
    table = target_of(env, target)
    stem = os.path.splitext(table)[0]
    path, objects = script_and_objects(env, script, source)
    graph.tables[table] = (path, *objects, table)
    folder = env.fs.getcwd()
    words = (str(env["XEN_CONFIG"].arch.bits), *(["data"] if data else []))

    def steps() -> Iterator[Step]:
        group = graph.plan.group("kallsyms", Group(modules("generated/kallsyms.py")))

        def made(output: str, *inputs: str) -> Step:
            return Step("KSYMS", (output,), inputs, KALLSYMS, files=words, group=group, symbols=())

        yield made(f"{stem}.0.o")
        yield link_step(env, folder, f"{stem}.0", path, (*objects, f"{stem}.0.o"))
        yield made(f"{stem}.1.o", f"{stem}.0")
        yield link_step(env, folder, f"{stem}.1", path, (*objects, f"{stem}.1.o"))
        yield made(table, f"{stem}.1", f"{stem}.1.o")

    graph.later(steps)
    return nodes([graph.node(env, table)])
