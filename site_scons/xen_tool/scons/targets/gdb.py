# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The target gdb: boot the image, stopped at its entry, with gdb on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from SCons.Errors import BuildError

from ...progress import is_terminal
from ..user_errors import one_image, while_building, while_reading
from .boot import boot_arguments


@while_reading
def xen_gdb(
    env: Any, target: str, image: Sequence[Any], *, mode: str | None = None, **settings: Any
) -> list[Any]:
    """env.XenGdb(): add an alias that boots the image as env.XenBoot() does, with gdb."""
    node = one_image(env, "XenGdb", image)
    arguments = boot_arguments(env, mode, settings)

    def action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        from ...boot.console import console
        from ...boot.debugger.foreground import debug

        # Release the lock: others may build while the guest runs.
        env["XEN_GRAPH"].session.close()
        echo = console.shower(dim=is_terminal(sys.stdout), quiet=env["XEN_SETTINGS"].quiet)
        outcome, status = debug(Path(str(source[0])), **arguments._asdict(), echo=echo)
        if status:
            raise BuildError(errstr=f"gdb ended with status {status}", status=1)
        console.show(f"{source[0]}: {outcome.reason}")

    alias = env.Alias(target, node, env.Action(while_building(action), cmdstr=f"  GDB     {node}"))
    env.AlwaysBuild(alias)
    return list(alias)
