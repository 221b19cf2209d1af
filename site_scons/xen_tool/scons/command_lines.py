# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Build command lines from construction variables.

The defaults of the tool come first, so that flags of the user win; a default that contradicts
one is left out.  Values of construction variables are expanded as in SCons; paths of nodes are
not.

    $CC_LAUNCHER  $CC  defaults  $CFLAGS or $CXXFLAGS  $CCFLAGS  $CPPFLAGS  $CPPDEFINES  $CPPPATH
         for .S and .s $ASFLAGS, $ASPPFLAGS in the place of $CFLAGS
    $LD  defaults  $LINKFLAGS  $LIBPATH  -T script  -o image  objects  $LIBS
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

from SCons.Node import Node
from SCons.Util import flatten

from ..toolchain.words import PREFIX_MAPS, prefix_maps
from .paths import path_of

_OWN = {"C": ("CFLAGS",), "C++": ("CXXFLAGS",), "assembler": ("ASFLAGS", "ASPPFLAGS")}
"""The construction variables with flags for one language only."""
_MODES = ("-m16", "-m32", "-mx32")
"""The user's flags for another mode of the processor than -m64."""
# The output is a linker script: no line markers, no assembler macros, and not the #defines that
# -g3 asks for.
_SCRIPT = ("-E", "-P", "-g0", "-x", "c", "-D__ASSEMBLER__", "-DLINKER_SCRIPT")


def compilation(env: Any, language: str, folder: Any) -> list[str]:
    """Return the command line of a compilation up to its output.

    language: a value of suffixes.COMPILED or PRECOMPILED.  folder: that of the SConscript.
    """
    name, _, header = language.partition(" ")
    user = words(env, *_OWN[name], "CCFLAGS", "CPPFLAGS")
    # Without -c: the output is no object.
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
    """Return the command line that preprocesses a linker script, up to its output.

    folder: that of the SConscript.
    """
    user = words(env, "CCFLAGS", "CPPFLAGS")
    return [*env["XENCC"], *_defaults(env, "C", user), *user, *_preprocessor(env, folder), *_SCRIPT]


def link(env: Any, folder: Any) -> list[str]:
    """Return the command line of a link up to its script; folder: that of the SConscript."""
    paths = [f"-L{path}" for path in _folders(env, "LIBPATH", folder)]
    return [*env["XENLD"], *env["XENLDFLAGS"], *words(env, "LINKFLAGS"), *paths]


def libraries(env: Any) -> list[str]:
    """Return the words for $LIBS, which follow the objects: paths, and options such as -lc."""
    found = []
    for item in flatten([env.get("LIBS", [])]):
        if isinstance(item, Node):
            found.append(path_of(item))
        else:
            names = (str(word) for line in env.subst_list([item]) for word in line)
            found += [n if n.startswith("-") or os.sep in n else f"-l{n}" for n in names]
    return found


def words(env: Any, *variables: str) -> list[str]:
    """Return the words in the values of construction variables, expanded."""
    lines = env.subst_list([[f"${name}" for name in variables]])
    return [_unescaped(str(word)) for line in lines for word in line]


def _unescaped(word: str) -> str:
    r"""Return a word without the backslashes that users of SCons write for a shell.

    Only for a macro whose whole value is in quotes, -DNAME=\"text\", as no C expression is.
    """
    name, _, value = word.partition("=")
    whole = name.startswith("-D") and value.startswith('\\"') and value.endswith('\\"')
    return re.sub(r"\\(.)", r"\1", word) if whole else word


def _defaults(env: Any, language: str, user: Sequence[str]) -> Iterable[str]:
    """Yield the default flags for a language that the user's flags do not contradict."""
    other_mode = any(word in _MODES for word in user)
    debugs = any(word.startswith("-g") for word in user)
    maps_paths = any(word.startswith(PREFIX_MAPS) for word in user)
    for word in env["XENCCFLAGS"]:
        if language != "C" and word.startswith("-std="):
            continue
        # gcc refuses the kernel's code model, and has no red zone, in other modes.
        if other_mode and (word.startswith("-mcmodel=") or word in ("-m64", "-mno-red-zone")):
            continue
        # zig gives this flag precedence, wherever it is.
        if debugs and word == "-g0":
            continue
        if maps_paths and word.startswith("-fdebug-compilation-dir="):
            continue
        yield word
    yield from prefix_maps(env["XENFOLDERS"], user)


def _preprocessor(env: Any, folder: Any) -> list[str]:
    """Return the words for $CPPDEFINES and $CPPPATH, and the tool's own after them."""
    defines = "${_defines('-D', CPPDEFINES, '', __env__)}" if env.get("CPPDEFINES") else ""
    found = [_unescaped(str(word)) for line in env.subst_list([[defines]]) for word in line]
    found += [f"-I{path}" for path in _folders(env, "CPPPATH", folder)]
    return [*found, *env["XENSYSTEMFLAGS"]]


def _folders(env: Any, variable: str, here: Any) -> list[str]:
    """Return the paths of the folders in a variable; names are relative to the folder here."""
    found: list[str] = []
    value = env.get(variable, [])
    for item in value.split(os.pathsep) if isinstance(value, str) else flatten([value]):
        if isinstance(item, Node):
            nodes = [item]
        else:
            texts = (str(word) for line in env.subst_list([item]) for word in line)
            nodes = [env.fs.Dir(text, here) for text in texts]
        for node in nodes:
            # A variant directory has the generated headers, and its source directory the others.
            found += dict.fromkeys(path_of(each) for each in (node, node.srcnode()))
    return found
