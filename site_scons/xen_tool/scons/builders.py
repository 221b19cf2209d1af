# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The builders of all steps but CHECK: their actions, emitters and scanners.

Commands run in an environment of their own.  Every target lands in
$XEN_BUILD, below it where its source is below the top.

SCons takes about 2 ms to find an object up to date.  So an image does not have
its objects as children, but as prerequisites, and only those that the record
cannot vouch for; that the image is linked anew when one is different comes
from a child that stands for the contents of all.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from SCons.Action import Action
from SCons.Builder import Builder, BuilderBase
from SCons.Node import Node
from SCons.Node.Python import Value
from SCons.Scanner import Scanner
from SCons.Script import GetOption
from SCons.Util import hash_signature

from .. import abi
from ..files import write_if_changed
from .dry_run import is_pretended
from .errors import while_building
from .steps import ARCH, COMMANDS, Planned, Step, name_and_value, name_of, value


def builders(environment: Mapping[str, str], identity: str) -> dict[str, Any]:
    """The builders, by name; commands run with environment and change with identity."""
    run = Action(_runner(environment), _line, varlist=["XEN_COMMAND"])
    return {
        "XenConfigFiles": Builder(
            action=Action(_write_config, cmdstr="  CONFIG  $TARGET"),
            emitter=emitter("CONFIG", precious=True),
        ),
        "XenHeadObject": Builder(
            action=Action(_write_head, cmdstr="  HEAD    $TARGET"),
            emitter=emitter("HEAD", precious=True),
        ),
        "XenObject": _ObjectBuilder(
            action=run,
            emitter=emitter("CC", identity),
            suffix=".o",
            single_source=True,
            source_scanner=_source_scanner(),
        ),
        "XenScript": Builder(
            action=run,
            emitter=emitter("LDS", identity),
            suffix=".lds",
            src_suffix=".lds.S",
            single_source=True,
            source_scanner=_source_scanner(),
        ),
        "XenLinked": Builder(
            action=run,
            emitter=emitter("LD", identity),
            target_scanner=Scanner(function=_scan_image, name="XenImage", node_class=Node),
        ),
    }


class _ObjectBuilder(BuilderBase):  # type: ignore[misc]
    """Finds the nodes of a source and its object without one for an object beside the source.

    A SCons that does not ask for them here does it in its own way.
    """

    def _create_nodes(self, env: Any, target: Any = None, source: Any = None) -> Any:
        if target is None and len(source) == 1 and _is_plain_name(source[0]):
            node = env.fs.File(source[0])
            path, _ = os.path.splitext(node.get_path(env.fs.Top))
            # Elsewhere the object's place is another: _in_build().
            if node.is_under(env.fs.Top) and not node.is_under(env["XEN_BUILD"]):
                return self.emitter([env["XEN_BUILD"].File(f"{path}.o")], [node], env)
        return super()._create_nodes(env, target, source)


def _is_plain_name(name: Any) -> bool:
    return isinstance(name, str) and name != "" and "$" not in name


def command_signature(target: Any, source: Any, env: Any, for_signature: bool) -> str:
    """$XEN_COMMAND: stands for a step's command in the signature of its target."""
    argv = env["XEN_STEPS"][name_of(target[0])].argv()
    return str(hash_signature("\0".join(argv)))


def _line(target: Sequence[Any], source: Sequence[Any], env: Any) -> str:
    """What is printed of a step."""
    step = env["XEN_STEPS"][name_of(target[0])]
    if env["XEN_SETTINGS"].verbose:
        return shlex.join(step.argv())
    return f"  {step.name:<7} {target[0]}"


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
    from ..head.config import HeadConfig
    from ..head.emit import emit

    values = dict(map(name_and_value, source))
    config = HeadConfig.from_symbols(abi.ARCHES[values[ARCH]], values)
    assert config is not None
    write_if_changed(str(target[0]), emit(config))


def emitter(name: str, identity: str = "", *, precious: bool = False) -> Any:
    """An emitter of steps of this name; precious says that SCons is not to remove targets.

    It would before their action, which could then not see that nothing changed.
    """

    def emit(target: list[Any], source: list[Any], env: Any) -> tuple[list[Any], list[Any]]:
        target = [_in_build(node, env) for node in target]
        if not target:
            # Of an empty list of sources.
            return target, source
        depends: tuple[Any, ...] = ()
        if precious:
            env.Precious(target)
        if name in COMMANDS:
            depends = (value(env, identity, "toolchain"),)
            target[0].add_dependency(list(depends))
            # What changes in it counts by the values of symbols.
            target[0].add_prerequisite([env["XEN_AUTOCONF"]])
        if name == "LD":
            env.Ignore(target, [node for node in source if _object_step(node, env)])
        path, folder = name_of(target[0]), env.fs.getcwd()
        env["XEN_STEPS"].note(
            Step(name, path, tuple(target), tuple(source), env, folder, identity, depends)
        )
        return target, source

    return emit


def _in_build(node: Any, env: Any) -> Any:
    """The node of the same name in $XEN_BUILD."""
    build = env["XEN_BUILD"]
    if node == build or node.is_under(build):
        return node
    top = env.Dir("#")
    path = node.get_path(top) if node.is_under(top) else node.abspath.lstrip(os.sep)
    return build.File(path)


def _source_scanner() -> Any:
    """The scanner of the sources of steps."""

    def words(env: Any, _dir: Any, target: Sequence[Any], _source: Any) -> Any:
        return target[0].attributes.xen_step.scanned()

    def scan(node: Any, env: Any, path: tuple[str, ...]) -> list[Any]:
        return list(env["XEN_DEPENDENCIES"].of_source(node, env, path))

    return Scanner(function=scan, path_function=words, name="XenSource", node_class=Node)


def _object_step(node: Any, env: Any) -> Step | None:
    """The step that compiles an object of env's own."""
    step: Step | None = getattr(node.attributes, "xen_step", None)
    if step is None or step.name != "CC" or env["XEN_STEPS"].get(step.path) is not step:
        return None
    return step


def _scan_image(image: Any, env: Any, _path: Any) -> list[Any]:
    """The image's other children, when all SConscripts are read; objects as prerequisites."""
    # SCons scans it again when it is linked.
    if not hasattr(image.attributes, "xen_objects"):
        steps = filter(None, (_object_step(node, env) for node in image.ignore or ()))
        objects: dict[str, Planned] = {step.path: step for step in steps}
        if named := getattr(image.attributes, "xen_named", None):
            named.refuse_other_names()
            objects |= {each.path: each for each in named.objects}
        record = env["XEN_RECORD"]
        everything = any(GetOption(option) for option in ("no_exec", "question", "clean"))
        # What SCons has come to it knows more of than the record, which is of before this run.
        doubted = [
            each
            for each in objects.values()
            if everything or each.is_begun() or not record.is_settled(each)
        ]
        image.add_prerequisite([each.step().targets[0] for each in doubted])
        image.attributes.xen_objects = _ObjectContents(objects, record.contents.of)
    script = env["XEN_DEPENDENCIES"].of_script(image.sources[0], env)
    return [*script, image.attributes.xen_objects]


class _ObjectContents(Value):  # type: ignore[misc]
    """A child of an image: the names and contents of its objects, when they are all there."""

    def __init__(
        self, objects: Mapping[str, Planned], content: Callable[[str], str | None]
    ) -> None:
        super().__init__("objects")
        self.attributes.xen_kind = "objects"
        self._objects = objects
        self._content = content

    def make_ready(self) -> None:
        """Asks for no contents yet: objects may still be compiled."""

    def get_csig(self) -> str:
        """A signature of all contents, when SCons looks whether to link."""
        info = self.get_ninfo()
        if not hasattr(info, "csig"):
            info.csig = hash_signature("\0".join(self._names_and_contents()))
        return str(info.csig)

    def _names_and_contents(self) -> Iterator[str]:
        for path, each in self._objects.items():
            yield path
            new = each.is_begun() and is_pretended(each.step().targets[0])
            yield "new" if new else self._content(path) or ""


def _runner(environment: Mapping[str, str]) -> Any:
    """The action that runs a step's command."""

    def run(target: Sequence[Any], source: Sequence[Any], env: Any) -> int:
        return _run(env["XEN_STEPS"][name_of(target[0])].argv(), environment)

    return run


def _run(argv: list[str], environment: Mapping[str, str]) -> int:
    """Runs a command, which gets no shell."""
    place = argv.index("-o") + 1
    output = argv[place]
    try:
        with whole(output) as argv[place]:
            status = subprocess.run(argv, env=environment, check=False).returncode
            if status == 0 and not os.path.exists(argv[place]):
                print(f"xen_tool: {argv[0]} made no {output}", file=sys.stderr)
                status = 1
            if status != 0:
                with contextlib.suppress(OSError):
                    os.unlink(argv[place])
    except OSError as error:
        print(f"xen_tool: {argv[0]}: {error.strerror}", file=sys.stderr)
        return 127
    return status


@contextlib.contextmanager
def whole(output: str) -> Iterator[str]:
    """The name under which an output is to be made: it gets its own when it is whole, if it is.

    SCons takes half a file, left by a command that was killed, for the file
    that it knew before.
    """
    part = os.path.join(os.path.dirname(output), f".{os.path.basename(output)}.part")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(part)
    try:
        yield part
        with contextlib.suppress(FileNotFoundError):
            os.replace(part, output)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(part)
