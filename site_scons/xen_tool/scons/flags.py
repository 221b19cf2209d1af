# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The words of commands, from an environment's construction variables.

The tool's defaults come first, so that a user's word wins; a default that contradicts one
is left out.  What users write in a SConscript is expanded as SCons does; the names of files
and folders never are.

    $CC_LAUNCHER  $CC  defaults  $CFLAGS or $CXXFLAGS  $CCFLAGS  $CPPFLAGS  $CPPDEFINES  $CPPPATH
         for .S and .s $ASFLAGS, $ASPPFLAGS in the place of $CFLAGS
    $LD  defaults  $LINKFLAGS  $LIBPATH  -T script  -o image  objects  $LIBS
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from SCons.Node import Node
from SCons.Util import flatten

from ..toolchain.words import PREFIX_MAPS, prefix_maps

COMPILED = {
    **dict.fromkeys((".c",), "C"),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".C"), "C++"),
    **dict.fromkeys((".S", ".sx", ".s"), "assembler"),
}
"""The language of a source by the end of its name."""
PRECOMPILED = {
    **dict.fromkeys((".h",), "C header"),
    **dict.fromkeys((".hh", ".hpp", ".hxx"), "C++ header"),
}
"""The same of what is compiled beforehand."""
OBJECTS = (".o", ".a", ".lo", ".obj", ".so")
"""How the name of what a linker takes ends."""
HEADERS = (".h", ".hh", ".hpp", ".hxx", ".inc", ".lds")
"""How the name of what a source includes ends."""
_OWN = {"C": ("CFLAGS",), "C++": ("CXXFLAGS",), "assembler": ("ASFLAGS", "ASPPFLAGS")}
_MODES = ("-m16", "-m32", "-mx32")
# The preprocessor's output is a linker script: no line markers, no assembler.
_SCRIPT = ("-E", "-P", "-x", "c", "-D__ASSEMBLER__", "-DLINKER_SCRIPT")


def compilation(env: Any, language: str, folder: Any) -> list[str]:
    """The words of the compilation of a source up to its output, in a SConscript's folder."""
    name, _, header = language.partition(" ")
    user = words(env, *_OWN[name], "CCFLAGS", "CPPFLAGS")
    # Without -c, which makes objects.
    kind = [*env["XENPCHFLAGS"], "-x", f"{name.lower()}-header"] if header else ["-c"]
    return [
        *(() if header else env["XENLAUNCHER"]),
        *env["XENCC"],
        *_defaults(env, name, user),
        *user,
        *_preprocessor(env, folder),
        *kind,
    ]


def script(env: Any, folder: Any) -> list[str]:
    """The words of the preprocessing of a linker script up to its output."""
    user = words(env, "CCFLAGS", "CPPFLAGS")
    return [*env["XENCC"], *_defaults(env, "C", user), *user, *_preprocessor(env, folder), *_SCRIPT]


def link(env: Any, folder: Any) -> list[str]:
    """The words of a link up to its script."""
    paths = [f"-L{path}" for path in _folders(env, "LIBPATH", folder)]
    return [*env["XENLD"], *env["XENLDFLAGS"], *words(env, "LINKFLAGS"), *paths]


def libraries(env: Any) -> list[str]:
    """The words for $LIBS, behind the objects."""
    found = []
    for item in flatten([env.get("LIBS", [])]):
        if isinstance(item, Node):
            found.append(path_of(item))
        else:
            names = (str(word) for line in env.subst_list([item]) for word in line)
            found += [n if n.startswith("-") or os.sep in n else f"-l{n}" for n in names]
    return found


def words(env: Any, *variables: str) -> list[str]:
    """The values of construction variables as words."""
    lines = env.subst_list([[f"${name}" for name in variables]])
    return [str(word) for line in lines for word in line]


def path_of(node: Any) -> str:
    """A node's path from the top, as it stands in commands: never an option."""
    return safe(str(node.get_path(node.fs.Top)))


def safe(path: str) -> str:
    """A path that no program takes for an option or a response file, nor SCons for one of its."""
    return f"./{path}" if path.startswith(("-", "@", "#")) else path


def _defaults(env: Any, language: str, user: Sequence[str]) -> Iterable[str]:
    narrow = any(word in _MODES for word in user)
    debugs = any(word.startswith("-g") for word in user)
    renames = any(word.startswith(PREFIX_MAPS) for word in user)
    for word in env["XENCCFLAGS"]:
        if language != "C" and word.startswith("-std="):
            continue
        # gcc refuses the kernel's code model, and has no red zone, in other modes.
        if narrow and (word.startswith("-mcmodel=") or word in ("-m64", "-mno-red-zone")):
            continue
        # Of zig this one wins, wherever it stands.
        if debugs and word == "-g0":
            continue
        if renames and word.startswith("-fdebug-compilation-dir="):
            continue
        yield word
    yield from prefix_maps(env["XENFOLDERS"], user)


def _preprocessor(env: Any, folder: Any) -> list[str]:
    defines = "${_defines('-D', CPPDEFINES, '', __env__)}" if env.get("CPPDEFINES") else ""
    found = [str(word) for line in env.subst_list([[defines]]) for word in line]
    found += [f"-I{path}" for path in _folders(env, "CPPPATH", folder)]
    return [*found, *env["XENSYSTEMFLAGS"]]


def _folders(env: Any, variable: str, here: Any) -> list[str]:
    """The paths of folders, of a variable that may name them from a SConscript's folder."""
    found: list[str] = []
    value = env.get(variable, [])
    for item in value.split(os.pathsep) if isinstance(value, str) else flatten([value]):
        if isinstance(item, Node):
            nodes = [item]
        else:
            texts = (str(word) for line in env.subst_list([item]) for word in line)
            nodes = [env.fs.Dir(text, here) for text in texts]
        for node in nodes:
            # In a variant directory: what is made there, and the sources.
            found += dict.fromkeys(path_of(each) for each in (node, node.srcnode()))
    return found
