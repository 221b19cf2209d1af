# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What names in a SConscript stand for: files of sources, and of the build directory.

Used by the methods that register steps.
"""

from __future__ import annotations

import os
from typing import Any

from SCons.Node import Node
from SCons.Util import NodeList

from ..errors import XenToolError
from . import flags


def nodes(nodes: list[Any]) -> list[Any]:
    """A list as SCons' builders return it."""
    found: list[Any] = NodeList(nodes)
    return found


def source_of(env: Any, source: Any) -> tuple[str, str]:
    """The name of a source from the top, as an object's is made of it, and the file itself.

    In a variant directory the name is there, and the file where the sources are.
    """
    fs = env.fs
    here = fs.getcwd()
    if isinstance(source, str) and "$" not in source and here.srcnode() is here:
        name = source[1:].lstrip("/") if source.startswith("#") else _joined(here, source)
        if source and not fs.Top.getRepositories():
            name = flags.safe(os.path.normpath(name))
            return name, name
    node = node_of(env, source)
    file = node.srcnode() if not node.is_derived() else node
    return flags.path_of(node), flags.path_of(file.rfile())


def _joined(folder: Any, name: str) -> str:
    here = folder.get_path(folder.fs.Top)
    return os.path.join("" if here == os.curdir else here, name)


def node_of(env: Any, item: Any) -> Any:
    """The node of a file, or of its name.

    Raises XenToolError for what is neither.
    """
    if isinstance(item, Node):
        return item
    if not isinstance(item, (str, os.PathLike)) or not str(item):
        raise XenToolError(f"{item!r} is no file")
    return env.File(str(item))


def target_of(env: Any, target: Any) -> str:
    """The path of a target in $XEN_BUILD; beside the sources a folder may have its name."""
    if isinstance(target, Node):
        return below_build(env, flags.path_of(target))
    name = str(env.subst(target))
    if not name:
        raise XenToolError(f"{target!r} is no name of a file")
    here = env.fs.getcwd()
    path = name[1:].lstrip("/") if name.startswith("#") else _joined(here, name)
    return below_build(env, flags.safe(os.path.normpath(path)))


def below_build(env: Any, path: str) -> str:
    """The path of the same name in $XEN_BUILD, which it may be below already."""
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
