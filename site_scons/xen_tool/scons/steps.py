# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The steps of a build: each is one command line (an argv, no shell) or one Python function.

    CONFIG  configuration -> .config, autoconf.h, include/config/*
    HEAD    include/config/* -> xen-head.o
    CC      .c, .S -> .o
    LDS     .lds.S -> .lds
    LD      .lds, .o -> image

Commands run in an environment of their own.  Every target lands in
$XEN_BUILD, below it where its source is below the top.  An emitter notes each
step in env["XEN_STEPS"], so that another engine can be given the same work.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from SCons.Action import Action
from SCons.Builder import Builder
from SCons.Scanner import Scanner

from .. import abi
from ..files import write_if_changed
from .errors import while_building

ARCH_FILE = ".arch"
"""Among the value files: the architecture, which no symbol need say."""

# What the scanner must see of a command, to find what the preprocessor finds.
_PREPROCESS = (
    "$XENCCFLAGS",
    "$CCFLAGS",
    "$_CPPDEFFLAGS",
    "${_concat('-I', CPPPATH, '', __env__, RDirs, TARGET, SOURCE)}",
    "$XENSYSTEMFLAGS",
)
# The preprocessor's output is a linker script: no line markers, no assembler.
_SCRIPT = ("-E", "-P", "-x", "c", "-D__ASSEMBLER__", "-DLINKER_SCRIPT")
_CC = ("$XENCC", *_PREPROCESS, "-c", "-o", "$TARGET", "$SOURCE")
_LDS = ("$XENCC", *_PREPROCESS, *_SCRIPT, "-o", "$TARGET", "$SOURCE")
_LD = (
    *("$XENLD", "$XENLDFLAGS", "$LINKFLAGS"),
    "${_concat('-L', LIBPATH, '', __env__, RDirs, TARGET, SOURCE)}",
    *("-T", "$SOURCE", "-o", "$TARGET", "${SOURCES[1:]}"),
)


@dataclass(frozen=True)
class Step:
    """One step: its kind as it is printed, what it makes and from what."""

    name: str
    targets: tuple[Any, ...]
    sources: tuple[Any, ...]
    env: Any
    command: tuple[str, ...] | None
    """With construction variables; None for a Python function."""

    def argv(self) -> list[str]:
        """The command as it is run; [] for a Python function."""
        if self.command is None:
            return []
        lines = self.env.subst_list(
            [list(self.command)], target=list(self.targets), source=list(self.sources)
        )
        return [str(word) for line in lines for word in line]


class Steps(dict[str, Step]):
    """All steps of an environment and its clones, by their first target."""

    def __semi_deepcopy__(self) -> Steps:
        # A clone's steps are steps of the same build.
        return self

    def note(self, step: Step) -> None:
        """Registers a step; a second time it replaces the first."""
        first = step.targets[0]
        # From the top, wherever SConscripts are being read.
        self[str(first.get_path(first.fs.Top))] = step


def builders(environment: Mapping[str, str], identity: str) -> dict[str, Any]:
    """The builders, by name; commands run with environment and change with identity."""
    command = {
        "SPAWN": _spawn,
        "ESCAPE": str,
        "ENV": dict(environment),
        # The programs are in the signature by identity, at the cost of a stat.
        "IMPLICIT_COMMAND_DEPENDENCIES": 0,
        "CPPDEFPREFIX": "-D",
        "CPPDEFSUFFIX": "",
    }
    return {
        "XenConfigFiles": Builder(
            action=Action(_write_config, cmdstr="  CONFIG  $TARGET"),
            emitter=_emitter("CONFIG"),
        ),
        "XenHeadObject": Builder(
            action=Action(_write_head, cmdstr="  HEAD    $TARGET"),
            emitter=_emitter("HEAD"),
        ),
        "XenObject": Builder(
            action=Action([list(_CC)], cmdstr="$XENCCCOMSTR"),
            emitter=_emitter("CC", _CC, identity),
            suffix=".o",
            single_source=True,
            source_scanner=_source_scanner(_PREPROCESS),
            **command,
        ),
        "XenScript": Builder(
            action=Action([list(_LDS)], cmdstr="$XENLDSCOMSTR"),
            emitter=_emitter("LDS", _LDS, identity),
            suffix=".lds",
            src_suffix=".lds.S",
            single_source=True,
            source_scanner=_source_scanner((*_PREPROCESS, *_SCRIPT)),
            **command,
        ),
        "XenLinked": Builder(
            action=Action([list(_LD)], cmdstr="$XENLDCOMSTR"),
            emitter=_emitter("LD", _LD, identity),
            target_scanner=Scanner(function=_scan_image, name="XenImage"),
            **command,
        ),
    }


def config_files(env: Any, contents: Mapping[str, str]) -> list[Any]:
    """Nodes of files below $XEN_BUILD, written by one step: path to content."""
    source = value(env, json.dumps(contents), "configuration")
    return list(env.XenConfigFiles([env["XEN_BUILD"].File(path) for path in contents], source))


@while_building
def _write_config(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
    contents: dict[str, str] = json.loads(source[0].get_contents())
    for node, content in zip(target, contents.values(), strict=True):
        write_if_changed(str(node), content)


@while_building
def _write_head(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
    from ..head.emit import emit
    from ..head.model import HeadConfig

    values = {Path(str(node)).name: Path(str(node)).read_text() for node in source}
    config = HeadConfig.from_symbols(abi.ARCHES[values[ARCH_FILE]], values)
    assert config is not None
    write_if_changed(str(target[0]), emit(config))


def _emitter(name: str, command: tuple[str, ...] | None = None, identity: str = "") -> Any:
    def emit(target: list[Any], source: list[Any], env: Any) -> tuple[list[Any], list[Any]]:
        target = [_in_build(node, env) for node in target]
        if command is None:
            # SCons removes other targets before their action, which could
            # then not see that nothing changed.
            env.Precious(target)
        else:
            env.Depends(target, [value(env, identity, "toolchain"), env["XEN_ARCH_FILE"]])
        env["XEN_STEPS"].note(Step(name, tuple(target), tuple(source), env, command))
        return target, source

    return emit


def value(env: Any, content: str, kind: str) -> Any:
    """A Value node; what it is of stands in its attributes, for the record."""
    node = env.Value(content)
    node.attributes.xen_kind = kind
    return node


def _in_build(node: Any, env: Any) -> Any:
    """The node of the same name in $XEN_BUILD."""
    build = env["XEN_BUILD"]
    if node == build or node.is_under(build):
        return node
    top = env.Dir("#")
    path = node.get_path(top) if node.is_under(top) else node.abspath.lstrip(os.sep)
    return build.File(path)


def _source_scanner(arguments: Sequence[str]) -> Any:
    """A scanner of sources that are compiled with these arguments."""

    def scan(node: Any, env: Any, _path: Any) -> list[Any]:
        words = env.subst_list([list(arguments)], source=[node], target=[node])[0]
        return list(env["XEN_DEPENDENCIES"].of_source(node, env, map(str, words)))

    return Scanner(function=scan, name="XenSource")


def _scan_image(image: Any, env: Any, _path: Any) -> list[Any]:
    return list(env["XEN_DEPENDENCIES"].of_script(image.sources[0], env))


def _spawn(shell: str, escape: Any, program: str, argv: Sequence[str], env: Any) -> int:
    """Runs argv itself, where SCons would hand a string to a shell.

    The output gets its name when it is whole: SCons takes half a file, left by
    a command that was killed, for the file that it knew before.
    """
    words = list(map(str, argv))
    place = words.index("-o") + 1
    output = words[place]
    words[place] = os.path.join(os.path.dirname(output), f".{os.path.basename(output)}.part")
    try:
        status = subprocess.run(words, env=env, check=False).returncode
        if status == 0 and not os.path.exists(words[place]):
            print(f"xen_tool: {program} made no {output}", file=sys.stderr)
            status = 1
        if status == 0:
            os.replace(words[place], output)
    except OSError as error:
        print(f"xen_tool: {program}: {error.strerror}", file=sys.stderr)
        status = 127
    finally:
        with contextlib.suppress(OSError):
            os.unlink(words[place])
    return status
