# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The command xen-tool: what the package does, without SCons.

Exit status: 0 it is done, the guest passed, every loader that was asked takes the
image, or two images do not differ; 2 wrong usage; 3 the guest did not pass, a loader
refuses the image or would start a dead guest, or the images differ; 4 something is
missing, or cannot be read or written; 130 interrupted; 141 nobody reads the output
any more.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import __version__
from .abi import ARCHES
from .boot import CPUS, given, modes, protocols
from .errors import XenToolError
from .head.names import MEANINGS
from .loaders.model.releases import Xen
from .loaders.names import LOADERS

FAILED = 3
UNUSABLE = 4
INTERRUPTED = 130
UNREAD = 141
"""128 + SIGINT and SIGPIPE: what a shell says of a program that these have ended."""

_COLUMNS = 79
_IMAGE = "an ELF file, compressed or not, or a bzImage"
_DEFAULT = "default: %(default)s"
_STATUS = (
    "Exit status: 0 for success; 2 for wrong usage; 3 if a loader refuses the image or would start "
    "a guest that cannot run, if the guest did not pass, or if the images differ; 4 if something "
    "is missing, or cannot be read or written."
)
_KCONFIG = "kconfig/Kconfig"
_DEFCONFIG = "kconfig/configs/{arch}_defconfig"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line; returns the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["build"] and words[1:] != ["--help"]:
        from .shortcut.__main__ import main as build

        return build(words[1:])
    if sys.stdout is None:
        print("xen-tool: standard output is closed", file=sys.stderr)
        return UNUSABLE
    try:
        try:
            return _run(arguments)
        finally:
            print(end="", flush=True)
    except BrokenPipeError:
        status = UNREAD
    except OSError as error:
        name = error.filename or "standard output"
        print(f"xen-tool: {name}: {error.strerror}", file=sys.stderr)
        status = UNUSABLE
    # Python would write what is left when it ends, and complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _run(arguments: Sequence[str] | None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    # Else argparse would take the image for its value.
    options = parser().parse_args(["--gdb=1" if word == "--gdb" else word for word in words])
    try:
        return int(options.function(options))
    except XenToolError as error:
        print(f"xen-tool: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("xen-tool: interrupted", file=sys.stderr)
        return INTERRUPTED


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_formatter, **options)


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Of help: asked for the terminal's width it would import shutil, on every run."""
    return argparse.HelpFormatter(prog, width=_COLUMNS)


def parser() -> argparse.ArgumentParser:
    """Of the command line; the manual page and the shells' completions are made of it, too."""
    parser = _Parser(
        prog="xen-tool",
        description="Builds, checks and boots kernels that run on Xen.",
        epilog=_STATUS,
    )
    parser.add_argument("--version", action="version", version=f"xen-tool {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    head = commands.add_parser("head", help="write the Xen head object of a configuration")
    head.add_argument(
        "--arch", choices=ARCHES, help="default: the saved configuration's, else x86_64"
    )
    head.add_argument("--kconfig", default=_KCONFIG, metavar="FILE", help=_DEFAULT)
    head.add_argument("--config", metavar="FILE", help="the saved configuration (default: .config)")
    head.add_argument(
        "--defconfig",
        default=_DEFCONFIG,
        metavar="FILE",
        help="read if there is no saved configuration (default: %(default)s)",
    )
    head.add_argument(
        "--note",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a note of another value, such as GUEST_OS=mine; may be repeated",
    )
    for name, what in MEANINGS.items():
        head.add_argument(
            f"--{name.replace('_', '-')}", metavar="NAME", help=what.replace("%", "%%")
        )
    head.add_argument("--gas", action="store_true", help="write a source file for GNU as")
    head.add_argument("-o", "--output", required=True, metavar="FILE")
    head.add_argument("settings", nargs="*", metavar="NAME=VALUE", help="symbols of Kconfig")
    head.set_defaults(function=_head, parser=head)

    boot = commands.add_parser("boot", help="start an image on Xen, under QEMU")
    boot.add_argument("image", help=_IMAGE)
    _add_boot(boot)
    boot.add_argument("--logs", metavar="FOLDER", help="keep the console in a file there")
    boot.add_argument("--mode", type=_mode, metavar="MODE", help=f"{_MODES} (default: the first)")
    boot.add_argument(
        "--no-verdict",
        dest="protocol",
        action="store_const",
        const=protocols.NONE.name,
        help="only show the console: --protocol none",
    )
    boot.add_argument("-q", "--quiet", action="store_true", help="leave Xen's own lines out")
    boot.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help=f"show QEMU's command line, and keep what it loads in --logs (default: {_LOGS})",
    )
    boot.set_defaults(function=_boot, parser=boot)

    gdb = commands.add_parser("gdb", help="start it stopped at its entry, with gdb")
    gdb.add_argument("image", help=_IMAGE)
    _add_boot(gdb, timeout=False)
    gdb.add_argument("--mode", type=_mode, metavar="MODE", help=f"{_MODES} (default: the first)")
    gdb.set_defaults(function=_gdb, parser=gdb)

    test = commands.add_parser("test", help="boot images in each mode that suits them")
    test.add_argument("images", nargs="+", metavar="image", help=_IMAGE)
    _add_boot(test)
    test.add_argument(
        "--logs", default=_LOGS, metavar="FOLDER", help=f"where the consoles are kept ({_DEFAULT})"
    )
    test.add_argument(
        "--mode",
        type=_mode,
        action="append",
        metavar="MODE",
        help=f"may be repeated: {_MODES} (default: each)",
    )
    test.add_argument(
        "-j", "--jobs", type=int, default=os.cpu_count(), metavar="N", help=f"at once ({_DEFAULT})"
    )
    test.add_argument(
        "--retries",
        type=int,
        default=0,
        metavar="N",
        help="run again what does not pass; if it passes then, it is flaky, which is no pass",
    )
    test.add_argument(
        "--runs", type=int, default=1, metavar="N", help="run each so often, by the real clock"
    )
    test.add_argument("--junit", metavar="FILE", help="write JUnit's XML")
    test.add_argument("--json", action="store_true", help="print JSON, for programs")
    test.set_defaults(function=_test, parser=test)

    build = commands.add_parser(
        "build",
        help="do what scons does, but faster if nothing that it reads has changed",
        usage="xen-tool build [SCONS ARGUMENTS]",
    )
    build.set_defaults(function=lambda options: 0)

    annotate = commands.add_parser(
        "annotate",
        help="write an image that was linked elsewhere with Xen notes",
        description="Writes a linked ELF kernel with Xen notes added or replaced, if the loaders "
        "that it is then for will take it; docs/annotate.md has examples.",
    )
    _add_annotate(annotate)

    check = commands.add_parser("check", help="say what loaders will say of an image")
    _add_image(check, _check)
    inspect = commands.add_parser("inspect", help="show an image's notes, segments and verdicts")
    _add_image(inspect, _inspect)
    layout = commands.add_parser("map", help="show what loaders lay out in memory for an image")
    _add_image(layout, _map)
    layout.add_argument(
        "--mem",
        type=_positive,
        default=256,
        metavar="MIB",
        help=f"memory of the guest ({_DEFAULT})",
    )
    layout.add_argument("--initrd", metavar="FILE", help="an initrd that is loaded with the image")
    layout.add_argument(
        "--svg", metavar="FILE", help="draw the map of the first loader that takes the image"
    )
    size = commands.add_parser("size", help="show what of an image is how large")
    size.add_argument("image", help=_IMAGE)
    size.add_argument("--against", metavar="IMAGE", help="show the change from another image")
    size.add_argument(
        "--map",
        action="append",
        metavar="FILE",
        help="the linker's map (-Map=FILE), for objects; a second one is of the other image",
    )
    size.add_argument(
        "--top", type=_positive, default=15, metavar="N", help=f"rows of a table ({_DEFAULT})"
    )
    size.add_argument("--json", action="store_true", help="print JSON, for programs")
    size.set_defaults(function=_size)
    diff = commands.add_parser("diff", help="show what is different between two images")
    diff.add_argument("before", metavar="A", help=_IMAGE)
    diff.add_argument("after", metavar="B", help=_IMAGE)
    _add_xen(diff)
    diff.set_defaults(function=_diff)
    return parser


_SHORT = {"pass_regex": ["--pass"], "fail_regex": ["--fail"]}
_LOGS = "build/boot"
_MODES = f"of {modes.listed()}, those that the image is for"


def _add_boot(parser: argparse.ArgumentParser, *, timeout: bool = True) -> None:
    if timeout:
        parser.add_argument(
            "--timeout",
            type=float,
            metavar="SECONDS",
            help="when a boot without a result has failed (default: the mode's)",
        )
    parser.add_argument(
        "--cpus", type=int, default=CPUS, metavar="N", help=f"CPUs of the guest ({_DEFAULT})"
    )
    parser.add_argument(
        "--qemu", metavar="COMMAND", help="QEMU, perhaps with options (default: qemu-system-x86_64)"
    )
    parser.add_argument(
        "--xen",
        metavar="FILE",
        help="the hypervisor: a file, or a version such as 4.20 (default: the newest in /boot)",
    )
    for name, what in given.WORDS.items():
        names = [f"--{name.replace('_', '-')}", *_SHORT.get(name, ())]
        parser.add_argument(*names, metavar=name.upper(), help=what)


def _given(options: argparse.Namespace) -> given.Given:
    try:
        return given.given({name: getattr(options, name) for name in given.WORDS})
    except XenToolError as error:
        parser: argparse.ArgumentParser = options.parser
        parser.error(str(error))


def _add_annotate(parser: argparse.ArgumentParser) -> None:
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
        "--remove", action="append", default=[], metavar="NAME", help="a note that has to go"
    )
    _add_loaders(parser)
    parser.set_defaults(function=_annotate, parser=parser)


def _add_image(parser: argparse.ArgumentParser, function: Callable[..., int]) -> None:
    parser.add_argument("image", help=_IMAGE)
    _add_loaders(parser)
    parser.set_defaults(function=function)


def _add_loaders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--loader",
        action="append",
        choices=LOADERS,
        help="a loader that must take the image; may be repeated (default: those that it is for)",
    )
    _add_xen(parser)


def _add_xen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--xen",
        type=_xen,
        default=Xen(),
        metavar="VERSION",
        help="the release whose loaders are asked, such as 4.20, or 4.17+pv32 if built with "
        f"CONFIG_PV32 ({_DEFAULT})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def _xen(text: str) -> Xen:
    try:
        return Xen.parse(text)
    except XenToolError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def _mode(text: str) -> modes.Mode:
    try:
        return modes.named(text)
    except XenToolError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _head(options: argparse.Namespace) -> int:
    from pathlib import Path

    from .config.configuration import read
    from .files import write_if_changed
    from .head import emit, gas
    from .head.config import HeadConfig

    settings = _pairs(options, options.settings)
    said = {name: getattr(options, name) for name in MEANINGS}
    said = {name: value for name, value in said.items() if value is not None}
    said |= _pairs(options, options.note)
    if options.kconfig == _KCONFIG and not Path(_KCONFIG).exists():
        raise XenToolError(
            f"there is no {_KCONFIG} here: name the Kconfig file in --kconfig, or go to the top of "
            "a tree that has one"
        )
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
        print(f"xen-tool: warning: {warning}", file=sys.stderr)
    for note in configuration.notes:
        print(f"xen-tool: note: {note}", file=sys.stderr)
    head = HeadConfig.from_symbols(configuration.arch, configuration.values, said)
    if head is None:
        raise XenToolError("XEN is not set, so there is no head object; type XEN=1")
    write_if_changed(Path(options.output), gas.source(head) if options.gas else emit.emit(head))
    return 0


def _pairs(options: argparse.Namespace, words: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or pairs.setdefault(name, value) != value:
            options.parser.error(f"{word}: not NAME=VALUE, or {name} a second time")
    return pairs


def _boot(options: argparse.Namespace) -> int:
    import contextlib
    from pathlib import Path

    from .boot import log
    from .boot.boot import boot
    from .boot.console import shower
    from .progress import is_terminal

    how = _how(options)
    echo = shower(dim=is_terminal(sys.stdout), quiet=options.quiet)
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
    print(f"{options.image}: {outcome.reason}")
    for line in outcome.details:
        print(line, file=sys.stderr)
    return FAILED if outcome.failed else 0


def _gdb(options: argparse.Namespace) -> int:
    from .boot.console import shower
    from .boot.debugger.process import debug
    from .progress import is_terminal

    echo = shower(dim=is_terminal(sys.stdout), quiet=False)
    outcome, status = debug(**_how(options), echo=echo)
    print(f"{options.image}: {outcome.reason}")
    return UNUSABLE if status else 0


def _how(options: argparse.Namespace) -> dict[str, Any]:
    """Return how an image is started, as boot() takes it."""
    from pathlib import Path

    from .report.report import read_report

    besides = _given(options)
    mode = options.mode
    if mode is None:
        report = read_report(options.image, Xen())
        mode = modes.suited(report.asked, report.elf_class)
    return {
        "image": Path(options.image),
        "mode": mode,
        "cpus": options.cpus,
        "qemu": options.qemu,
        "xen": options.xen,
        "given": besides,
    }


def _annotate(options: argparse.Namespace) -> int:
    from .annotate.annotate import annotate
    from .annotate.wanted import wanted
    from .files import read_regular, write_if_changed
    from .report import text
    from .report.report import report_of

    want = wanted(
        pvh_entry=options.pvh_entry,
        pv_entry=options.pv_entry,
        notes=_pairs(options, options.note),
        remove=options.remove,
    )
    content, mode = read_regular(options.image, "a linked kernel")
    made = annotate(content, options.image, want)
    for remark in made.remarks:
        print(f"xen-tool: note: {remark}", file=sys.stderr)
    report = report_of(options.output, made.content, options.xen, options.loader)
    if report.good:
        write_if_changed(options.output, made.content)
        os.chmod(options.output, mode)
    else:
        print(f"xen-tool: {options.output} is not written, as it is refused", file=sys.stderr)
    return _tell(options, report.document(), text.check(report), good=report.good)


def _test(options: argparse.Namespace) -> int:
    import signal
    from pathlib import Path

    from .boot.suite import cases, told
    from .boot.suite.run import How, Suite

    interrupting: list[int] = []
    besides = cases.Options(
        options.timeout, options.cpus, options.qemu, options.xen, _given(options)
    )
    todo = cases.of_images(options.images, options.mode or (), besides)
    how = How(options.jobs, options.runs, options.retries)
    suite = Suite(todo, how, Path(options.logs), lambda: bool(interrupting))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: interrupting.append(number))
    good = told.tell(suite, as_json=options.json, junit=options.junit)
    if suite.interrupted:
        print("xen-tool: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0 if good else FAILED


def _check(options: argparse.Namespace) -> int:
    from .report import text
    from .report.report import read_report

    report = read_report(options.image, options.xen, options.loader)
    return _tell(options, report.document(), text.check(report), good=report.good)


def _inspect(options: argparse.Namespace) -> int:
    from .report import text
    from .report.report import read_report
    from .report.symbols import names

    report = read_report(options.image, options.xen, options.loader)
    symbols = {} if options.json else names(options.image, report.addresses())
    lines = text.inspect(report, symbols)
    return _tell(options, report.document(), lines, good=report.good)


def _map(options: argparse.Namespace) -> int:
    from .abi import PAGE_SIZE
    from .report.map import document, reading, svg, text

    found = reading.read_maps(
        options.image,
        options.xen,
        options.loader,
        pages=(options.mem << 20) // PAGE_SIZE,
        initrd=reading.size_of(options.initrd) if options.initrd else 0,
    )
    if options.svg:
        svg.write(options.svg, found)
    good = bool(found.maps) and not found.refused
    return _tell(options, document.document(found), text.lines(found), good=good)


def _size(options: argparse.Namespace) -> int:
    from .report.size import linker_map, sizes, text

    placed = [linker_map.read(name) for name in options.map or ()]
    now = sizes.read_sizes(options.image, *placed[:1])
    before = sizes.read_sizes(options.against, *placed[1:2]) if options.against else None
    lines = text.lines(now, before, options.top)
    return _tell(options, sizes.document(now, before), lines, good=True)


def _diff(options: argparse.Namespace) -> int:
    from .report import diff
    from .report.report import read_report

    before, after = (read_report(path, options.xen) for path in (options.before, options.after))
    found = diff.document(before, after)
    return _tell(options, found, diff.lines(before, after), good=not found["differences"])


def _tell(
    options: argparse.Namespace, document: object, lines: Iterable[str], *, good: bool
) -> int:
    if options.json:
        import json

        print(json.dumps(document, indent=2))
    else:
        for line in lines:
            print(line)
    return 0 if good else FAILED


if __name__ == "__main__":
    sys.exit(main())
