# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool check`, `inspect`, `map`, `size` and `diff`: show what an image has, and verdicts."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

from ..errors import COMMAND, print_message
from ..loaders.names import LOADERS
from . import UNUSABLE
from .options import DEFAULT, IMAGE, add_json, add_loaders, add_release, positive, print_result


def check(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool check`."""
    _add_image(parser, _check, nargs="+", help=f"{IMAGE}, or a folder with such files")
    parser.add_argument(
        "-j",
        dest="jobs",
        type=positive,
        default=1,
        metavar="N",
        help=f"images at a time ({DEFAULT})",
    )


def inspect(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool inspect`."""
    _add_image(parser, _inspect)


def layout(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool map`."""
    parser.add_argument("image", help=IMAGE)
    add_loaders(parser, LOADERS)
    parser.set_defaults(function=_map)
    parser.add_argument(
        "--mem",
        type=positive,
        default=256,
        metavar="MIB",
        help=f"memory of the guest ({DEFAULT})",
    )
    parser.add_argument("--initrd", metavar="FILE", help="an initrd that is loaded with the image")
    parser.add_argument(
        "--svg", metavar="FILE", help="draw the map of the first loader that accepts the image"
    )


def size(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool size`."""
    parser.add_argument("image", help=IMAGE)
    parser.add_argument("--against", metavar="IMAGE", help="show the change from another image")
    parser.add_argument(
        "--map",
        action="append",
        metavar="FILE",
        help="the linker's map (-Map=FILE), for objects; a second one is of the other image",
    )
    parser.add_argument(
        "--top", type=positive, default=15, metavar="N", help=f"rows of a table ({DEFAULT})"
    )
    add_json(parser)
    parser.set_defaults(function=_size)


def diff(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool diff`."""
    parser.add_argument("before", metavar="A", help=IMAGE)
    parser.add_argument("after", metavar="B", help=IMAGE)
    add_release(parser)
    parser.set_defaults(function=_diff)


def _add_image(parser: argparse.ArgumentParser, function: Callable[..., int], **image: Any) -> None:
    """Add the image and the loaders, and set the function that runs the command.

    image: arguments of add_argument() for the image.
    """
    parser.add_argument("image", **{"help": IMAGE, **image})
    add_loaders(parser)
    parser.set_defaults(function=function)


def _check(options: argparse.Namespace) -> int:
    from ..report import report_text
    from ..report.image_report import read_report

    if len(options.image) > 1 or os.path.isdir(options.image[0]):
        return _check_many(options)
    further = options.loader is None and not options.json
    report = read_report(options.image[0], options.xen_release, options.loader, further=further)
    return print_result(options, report.document(), report_text.check(report), good=report.good)


def _check_many(options: argparse.Namespace) -> int:
    from ..report import many

    checked = []
    for each in many.check(options.image, options.xen_release, options.loader, options.jobs):
        # There may be many images: store only what is printed after the last one.
        checked.append(each if options.json else each._replace(document={}, lines=each.lines[:1]))
        if each.outcome == many.UNREADABLE:
            print_message(each.lines[0], program=COMMAND)
        elif not options.json:
            print(*each.lines, sep="\n", flush=True)
    outcomes = {each.outcome for each in checked}
    good = outcomes <= {many.ACCEPTED}
    status = print_result(options, many.document(checked), [many.summary(checked)], good=good)
    return UNUSABLE if many.UNREADABLE in outcomes else status


def _inspect(options: argparse.Namespace) -> int:
    from ..report import report_text
    from ..report.image_report import read_report

    report = read_report(
        options.image,
        options.xen_release,
        options.loader,
        symbols=not options.json,
        starts=True,
    )
    return print_result(options, report.document(), report_text.inspect(report), good=report.good)


def _map(options: argparse.Namespace) -> int:
    from ..abi import PAGE_SIZE
    from ..report.map import document, map_text, maps, svg

    found = maps.read_maps(
        options.image,
        options.xen_release,
        options.loader,
        pages=(options.mem << 20) // PAGE_SIZE,
        initrd=maps.size_of(options.initrd) if options.initrd else 0,
    )
    if options.svg:
        svg.write(options.svg, found)
    good = bool(found.maps) and not found.refused
    return print_result(options, document.document(found), map_text.lines(found), good=good)


def _size(options: argparse.Namespace) -> int:
    from ..report.size import linker_map, size_text, sizes

    placed = [linker_map.read(name) for name in options.map or ()]
    now = sizes.read_sizes(options.image, *placed[:1])
    before = sizes.read_sizes(options.against, *placed[1:2]) if options.against else None
    document = sizes.document(now, before) if options.json else None
    return print_result(options, document, size_text.lines(now, before, options.top), good=True)


def _diff(options: argparse.Namespace) -> int:
    from ..report import diff
    from ..report.image_report import read_report

    before, after = (
        read_report(path, options.xen_release) for path in (options.before, options.after)
    )
    found = diff.document(before, after)
    return print_result(options, found, diff.lines(before, after), good=not found["differences"])
