# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Objects of an image that is given names of sources: SCons hears of what must be compiled.

For XenImage(target, ["main.c", ...]).  Making the nodes of 1,000 sources takes
SCons longer than it takes to find, by the record, that all but ten objects are
up to date.  When the image is scanned, those ten become nodes, as by XenObject;
until then an object is a Named.

So nothing else may name the object: SCons would take it for a file that nobody
makes.  If a target on the command line does, XenObject makes all of them at
once; a SConscript that does gets an error.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from SCons.Errors import UserError
from SCons.Script import COMMAND_LINE_TARGETS, GetOption

from .steps import Planned, Step, Steps, name_of

_SUFFIXES = (".c", ".S")


@dataclass(frozen=True, eq=False)
class Named(Planned):
    """An object without a node, and all that its step would say."""

    env: Any
    path: str
    source: str
    """From the top, too."""
    folder: Any
    """Of the SConscript that names the source."""
    toolchain: str

    def __str__(self) -> str:
        return self.path

    def is_begun(self) -> bool:
        """Whether it has become a step for another image, and SCons has come to that."""
        steps: Steps = self.env["XEN_STEPS"]
        return self.path in steps and steps[self.path].is_begun()

    def is_plain(self) -> bool:
        """Whether all compilations are alike, but for the names."""
        steps: Steps = self.env["XEN_STEPS"]
        return steps.compilation(self.env, self.folder) is not None

    def argv(self) -> list[str]:
        """If that is so: as Step.argv()."""
        steps: Steps = self.env["XEN_STEPS"]
        words = steps.compilation(self.env, self.folder) or ()
        return [*words, "-o", self.path, self.source]

    def step(self) -> Step:
        """Makes the nodes, if there are none yet."""
        steps: Steps = self.env["XEN_STEPS"]
        if self.path not in steps:
            fs = self.env.fs
            before = fs.getcwd()
            # A relative folder of CPPPATH is below the SConscript's.
            fs.chdir(self.folder)
            try:
                self.env.XenObject(f"#{self.source}")
            finally:
                fs.chdir(before)
        return steps[self.path]


@dataclass(frozen=True)
class NamedObjects:
    """Those of one image: its node's attribute xen_named."""

    objects: Sequence[Named]

    def refuse_other_names(self) -> None:
        """Raises UserError if a SConscript has made a node of one, or another image the object."""
        if not self.objects:
            return
        env = self.objects[0].env
        steps: Steps = env["XEN_STEPS"]
        nodes = set(_files(env["XEN_BUILD"]))
        for each in self.objects:
            other = steps.get(each.path, steps.named[each.path])
            if each.path in nodes and each.path not in steps:
                raise UserError(
                    f"{each.path} is named in a SConscript: give XenImage "
                    f"env.XenObject({each.source!r}) instead of that name"
                )
            if other is not each and other.argv() != each.argv():
                raise UserError(
                    f"{each.path} would be compiled in two ways: "
                    f"{shlex.join(other.argv())}, and {shlex.join(each.argv())}"
                )


def link(env: Any, target: str, script: Any, items: Sequence[Any]) -> Any:
    """The node of an image that is linked from objects and names of sources, in this order."""
    names = [item for item in items if _is_source(item)]
    paths = _paths(env, names)
    if paths is None:
        items = [env.XenObject(item)[0] if _is_source(item) else item for item in items]
        return env.XenLinked(target, [script, *items])
    (image,) = env.XenLinked(target, [script, *(i for i in items if not _is_source(i))])
    steps: Steps = env["XEN_STEPS"]
    step = steps[name_of(image)]
    folder = env.fs.getcwd()
    named = [Named(env, o, source, folder, step.toolchain) for o, source in paths]
    first, *others = step.sources
    nodes, objects = iter(others), iter(named)
    merged = (next(objects) if _is_source(item) else next(nodes) for item in items)
    steps.note(replace(step, sources=(first, *merged)))
    for each in named:
        steps.named.setdefault(each.path, each)
    image.attributes.xen_named = NamedObjects(named)
    return [image]


def _is_source(item: Any) -> bool:
    return isinstance(item, str) and item.endswith(_SUFFIXES)


def _paths(env: Any, names: Sequence[str]) -> list[tuple[str, str]] | None:
    """Of objects and their sources, from the top; None if they must be nodes at once."""
    fs, build = env.fs, name_of(env["XEN_BUILD"])
    folder = fs.getcwd()
    if (
        any(map(GetOption, ("climb_up", "tree_printers")))
        or fs.Top.getRepositories()
        or folder.srcnode() is not folder
    ):
        return None
    here = name_of(folder)
    paths = []
    for name in names:
        source = os.path.normpath(name[1:] if name[0] == "#" else os.path.join(here, name))
        # Objects of those have other places.
        elsewhere = source.startswith((os.pardir, os.sep, os.path.join(build, "")))
        if "$" in name or elsewhere or build == os.curdir:
            return None
        paths.append((os.path.join(build, os.path.splitext(source)[0] + ".o"), source))
    return None if _are_targets({path for path, _ in paths}, fs.Top.abspath) else paths


def _are_targets(paths: set[str], top: str) -> bool:
    """Whether the command line names one of them, or a folder of theirs."""
    for target in COMMAND_LINE_TARGETS:
        name = os.path.relpath(os.path.join(top, target.lstrip("#")), top)
        if name in paths or any(path.startswith(os.path.join(name, "")) for path in paths):
            return True
    return False


def _files(folder: Any) -> Iterator[str]:
    for name, node in folder.entries.items():
        if name not in (os.curdir, os.pardir):
            if hasattr(node, "entries"):
                yield from _files(node)
            else:
                yield name_of(node)
