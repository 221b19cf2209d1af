# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool rebuild`: build an image again from its bill of materials, and compare."""

from __future__ import annotations

import argparse
import os

from .options import DEFAULT, add_json, print_result


def rebuild(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool rebuild`."""
    parser.add_argument(
        "sbom", metavar="FILE", help="the sbom-build.spdx.json that scons sbom wrote, or its folder"
    )
    parser.add_argument(
        "--tree",
        metavar="FOLDER",
        default=os.curdir,
        help=f"the checkout: the folder of its SConstruct ({DEFAULT})",
    )
    parser.add_argument(
        "--image",
        metavar="FILE",
        help="the image that was recorded (default: where its build put it); it shows differences",
    )
    add_json(parser)
    parser.set_defaults(function=_rebuild)


def _rebuild(options: argparse.Namespace) -> int:
    from ..sbom import parse, reproduce

    recorded = parse.read(options.sbom)
    found = reproduce.rebuild(recorded, os.path.realpath(options.tree), options.image)
    return print_result(options, reproduce.document(found), reproduce.text(found), good=found.same)
