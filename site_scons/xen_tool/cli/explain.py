# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool explain`: explain the rules by which loaders accept images."""

from __future__ import annotations

import argparse

from ..errors import XenToolError


def explain(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool explain`."""
    parser.add_argument("rule", nargs="?", metavar="RULE", help="such as C3")
    parser.add_argument("--image", metavar="FILE", help="write the smallest image that trips it")
    parser.add_argument("--all", action="store_true", help="write docs/rules.md, of every rule")
    parser.set_defaults(function=_explain, parser=parser)


def _explain(options: argparse.Namespace) -> int:
    from ..files import write_if_changed
    from ..report import rule_text

    if options.all == bool(options.rule) or (options.all and options.image):
        options.parser.error("name a rule, such as C3, or type --all")
    for line in rule_text.document() if options.all else rule_text.explain(options.rule):
        print(line)
    if options.image:
        shown = rule_text.example(options.rule)
        if shown is None:
            raise XenToolError(f"there is no example of {options.rule}")
        write_if_changed(options.image, shown.image)
    return 0
