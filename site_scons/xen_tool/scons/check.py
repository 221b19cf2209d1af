# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The check after every link: what the asked loaders will say, before anybody boots the image.

    CHECK  image.unchecked -> image

The linker's output gets the image's name, as a hard link, when every asked
loader takes it; so an image that Xen would refuse is none.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from SCons.Action import Action
from SCons.Builder import Builder
from SCons.Errors import BuildError

from ..errors import XenToolError
from ..files import shown
from ..loaders import asked
from ..loaders.names import LOADERS, PV_DOMU
from ..loaders.xen import Xen
from . import builders, steps
from .errors import one_image, while_building, while_reading
from .settings import wants_json

UNCHECKED = ".unchecked"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Question:
    """Who must take an image; what a node of an image has in its attributes."""

    loaders: tuple[str, ...]
    xen: Xen
    by_default: bool
    """Whether nobody named the Xen."""


def question(env: Any, loaders: Sequence[str] | None, xen: str | None) -> Question:
    """Of the command line, of its SConscript, or by Kconfig.

    Raises XenToolError, with the name of what is wrong.
    """
    settings, configuration = env["XEN_SETTINGS"], env["XEN_CONFIG"]
    if (given := settings.get("LOADERS")) is not None:
        names = _valid("LOADERS=", asked.parse, given)
    elif loaders is not None:
        names = _valid("XenImage(loaders=)", _loaders, loaders)
    else:
        names = asked.of_configuration(configuration.arch, configuration.values)
    if (release := settings.get("XEN_RELEASE")) is not None:
        modelled = _valid("XEN_RELEASE=", Xen.parse, release)
    elif xen is not None:
        modelled = _valid("XenImage(xen=)", _xen, xen)
    else:
        modelled = asked.xen_for(configuration.arch)
    return Question(tuple(dict.fromkeys(names)), modelled, release is None and xen is None)


def _valid(what: str, parse: Callable[[Any], _T], given: Any) -> _T:
    try:
        return parse(given)
    except XenToolError as error:
        raise XenToolError(f"{what}: {error}") from error


def _loaders(given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        return asked.parse(given)
    # A set has another order in every run, and the check would be run again for it.
    if not isinstance(given, Sequence):
        raise XenToolError(f"{given!r} is no list; write some of {', '.join(LOADERS)} in a list")
    return asked.known(given)


def _xen(given: Any) -> Xen:
    if not isinstance(given, str):
        raise XenToolError(f"{given!r} is no string; write '4.17', or '4.17+pv32'")
    return Xen.parse(given)


def builder() -> Any:
    """The builder XenChecked: an image, from the linker's output and a question."""
    action = Action(_check, cmdstr="  CHECK   $TARGET")
    return Builder(action=action, emitter=builders.emitter("CHECK"))


def checked(env: Any, target: Any, linked: Any, asks: Question) -> Any:
    """The node of the image that was checked."""
    words = steps.value(env, " ".join((*asks.loaders, str(asks.xen))), "question")
    (node,) = env.XenChecked(target, [linked, words])
    node.attributes.xen_question = asks
    env.Depends(node, steps.value(env, " ".join(_modules(env)), "toolchain"))
    return node


def _modules(env: Any) -> Iterator[str]:
    """The tool's own modules that judge, as words of a toolchain's identity."""
    package = Path(__file__).parent.parent
    for room in ("image", "loaders"):
        for module in sorted((package / room).rglob("*.py")):
            content = env["XEN_RECORD"].contents.of(str(module))
            yield f"{module.relative_to(package)}:{module.stat().st_size}:{content}"


@while_building
def _check(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
    from ..report.report import read_report
    from ..report.text import finding_lines, findings_of, verdict_lines

    image, asks = str(source[0]), target[0].attributes.xen_question
    report = read_report(image, asks.xen, asks.loaders)
    bad = [loader for loader in asks.loaders if not report.takes(loader)]
    if bad:
        lines = "\n".join(verdict_lines(report, bad))
        raise XenToolError(f"{shown(Path(image))} is not for {' and '.join(bad)}:\n{lines}")
    for (kind, finding), finders in findings_of(report, asks.loaders).items():
        for line in finding_lines(kind, finding):
            print(f"xen_tool: {target[0]}: {', '.join(finders)}: {line}", file=sys.stderr)
    for line in _without_pv32(image, asks):
        print(f"xen_tool: {target[0]}: {line}", file=sys.stderr)
    _name(image, str(target[0]))


def _without_pv32(image: str, asks: Question) -> Iterator[str]:
    """What a Xen says that was built as distributions build it, if nobody named another."""
    from ..report.report import read_report

    if not (asks.by_default and asks.xen.pv32 and PV_DOMU in asks.loaders):
        return
    xen = asks.xen._replace(pv32=False)
    verdict = read_report(image, xen).verdicts[PV_DOMU]
    yield f"warning: Debian's Xen {xen} has no CONFIG_PV32, and says:"
    yield f"  {verdict.message}"
    yield f"  fix:  {verdict.fix}"


def _name(linked: str, image: str) -> None:
    """Gives the linker's output its name, at once."""
    try:
        with builders.whole(image) as part:
            try:
                os.link(linked, part)
            except OSError:
                # Not every file system has hard links.
                shutil.copy2(linked, part)
    except OSError as error:
        raise XenToolError(f"{image}: cannot be written: {error.strerror}") from error


@while_reading
def xen_check(env: Any, target: str, image: Sequence[Any]) -> list[Any]:
    """env.XenCheck(): an alias that says what each asked loader makes of the image."""
    node = one_image(env, "XenCheck", image)
    asks = getattr(node.attributes, "xen_question", None)
    if asks is None:
        raise XenToolError(f"XenCheck: {node} is no image that XenImage made")

    def action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        from ..report import text
        from ..report.report import read_report

        report = read_report(str(source[0]), asks.xen, asks.loaders)._replace(image=str(node))
        if wants_json():
            print(json.dumps(report.document(), indent=2))
        else:
            print("\n".join(text.check(report)))
            for line in _without_pv32(str(source[0]), asks) if report.takes(PV_DOMU) else ():
                print(f"  {line}")
        bad = [loader for loader in asks.loaders if not report.takes(loader)]
        if bad:
            raise BuildError(errstr=f"not for {' and '.join(bad)}", status=1)

    # The linker's output: what is refused never becomes the image.
    alias = env.Alias(target, node.sources[0], env.Action(while_building(action), cmdstr=None))
    env.AlwaysBuild(alias)
    return list(alias)
