# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool new`: write a small kernel to start from."""

from __future__ import annotations

import argparse


def new(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool new`."""
    parser.add_argument("folder", metavar="DIR", help="a new folder; its name is the kernel's")
    parser.add_argument("--pvh", action="store_true", help="a PVH kernel (default: PV)")
    parser.add_argument("--32", action="store_true", dest="narrow", help="of 32 bits (default: 64)")
    parser.set_defaults(function=_new)


def _new(options: argparse.Namespace) -> int:
    import shlex

    from ..files import shown
    from ..new import create

    for path in create(options.folder, pvh=options.pvh, bits=32 if options.narrow else 64):
        print(path)
    print(f"next: cd {shlex.quote(shown(options.folder))}; scons boot")
    return 0
