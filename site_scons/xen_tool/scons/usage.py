# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What `scons -h` says of a project: targets, settings and symbols."""

from __future__ import annotations

from typing import Any

from .config_targets import CHANGING
from .settings import RESERVED

_HELP = """\
Builds a kernel that runs on Xen, and boots it.

Targets:
  scons            configures, compiles and links the kernel
  scons boot       the same, then starts it as PV dom0 on Xen, under QEMU
  scons test       runs the tests
  scons -c         removes what was built

Targets for the saved configuration, .config:
{targets}
  scons NAME_defconfig NAME.config ...   merges files of kconfig/configs/
  scons listconfig [--json]              shows each symbol, its value, and where it was set
  scons why NAME=VALUE                   can it be had, and what is the smallest way there
  scons why TARGET=FILE                  why it was built when it last was

Settings of the tool:
{settings}

Settings of Kconfig, with the values that they have now.  NAME=value holds for
one run; value is 1, 0, y, n, a number or a string.  They change the saved
configuration: .config, or what $$KCONFIG_CONFIG names, or else
kconfig/configs/<ARCH>_defconfig.
{symbols}

Examples:
  scons XEN_PV=1 ARCH=x86_64          a 64-bit Xen PV kernel
  scons boot XEN_PV=1 ARCH=x86_64     the same, on Xen
  scons ARCH=i386 VMSPLIT_2G=1        a 32-bit one, linked at 2 GiB
  scons XEN=0 O=build/bare            one without Xen, elsewhere
"""


def xen_help(env: Any) -> None:
    """env.XenHelp(): lets `scons -h` explain targets, settings and symbols."""
    configuration = env["XEN_CONFIG"]
    symbols = [
        f"  {f'{name}={configuration.values[name]}':<22} {prompt}".replace("$", "$$")
        for name, prompt in configuration.prompts.items()
    ]
    known = [f"  {name + '=':<12} {text}" for name, text in RESERVED.items()]
    targets = [f"  scons {name:<15} {text}" for name, text in CHANGING.items()]
    env.Help(
        _HELP.format(
            targets="\n".join(targets), settings="\n".join(known), symbols="\n".join(symbols)
        )
    )
