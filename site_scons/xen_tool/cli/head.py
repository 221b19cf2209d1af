# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool head`: write the Xen head object of a configuration."""

from __future__ import annotations

import argparse

from ..abi import ARCHES
from ..errors import COMMAND, XenToolError, print_message
from ..head.head_names import MEANINGS
from .options import DEFAULT, pairs

_KCONFIG = "kconfig/Kconfig"
_DEFCONFIG = "kconfig/configs/{arch}_defconfig"


def head(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool head`."""
    parser.add_argument(
        "--arch", choices=ARCHES, help="default: the saved configuration's, else x86_64"
    )
    parser.add_argument("--kconfig", default=_KCONFIG, metavar="FILE", help=DEFAULT)
    parser.add_argument(
        "--config", metavar="FILE", help="the saved configuration (default: .config)"
    )
    parser.add_argument(
        "--defconfig",
        default=_DEFCONFIG,
        metavar="FILE",
        help="used if there is no saved configuration (default: %(default)s)",
    )
    parser.add_argument(
        "--note",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a note of another value, such as GUEST_OS=mine; may be repeated",
    )
    for name, what in MEANINGS.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", metavar="NAME", help=what.replace("%", "%%")
        )
    parser.add_argument("--gas", action="store_true", help="write a source file for GNU as")
    parser.add_argument("-o", "--output", required=True, metavar="FILE")
    parser.add_argument("settings", nargs="*", metavar="NAME=VALUE", help="symbols of Kconfig")
    parser.set_defaults(function=_head, parser=parser)


def _head(options: argparse.Namespace) -> int:
    from pathlib import Path

    from ..config.configuration import read
    from ..files import write_if_changed
    from ..head import emit, gas
    from ..head.config import HeadConfig

    settings = pairs(options, options.settings)
    texts = {name: getattr(options, name) for name in MEANINGS}
    texts = {name: value for name, value in texts.items() if value is not None}
    texts |= pairs(options, options.note)
    if options.kconfig == _KCONFIG and not Path(_KCONFIG).exists():
        raise XenToolError(
            f"there is no {_KCONFIG} here: name the Kconfig file in --kconfig, or go to the top of "
            "a tree that has one"
        )
    folder = Path(options.output).parent
    if not folder.is_dir():
        # Like compilers, do not create a folder: its name may be mistyped.
        raise XenToolError(f"{folder}: there is no such folder; make it, or name another in -o")
    if options.config and not Path(options.config).exists():
        raise XenToolError(f"{options.config}: there is no such configuration")
    has_defconfig = any(Path(options.defconfig.format(arch=arch)).exists() for arch in ARCHES)
    configuration = read(
        Path(options.kconfig).resolve(),
        srctree=Path.cwd(),
        saved_config=Path(options.config or ".config"),
        defconfig=options.defconfig if has_defconfig else None,
        arch=options.arch,
        settings=settings,
    )
    for warning in configuration.warnings:
        print_message(warning, "warning", program=COMMAND)
    for note in configuration.notes:
        print_message(note, "note", program=COMMAND)
    head = HeadConfig.from_symbols(configuration.arch, configuration.values, texts)
    if head is None:
        raise XenToolError("XEN is not set, so there is no head object; type XEN=1")
    write_if_changed(Path(options.output), gas.source(head) if options.gas else emit.emit(head))
    return 0
