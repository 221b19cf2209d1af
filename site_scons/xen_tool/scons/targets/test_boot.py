# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The target test-boot: boot every image of env.XenBoot() in its mode, several at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SCons.Errors import BuildError
from SCons.Script import GetOption

from ... import signals
from ...boot.console import log
from ...build.spawn import INTERRUPTING
from ..settings import documents, wants_json
from ..user_errors import while_building

if TYPE_CHECKING:
    from .boot import BootArguments

NAME = "test-boot"

_added: list[tuple[str, Any, Any, BootArguments]] = []
"""For each env.XenBoot(): alias, node of the image, environment, and settings."""


def add(env: Any, target: str, node: Any, settings: BootArguments) -> None:
    """Add an image to the target; target: the alias of env.XenBoot() that boots it."""
    step = [] if _added else env.Action(while_building(_action), cmdstr=None)
    _added.append((target, node, env, settings))
    env.AlwaysBuild(env.Alias(NAME, node, step))


def _action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
    """Boot all images and print the results; raise BuildError if one does not pass."""
    from ...boot.suite import results
    from ...boot.suite.cases import Case, Options, with_stems
    from ...boot.suite.parallel import Suite, SuiteOptions

    cases = []
    for name, node, of_image, settings in _added:
        timeout = of_image["XEN_SETTINGS"].timeout
        options = Options(timeout, settings.cpus, settings.qemu, settings.xen, settings.settings)
        cases.append(Case(str(name), Path(node.abspath), settings.mode, options))
        of_image["XEN_GRAPH"].session.close()
    typed = env["XEN_SETTINGS"]
    suite_options = SuiteOptions(
        GetOption("num_jobs"), int(typed.get("RUNS") or 1), int(typed.get("RETRIES") or 0)
    )
    folder = log.folder(env["XEN_GRAPH"].plan.folder)
    suite = Suite(with_stems(cases), suite_options, folder, _is_interrupted)
    with contextlib.redirect_stdout(documents()):
        good = results.report(suite, as_json=wants_json(), junit=typed.get("JUNIT"))
    documents().flush()
    if suite.interrupted:
        raise BuildError(errstr="interrupted", status=1)
    if not good:
        raise BuildError(errstr="not all passed", status=1)


def _is_interrupted() -> bool:
    """Whether a signal to end this process has come since the last call.

    SCons' own handlers would wait for the end of the action.
    """
    try:
        numbers = os.read(signals.descriptor(), 64)
    except OSError:
        return False
    return any(number in INTERRUPTING for number in numbers)
