# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The check after every link: what the asked loaders will say, before anybody boots the image.

    CHECK  image.unchecked -> image

The linker's output gets the image's name, as a hard link, when every asked
loader takes it; so an image that Xen would refuse is none.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from SCons.Action import Action
from SCons.Builder import Builder
from SCons.Errors import BuildError
from SCons.Script import GetOption
from SCons.Util import hash_signature

from ..errors import XenToolError
from ..files import shown
from ..loaders import asked
from ..loaders.names import PV_DOMU
from ..loaders.xen import Xen
from . import steps
from .errors import while_building, while_reading

UNCHECKED = ".unchecked"


def builder() -> Any:
    """The builder XenChecked: an image, from the linker's output and a question."""
    action = Action(_check, cmdstr="  CHECK   $TARGET")
    return Builder(action=action, emitter=steps.emitter("CHECK"))


def asked_loaders(env: Any, loaders: Sequence[str] | None) -> tuple[str, ...]:
    """The loaders that must take an image: of the command line, of its SConscript, by Kconfig."""
    given = env["XEN_SETTINGS"].get("LOADERS")
    configuration = env["XEN_CONFIG"]
    if given is not None:
        return asked.parse(given)
    if loaders is not None:
        return asked.known(loaders)
    return asked.of_configuration(configuration.arch, configuration.values)


def checked(env: Any, target: Any, image: Any, loaders: Sequence[str], xen: str | None) -> Any:
    """The node of the image that was checked."""
    release = env["XEN_SETTINGS"].get("XEN_RELEASE") or xen
    model = asked.xen_for(env["XEN_CONFIG"].arch, release)
    question = steps.value(env, json.dumps([*loaders, str(model)]), "question")
    (node,) = env.XenChecked(target, [image, question])
    node.attributes.xen_unchecked = image
    node.attributes.xen_loaders = tuple(loaders)
    node.attributes.xen_release_given = release is not None
    env.Depends(node, steps.value(env, " ".join(_modules()), "toolchain"))
    return node


def _modules() -> Iterator[str]:
    """The tool's own modules that judge, as words of a toolchain's identity."""
    package = Path(__file__).parent.parent
    for room in ("image", "loaders"):
        for module in sorted((package / room).rglob("*.py")):
            content = module.read_bytes()
            yield f"{module.relative_to(package)}:{len(content)}:{hash_signature(content)}"


@while_building
def _check(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
    from ..report.report import read_report
    from ..report.text import findings, verdict_lines

    image, (*loaders, release) = str(source[0]), json.loads(source[1].get_contents())
    report = read_report(image, Xen.parse(release), loaders)
    bad = [name for name in loaders if not report.takes(name)]
    if bad:
        lines = "\n".join(verdict_lines(report, bad))
        raise XenToolError(f"{shown(Path(image))} is not for {' and '.join(bad)}:\n{lines}")
    for loader in loaders:
        for line in findings(report.verdicts[loader]):
            print(f"xen_tool: {target[0]}: {loader}: {line}", file=sys.stderr)
    if report.xen.pv32 and PV_DOMU in loaders and not target[0].attributes.xen_release_given:
        for line in _without_pv32(image, report.xen):
            print(f"xen_tool: {target[0]}: {line}", file=sys.stderr)
    _name(image, str(target[0]))


def _without_pv32(image: str, xen: Xen) -> Iterator[str]:
    """What a Xen says that was built as distributions build it."""
    from ..report.report import read_report

    verdict = read_report(image, replace(xen, pv32=False)).verdicts[PV_DOMU]
    yield f"warning: Debian's Xen {xen.version[0]}.{xen.version[1]} has no CONFIG_PV32, and says:"
    yield f"  {verdict.message}"
    yield f"  fix:  {verdict.fix}"


def _name(linked: str, image: str) -> None:
    """Gives the linker's output its name, at once."""
    part = os.path.join(os.path.dirname(image), f".{os.path.basename(image)}.part")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(part)
    try:
        try:
            os.link(linked, part)
        except OSError:
            # Not every file system has hard links.
            shutil.copy2(linked, part)
        os.replace(part, image)
    except OSError as error:
        raise XenToolError(f"{image}: cannot be written: {error.strerror}") from error


@while_reading
def xen_check(env: Any, target: str, image: Sequence[Any]) -> list[Any]:
    """env.XenCheck(): an alias that says what each asked loader makes of the image."""
    node = image[0]
    linked = getattr(node.attributes, "xen_unchecked", node)

    def action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        from ..report import text
        from ..report.report import read_report

        loaders = getattr(node.attributes, "xen_loaders", ())
        given = env["XEN_SETTINGS"].get("XEN_RELEASE")
        xen = asked.xen_for(env["XEN_CONFIG"].arch, given)
        report = replace(read_report(str(source[0]), xen, loaders), image=str(node))
        if GetOption("xen_json"):
            print(json.dumps(report.document(), indent=2))
        else:
            print("\n".join(text.check(report)))
        if loaders and not report.good:
            bad = [loader for loader in loaders if not report.takes(loader)]
            raise BuildError(errstr=f"not for {' and '.join(bad)}", status=1)

    alias = env.Alias(target, linked, env.Action(while_building(action), cmdstr=None))
    env.AlwaysBuild(alias)
    return list(alias)
