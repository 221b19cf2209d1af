# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Resolve names in SConscripts: source files, and files of the build directory.

Used by the methods that add steps.
"""

from __future__ import annotations

import os
from typing import Any

from SCons.Node import Node
from SCons.Util import NodeList

from ..errors import XenToolError


def path_of(node: Any) -> str:
    """Return the path of a node from the top, in a form that no program reads as an option."""
    return safe(str(node.get_path(node.fs.Top)))


def safe(path: str) -> str:
    """Return a path in a form that no program reads as an option or a response file."""
    return f"./{path}" if path.startswith(("-", "@", "#")) else path


def nodes(nodes: list[Any]) -> list[Any]:
    """Return nodes in a list of the type that SCons' builders return."""
    found: list[Any] = NodeList(nodes)
    return found


def source_of(env: Any, source: Any) -> tuple[str, str]:
    """Return two paths of a source from the top: the one that names its object, and the file's.

    They differ in a variant directory: the first is below it, the second where the source is.

    Raises XenToolError for what is no file.
    """
    fs = env.fs
    here = fs.getcwd()
    if isinstance(source, str) and "$" not in source and here.srcnode() is here:
        name = source[1:].lstrip("/") if source.startswith("#") else _joined(here, source)
        if source and not fs.Top.getRepositories():
            name = safe(os.path.normpath(name))
            return name, name
    node = node_of(env, source)
    file = node.srcnode() if not node.is_derived() else node
    return path_of(node), path_of(file.rfile())


def _joined(folder: Any, name: str) -> str:
    """Return the path from the top of a name that is relative to the node of a folder."""
    here = folder.get_path(folder.fs.Top)
    return os.path.join("" if here == os.curdir else here, name)


def node_of(env: Any, item: Any) -> Any:
    """Return the node for a file name or a node.

    Raises XenToolError for anything else.
    """
    if isinstance(item, Node):
        return item
    if not isinstance(item, (str, os.PathLike)) or not str(item):
        raise XenToolError(f"{item!r} is no file")
    return env.File(str(item))


def target_of(env: Any, target: Any) -> str:
    """Return the path from the top of a target below $XEN_BUILD.

    target: a node, or a name that is relative to the SConscript's folder, or to the top after #.

    Raises XenToolError for an empty name.
    """
    if isinstance(target, Node):
        return below_build(env, path_of(target))
    name = str(env.subst(target))
    if not name:
        raise XenToolError(f"{target!r} is no name of a file")
    here = env.fs.getcwd()
    path = name[1:].lstrip("/") if name.startswith("#") else _joined(here, name)
    return below_build(env, safe(os.path.normpath(path)))


def below_build(env: Any, path: str) -> str:
    """Return the path of an output for a path from the top: $XEN_BUILD/PATH.

    A path that is below $XEN_BUILD already is unchanged.  For a path outside of the top, PATH is
    absolute.
    """
    build = env["XEN_GRAPH"].plan.folder
    if path.startswith(f"{build}/"):
        return path
    if not path.startswith(("/", "..")):
        return f"{build}/{path.removeprefix('./')}"
    top = env.fs.Top.abspath
    outside = os.path.abspath(os.path.join(top, path))
    if not outside.startswith(os.path.join(top, "")):
        return f"{build}{outside}"
    return f"{build}/{os.path.relpath(outside, top)}"
