# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenBoot(): a target that boots an image on Xen under QEMU; and the settings of a boot."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from SCons.Errors import BuildError

from ... import signals
from ...boot import modes
from ...boot.boot_settings import BootSettings
from ...boot.modes import Mode
from ...loaders import required
from ...printable import printable
from ...progress import is_terminal
from ...shortcut import watch_messages
from .. import tracing
from ..user_errors import one_image, while_building, while_reading
from . import test_boot


class BootArguments(NamedTuple):
    """How an image is started: arguments of boot.boot(), whose docstring explains them."""

    mode: Mode
    cpus: int | None
    qemu: str | None
    xen: str | None
    settings: BootSettings
    until: int = -1


def boot_arguments(env: Any, mode: str | None, settings: Mapping[str, Any]) -> BootArguments:
    """Return the settings of the command line, else those of a SConstruct.

    The default mode is the first one that suits the configuration.

    Raises XenToolError for a wrong mode or value.
    """
    config, typed = env["XEN_CONFIG"], env["XEN_SETTINGS"]
    name = typed.get("MODE") or mode
    loaders = required.of_configuration(config.arch, config.values)
    return BootArguments(
        mode=modes.named(name) if name else modes.suited(loaders, config.arch.bits),
        cpus=typed.cpus,
        qemu=typed.get("QEMU"),
        xen=typed.get("HYPERVISOR"),
        settings=typed.for_boot(settings),
        until=signals.descriptor(),
    )


@while_reading
def xen_boot(
    env: Any, target: str, image: Sequence[Any], *, mode: str | None = None, **settings: Any
) -> list[Any]:
    """env.XenBoot(): add an alias that boots the image under QEMU, in a mode of boot.modes.

    MODE= on the command line wins over mode; the default is the first mode that suits the
    configuration.  settings are values for boot_settings.WORDS; those on the command line win.
    """
    node = one_image(env, "XenBoot", image)
    arguments = boot_arguments(env, mode, settings)

    def action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        _boot(env, source[0], arguments)

    step = env.Action(while_building(action), cmdstr=f"  BOOT    {node}")
    alias = env.Alias(target, node, step)
    env.AlwaysBuild(alias)
    test_boot.add(env, target, node, arguments)
    return list(alias)


def _boot(env: Any, node: Any, arguments: BootArguments) -> None:
    """Boot an image, with its console on the terminal and in a file.

    Raises BuildError if a verdict was requested and the guest did not pass.
    """
    from ...boot.boot import boot
    from ...boot.console import console, log

    # Release the lock: others may build while the guest runs.
    env["XEN_GRAPH"].session.close()
    watch_messages.tell(watch_messages.GUEST)
    typed = env["XEN_SETTINGS"]
    folder = log.folder(env["XEN_GRAPH"].plan.folder)
    stem = folder / log.stem(str(node), arguments.mode)
    show = console.shower(dim=is_terminal(sys.stdout), quiet=typed.quiet)
    with log.Log(stem.with_name(f"{stem.name}.log"), show) as kept:
        echo, ended = tracing.console(kept.line)
        outcome = boot(
            Path(node.abspath),
            **arguments._asdict(),
            timeout=typed.timeout,
            echo=echo,
            started=log.show_command if typed.verbose else None,
            files=stem.with_name(f"{stem.name}.files") if typed.verbose else None,
        )
        ended()
    if outcome.failed:
        for line in (*outcome.details, f"the console is in {kept.path}"):
            console.show(line, sys.stderr)
        raise BuildError(errstr=printable(outcome.reason), status=1)
    console.show(f"{node}: {outcome.reason}")
