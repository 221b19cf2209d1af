# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The command xen-tool: what the package does, without SCons.

Exit status: 0 it is done, or the guest passed; 2 wrong usage; 3 the guest did
not pass; 4 something is missing, or cannot be read or written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .abi import ARCHES
from .errors import XenToolError
from .run import TIMEOUT

FAILED = 3
UNUSABLE = 4

_DEFCONFIG = "kconfig/configs/{arch}_defconfig"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.function(options))
    except XenToolError as error:
        print(f"xen-tool: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("xen-tool: interrupted", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="xen-tool", description="Kernels that run on Xen.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    head = commands.add_parser("head", help="write the Xen head object of a configuration")
    head.add_argument("--arch", choices=ARCHES, help="(the saved configuration's, else x86_64)")
    head.add_argument("--kconfig", type=Path, default=Path("kconfig/Kconfig"), metavar="FILE")
    head.add_argument("--config", type=Path, metavar="FILE", help="(.config, else the defconfig)")
    head.add_argument(
        "--defconfig", default=_DEFCONFIG, metavar="FILE", help="({arch} is replaced)"
    )
    head.add_argument("--gas", action="store_true", help="as a source file of GNU as")
    head.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    head.add_argument("settings", nargs="*", metavar="NAME=VALUE", help="symbols of Kconfig")
    head.set_defaults(function=_head, parser=head)

    boot = commands.add_parser("boot", help="start an image as PV dom0 on Xen, under QEMU")
    boot.add_argument("image", type=Path)
    boot.add_argument("--timeout", type=float, default=TIMEOUT, metavar="SECONDS")
    boot.add_argument("--qemu", metavar="PROGRAM")
    boot.add_argument("--xen", metavar="FILE", help="the hypervisor")
    boot.set_defaults(function=_boot)
    return parser


def _head(options: argparse.Namespace) -> int:
    from .config.configuration import read
    from .files import write_if_changed
    from .head import emit, gas
    from .head.model import HeadConfig

    settings: dict[str, str] = {}
    for setting in options.settings:
        name, equals, value = setting.partition("=")
        if not equals or settings.setdefault(name, value) != value:
            options.parser.error(f"{setting}: not NAME=VALUE, or {name} a second time")
    if options.config and not options.config.exists():
        raise XenToolError(f"{options.config}: there is no such configuration")
    has_defconfig = any(Path(options.defconfig.format(arch=arch)).exists() for arch in ARCHES)
    configuration = read(
        options.kconfig.resolve(),
        srctree=Path.cwd(),
        saved_config=options.config or Path(".config"),
        defconfig=options.defconfig if has_defconfig else None,
        arch=options.arch,
        settings=settings,
    )
    for note in configuration.notes:
        print(f"xen-tool: note: {note}", file=sys.stderr)
    head = HeadConfig.from_symbols(configuration.arch, configuration.values)
    if head is None:
        raise XenToolError("XEN is not set, so there is no head object; type XEN=1")
    write_if_changed(options.output, gas.source(head) if options.gas else emit.emit(head))
    return 0


def _boot(options: argparse.Namespace) -> int:
    from .run.boot import boot
    from .run.console import show

    outcome = boot(
        options.image, timeout=options.timeout, qemu=options.qemu, xen=options.xen, echo=show
    )
    print(f"{options.image}: {outcome.reason}")
    return 0 if outcome.passed else FAILED


if __name__ == "__main__":
    sys.exit(main())
