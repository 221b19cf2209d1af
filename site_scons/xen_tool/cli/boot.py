# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool boot`, `gdb` and `test`: start images on Xen, under QEMU."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from ..boot import boot_settings, modes
from ..boot.result import protocols
from ..errors import COMMAND, XenToolError, print_message
from ..loaders.model.releases import Xen
from . import FAILED, INTERRUPTED, UNUSABLE
from .options import DEFAULT, IMAGE, add_json, add_renamed, of_text

_SHORT = {"pass_regex": ["--pass"], "fail_regex": ["--fail"]}
"""Shorter names for options, by setting of boot_settings."""
_LOGS = "build/boot"
"""The default folder for consoles."""
_MODE = of_text(modes.named)
_MODES = f"of {modes.listed()}, those that the image is for"


def boot(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool boot`."""
    parser.add_argument("image", help=IMAGE)
    _add_boot(parser)
    parser.add_argument("--logs", metavar="FOLDER", help="keep the console in a file there")
    parser.add_argument("--mode", type=_MODE, metavar="MODE", help=f"{_MODES} (default: the first)")
    parser.add_argument(
        "--no-verdict",
        dest="protocol",
        action="store_const",
        const=protocols.NONE.name,
        help="only show the console: --protocol none",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="leave Xen's own lines out")
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help=f"show QEMU's command line, and keep what it loads in --logs (default: {_LOGS})",
    )
    parser.set_defaults(function=_boot, parser=parser)


def gdb(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool gdb`."""
    parser.add_argument("image", help=IMAGE)
    _add_boot(parser, timeout=False)
    parser.add_argument("--mode", type=_MODE, metavar="MODE", help=f"{_MODES} (default: the first)")
    parser.set_defaults(function=_gdb, parser=parser)


def test(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `xen-tool test`."""
    parser.add_argument("images", nargs="+", metavar="image", help=IMAGE)
    _add_boot(parser)
    parser.add_argument(
        "--logs", default=_LOGS, metavar="FOLDER", help=f"the folder of the consoles ({DEFAULT})"
    )
    parser.add_argument(
        "--mode",
        type=_MODE,
        action="append",
        metavar="MODE",
        help=f"may be repeated: {_MODES} (default: each)",
    )
    parser.add_argument(
        "-j", "--jobs", type=int, default=os.cpu_count(), metavar="N", help=f"at once ({DEFAULT})"
    )
    parser.add_argument(
        "--retries",
        type=int,
        default=0,
        metavar="N",
        help="repeat a failed boot; one that passes then is flaky, which counts as failed",
    )
    parser.add_argument(
        "--runs", type=int, default=1, metavar="N", help="runs of each, by the real clock"
    )
    parser.add_argument("--junit", metavar="FILE", help="write JUnit's XML")
    add_json(parser)
    parser.set_defaults(function=_test, parser=parser)


def _add_boot(parser: argparse.ArgumentParser, *, timeout: bool = True) -> None:
    """Add the arguments that boot, gdb and test have in common; gdb has no --timeout."""
    if timeout:
        parser.add_argument(
            "--timeout",
            type=float,
            metavar="SECONDS",
            help="when a boot without a result has failed (default: the mode's)",
        )
    parser.add_argument(
        "--cpus", type=int, metavar="N", help=f"CPUs of the guest (default: {modes.CPUS})"
    )
    parser.add_argument(
        "--qemu", metavar="COMMAND", help="QEMU, perhaps with options (default: qemu-system-x86_64)"
    )
    add_renamed(
        parser,
        "--hypervisor",
        "--xen",
        metavar="FILE",
        help="the hypervisor: a file, or a version such as 4.20 (default: the newest in /boot)",
    )
    for name, what in boot_settings.WORDS.items():
        names = [f"--{name.replace('_', '-')}", *_SHORT.get(name, ())]
        parser.add_argument(*names, metavar=name.upper(), help=what)


def _boot_settings(options: argparse.Namespace) -> boot_settings.BootSettings:
    """Return the settings of a boot; exit with a usage error if one is wrong."""
    try:
        return boot_settings.BootSettings.parse(
            {name: getattr(options, name) for name in boot_settings.WORDS}
        )
    except XenToolError as error:
        parser: argparse.ArgumentParser = options.parser
        parser.error(str(error))


def _boot(options: argparse.Namespace) -> int:
    import contextlib
    from pathlib import Path

    from ..boot.boot import boot
    from ..boot.console import console, log
    from ..progress import is_terminal

    _end_by_signals()
    how = _how(options)
    echo = console.shower(dim=is_terminal(sys.stdout), quiet=options.quiet)
    folder = options.logs or (_LOGS if options.verbose else None)
    stem = os.path.join(folder or "", log.stem(options.image, how["mode"]))
    with contextlib.ExitStack() as stack:
        if folder:
            echo = stack.enter_context(log.Log(Path(f"{stem}.log"), echo)).line
        outcome = boot(
            **how,
            timeout=options.timeout,
            echo=echo,
            started=log.show_command if options.verbose else None,
            files=Path(f"{stem}.files") if options.verbose else None,
        )
    console.show(f"{options.image}: {outcome.reason}")
    for line in outcome.details:
        console.show(line, sys.stderr)
    return FAILED if outcome.failed else 0


def _gdb(options: argparse.Namespace) -> int:
    from ..boot.console import console
    from ..boot.debugger.foreground import debug
    from ..progress import is_terminal

    _end_by_signals()
    echo = console.shower(dim=is_terminal(sys.stdout), quiet=False)
    outcome, status = debug(**_how(options), echo=echo)
    console.show(f"{options.image}: {outcome.reason}")
    return UNUSABLE if status else 0


def _end_by_signals() -> None:
    """Let SIGTERM and SIGHUP end a boot as Ctrl-C does, so that QEMU ends before this process.

    A signal that is ignored, as SIGHUP by nohup, remains ignored.
    """
    import signal

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def _how(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of boot() and debug() that say how to start an image.

    The mode is that of --mode, or else the first that suits the image.
    """
    from pathlib import Path

    from ..report.image_report import read_report

    settings = _boot_settings(options)
    mode = options.mode
    if mode is None:
        report = read_report(options.image, Xen())
        mode = modes.suited(report.asked, report.elf_class)
    return {
        "image": Path(options.image),
        "mode": mode,
        "cpus": options.cpus,
        "qemu": options.qemu,
        "xen": options.hypervisor,
        "settings": settings,
    }


def _test(options: argparse.Namespace) -> int:
    import signal
    from pathlib import Path

    from ..boot.suite import cases, results
    from ..boot.suite.parallel import Suite, SuiteOptions

    interrupting: list[int] = []
    case_options = cases.Options(
        options.timeout, options.cpus, options.qemu, options.hypervisor, _boot_settings(options)
    )
    todo = cases.of_images(options.images, options.mode or (), case_options)
    suite_options = SuiteOptions(options.jobs, options.runs, options.retries)
    try:
        suite = Suite(todo, suite_options, Path(options.logs), lambda: bool(interrupting))
    except XenToolError as error:
        parser: argparse.ArgumentParser = options.parser
        parser.error(str(error))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: interrupting.append(number))
    good = results.report(suite, as_json=options.json, junit=options.junit)
    if suite.interrupted:
        print_message("interrupted", program=COMMAND)
        return INTERRUPTED
    return 0 if good else FAILED
