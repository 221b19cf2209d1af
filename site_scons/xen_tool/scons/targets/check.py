# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The loaders that must accept an image, and env.XenCheck(), which prints their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from SCons.Errors import BuildError

from ...build.plan import Group
from ...build.step import Step
from ...errors import XenToolError, print_message
from ...functions import CHECK, CLAIMED, COMMANDS_FILE, UNCHECKED, without_pv32
from ...loaders import required
from ...loaders.model.releases import Xen
from ...loaders.names import PV_DOMU, listed
from ...modules import modules
from ..graph.nodes import Graph
from ..settings import print_json, wants_json
from ..user_errors import one_image, while_building, while_reading

_T = TypeVar("_T")


@dataclass(frozen=True)
class Requirement:
    """The loaders that must accept an image; an attribute of the node of the image."""

    loaders: tuple[str, ...] | None
    """None: the loaders that the image has notes for."""
    xen: Xen
    by_default: bool
    """Whether the release of Xen is the default."""
    symbols: str
    """Symbols of the configuration, as required.symbols() returns them."""

    def words(self) -> tuple[str, ...]:
        """Return the arguments of functions.check()."""
        names = CLAIMED if self.loaders is None else ",".join(self.loaders)
        by_default = "default" if self.by_default else ""
        return names, str(self.xen), by_default, self.symbols


def requirement_for(
    env: Any,
    method: str,
    loaders: Sequence[str] | None,
    xen_release: str | None,
    xen: str | None = None,
    *,
    by_claim: bool = False,
) -> Requirement:
    """Return the loaders that must accept an image.

    The first that names loaders decides: the command line, the argument of the method, Kconfig,
    the notes of the image.  by_claim leaves out Kconfig.  xen is the old name of the argument
    xen_release.

    Raises XenToolError for a wrong value.
    """
    if xen is not None:
        note = f"{method}(xen=) is now {method}(xen_release=); the old name will go"
        print_message(note, "note")
        xen_release = xen if xen_release is None else xen_release
    settings, configuration = env["XEN_SETTINGS"], env["XEN_CONFIG"]
    names: Sequence[str] | None
    if (value := settings.get("LOADERS")) is not None:
        names = _valid("LOADERS=", required.parse, value)
    elif loaders is not None:
        names = _valid(f"{method}(loaders=)", _loaders, loaders)
    elif by_claim or not {"XEN_PV", "XEN_PVH"} & set(configuration.values):
        names = None
    else:
        names = required.of_configuration(configuration.arch, configuration.values)
    if (release := settings.get("XEN_RELEASE")) is not None:
        modelled = _valid("XEN_RELEASE=", Xen.parse, release)
    elif xen_release is not None:
        modelled = _valid(f"{method}(xen_release=)", _xen, xen_release)
    else:
        modelled = required.xen_for(configuration.arch)
    once = None if names is None else tuple(dict.fromkeys(names))
    return Requirement(
        once,
        modelled,
        release is None and xen_release is None,
        required.symbols(configuration.values),
    )


def image(env: Any, path: str, requirement: Requirement) -> Any:
    """Return the node of an image that step() makes from the unchecked file."""
    graph: Graph = env["XEN_GRAPH"]
    node = graph.node(env, path)
    node.attributes.xen_requirement = requirement
    if not node.is_under(env.fs.Top):
        # By default SCons builds only files below the top.
        env.Default(node)
    return node


def step(graph: Graph, path: str, requirement: Requirement) -> Step:
    """Return the step that checks an image."""
    files = modules("report/image_report.py", "report/report_text.py")
    return Step(
        "CHECK",
        (path,),
        (f"{path}{UNCHECKED}",),
        CHECK,
        files=requirement.words(),
        group=graph.plan.group("check", Group(files)),
        symbols=(),
        after=(f"{graph.plan.folder}/{COMMANDS_FILE}",),
    )


def _valid(what: str, parse: Callable[[Any], _T], value: Any) -> _T:
    """Return parse(value); the message of an error begins with what was parsed."""
    try:
        return parse(value)
    except XenToolError as error:
        raise XenToolError(f"{what}: {error}") from error


def _loaders(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return required.parse(value)
    # The order of a set differs between runs, and the step would be dirty each time.
    if not isinstance(value, Sequence):
        raise XenToolError(f"{value!r} is no list; write some of {listed()} in a list")
    return required.known(value)


def _xen(value: Any) -> Xen:
    if not isinstance(value, str):
        raise XenToolError(f"{value!r} is no string; write '4.17', or '4.17+pv32'")
    return Xen.parse(value)


@while_reading
def xen_check(
    env: Any,
    target: str,
    image: Sequence[Any],
    *,
    loaders: Sequence[str] | None = None,
    xen_release: str | None = None,
    xen: str | None = None,
) -> list[Any]:
    """env.XenCheck(): add an alias that prints the verdicts of loaders on an image.

    image is what XenImage() returned, or any other file, made or not.  loaders and xen_release are
    as for XenImage(); by default they are those of the image.
    """
    node = one_image(env, "XenCheck", image)
    made = getattr(node.attributes, "xen_requirement", None)
    requirement = made if loaders is None and xen_release is None and xen is None else None
    requirement = requirement or requirement_for(env, "XenCheck", loaders, xen_release, xen)

    def action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        _print_verdicts(source[0].rfile().get_abspath(), str(node), requirement)

    # Check the linker's output: an image that is refused is never made.
    graph: Graph = env["XEN_GRAPH"]
    path = f"{node.get_path(env.fs.Top)}{UNCHECKED}"
    checked = node if made is None else graph.node(env, path)
    alias = env.Alias(target, checked, env.Action(while_building(action), cmdstr=None))
    env.AlwaysBuild(alias)
    return list(alias)


def _print_verdicts(file: str, name: str, requirement: Requirement) -> None:
    """Print the verdicts on a file, under the name of the image that it is to become.

    Raises BuildError if a loader refuses it, or if its notes decide and name no loader.
    """
    from ...report import report_text
    from ...report.image_report import read_report

    report = read_report(file, requirement.xen, requirement.loaders)._replace(image=name)
    report = report.with_fixes(
        {loader: required.fix(loader, requirement.symbols) for loader in report.asked}
    )
    if wants_json():
        print_json(report.document())
    else:
        print("\n".join(report_text.check(report)))
        if requirement.by_default and report.takes(PV_DOMU):
            for line in without_pv32(file, report.asked, requirement.xen):
                print(f"  {line}")
    if report.by_claim and not report.asked:
        raise BuildError(errstr="its notes claim no loader", status=1)
    bad = [loader for loader in report.asked if not report.takes(loader)]
    if bad:
        raise BuildError(errstr=f"would not start with {' and '.join(bad)}", status=1)
