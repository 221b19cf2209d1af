# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool annotate`: add Xen notes to an image that was linked elsewhere."""

from __future__ import annotations

import argparse
import os

from ..errors import COMMAND, print_message
from .options import add_loaders, pairs, print_result


def annotate(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool annotate`."""
    parser.description = (
        "Writes a linked ELF kernel with Xen notes added or replaced, if the loaders that it is "
        "then for will take it; docs/annotate.md has examples."
    )
    parser.add_argument("image", help="an ELF file, linked")
    parser.add_argument("-o", "--output", required=True, metavar="FILE")
    parser.add_argument(
        "--pvh-entry",
        metavar="SYMBOL|ADDRESS",
        help="the 32-bit PVH entry: a symbol, or its physical address (note PHYS32_ENTRY)",
    )
    parser.add_argument(
        "--pv-entry",
        metavar="SYMBOL|ADDRESS",
        help="the PV entry: a symbol, or its virtual address (note ENTRY); brings the notes that "
        "PV needs and the image has not",
    )
    parser.add_argument(
        "--note",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another note, such as GUEST_OS=mine; may be repeated",
    )
    parser.add_argument(
        "--remove", action="append", default=[], metavar="NAME", help="a note to remove"
    )
    add_loaders(parser)
    parser.set_defaults(function=_annotate, parser=parser)


def _annotate(options: argparse.Namespace) -> int:
    from ..annotate.annotate import annotate
    from ..annotate.changes import note_changes
    from ..files import read_regular, write_if_changed
    from ..report import report_text
    from ..report.image_report import report_of

    changes = note_changes(
        pvh_entry=options.pvh_entry,
        pv_entry=options.pv_entry,
        notes=pairs(options, options.note),
        remove=options.remove,
    )
    content, mode = read_regular(options.image, "a linked kernel")
    made = annotate(content, options.image, changes)
    for remark in made.remarks:
        print_message(remark, "note", program=COMMAND)
    report = report_of(options.output, made.content, options.xen_release, options.loader)
    if report.good:
        if write_if_changed(options.output, made.content) and os.path.isfile(options.output):
            os.chmod(options.output, mode)
    else:
        print_message(f"{options.output} is not written, as it is refused", program=COMMAND)
    return print_result(options, report.document(), report_text.check(report), good=report.good)
