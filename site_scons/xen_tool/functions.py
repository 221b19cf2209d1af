# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The build steps that are Python functions: CONFIG, HEAD, NOTES, CHECK, and generated files.

All arguments of a function are texts in its Step, most of them in step.files.  Entry points
pass the functions to a session.Session.  The modules that the functions run are a group of files
of the plan (modules.py), so a change of these modules makes the steps dirty.
"""

from __future__ import annotations

import os

from .build.plan import Plan
from .build.step import COMPILE, Step
from .errors import XenToolError, print_message, unwritable
from .files import shown, write_if_changed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .loaders.model.releases import Xen

CONFIG, HEAD, NOTES, CHECK, COMMANDS = "config", "head", "notes", "check", "commands"
OFFSETS, KALLSYMS = "offsets", "kallsyms"
"""The actions of the Steps that these functions run."""
CLAIMED = "claimed"
"""Instead of names of loaders: the loaders that the image has notes for."""
AUTOCONF = "include/generated/autoconf.h"
"""The header with the values of all symbols, below the build directory."""
COMMANDS_FILE = "compile_commands.json"
"""The compilation database for clangd and other tools."""
DESCRIBED = "--"
"""Separates the symbols from the description by a SConscript in the arguments of HEAD."""
UNCHECKED = ".unchecked"
"""Suffix of the output of the linker or last post-link command, before it is checked."""
_PACKAGE = os.path.dirname(__file__)


def config(step: Step) -> None:
    """Write the texts in step.files into the outputs, one into each."""
    for path, text in zip(step.outputs, step.files, strict=True):
        write_if_changed(path, text)


def configuration_step(
    folder: str, values: Mapping[str, str], dotconfig: str, autoconf: str
) -> Step:
    """Return the step that writes a configuration into a build directory."""
    note = "# Made by xen_tool for this build; edits are lost.\n"
    outputs = tuple(f"{folder}/{name}" for name in (".config", AUTOCONF))
    texts = (f"{note}{dotconfig}", autoconf)
    return Step("CONFIG", outputs, (), CONFIG, files=texts, symbols=tuple(values))


def head(step: Step) -> None:
    """Write the Xen head object.

    step.files: the architecture, NAME=VALUE of symbols, DESCRIBED, and NAME=VALUE of the names
    and notes that a SConscript describes.  Raises XenToolError if XEN is not set.
    """
    from .abi import ARCHES
    from .head.config import HeadConfig
    from .head.emit import emit

    arch, *words = step.files
    at = words.index(DESCRIBED)
    values, keywords = (
        {name: value for name, _, value in (word.partition("=") for word in part)}
        for part in (words[:at], words[at + 1 :])
    )
    configured = HeadConfig.from_symbols(ARCHES[arch], values, keywords)
    if configured is None:
        raise XenToolError("XEN is not set, so there is no head object")
    write_if_changed(step.path, emit(configured))


def offsets(step: Step) -> None:
    """Write a header with the values that the input, a file of assembler code, defines."""
    from .generated.offsets import header

    with open(step.inputs[0], encoding="utf-8", errors="replace") as file:
        text = file.read()
    write_if_changed(step.path, header(text, step.path))


def kallsyms(step: Step) -> None:
    """Write the object with the table of an image's symbols; without inputs, an empty table.

    The inputs are the image, and perhaps the table that is linked into it.  step.files: "32" or
    "64", and "data" to include symbols of data.
    Raises XenToolError if the new table has another size than the one in the image.
    """
    from .generated.kallsyms import of_image, table

    bits, *words = step.files
    image, *before = step.inputs or ("",)
    content = table(of_image(image, data="data" in words) if image else (), int(bits))
    if before and os.path.getsize(before[0]) != len(content):
        raise XenToolError(
            f"{shown(image)}: its symbols change when their table is linked in; let the linker "
            "script place .rodata so that no symbol is added or removed"
        )
    write_if_changed(step.path, content)


def notes(step: Step) -> None:
    """Add notes to an image, or remove some.

    step.files: NAME=VALUE of a note to add, or the NAME of one to remove.
    """
    from .annotate.annotate import annotate
    from .annotate.changes import note_changes
    from .files import read_regular

    (image,) = step.inputs
    values = dict(word.split("=", 1) for word in step.files if "=" in word)
    remove = [word for word in step.files if "=" not in word]
    content, mode = read_regular(image, "a linked kernel")
    made = annotate(content, shown(image), note_changes(notes=values, remove=remove))
    for remark in made.remarks:
        print_message(f"{step.path}: {remark}")
    write_if_changed(step.path, made.content)
    os.chmod(step.path, mode)


def check(step: Step) -> None:
    """Make the image a hard link to the linker's output, if all loaders accept it.

    step.files: the names of the loaders, separated by commas, or CLAIMED; the release of Xen;
    "default" if the user did not choose it, else ""; the symbols as required.symbols() returns
    them.  Raises XenToolError with the findings if a loader refuses the image.
    """
    from .loaders import required
    from .loaders.model.releases import Xen
    from .report.image_report import read_report
    from .report.report_text import finding_lines, findings_of, hint, verdict_lines, would_not_start

    (linked,) = step.inputs
    names, release, by_default, symbols = step.files
    xen = Xen.parse(release)
    named = None if names == CLAIMED else tuple(filter(None, names.split(",")))
    report = read_report(linked, xen, named)
    loaders = report.asked
    if report.by_claim and not loaders:
        words = "its notes claim no loader, so it is not checked"
        print_message(f"{step.path}: warning: {words}")
        words = "name loaders with loaders= or LOADERS=; loaders=[] if it is for none"
        print_message(f"{step.path}:   fix:  {words}")
    bad = [loader for loader in loaders if not report.takes(loader)]
    if bad:
        fixed = report.with_fixes({loader: required.fix(loader, symbols) for loader in bad})
        lines = "\n".join((*verdict_lines(fixed, bad), *hint(fixed, bad)))
        raise XenToolError(f"{would_not_start(shown(linked), bad)}:\n{lines}")
    if required.lacks_entry(symbols):
        words = "XEN=y without XEN_PV and XEN_PVH: Xen cannot start this kernel"
        print_message(f"{step.path}: warning: {words}")
        print_message(f"{step.path}:   fix:  type XEN_PV=1, XEN_PVH=1 or both")
    for (kind, finding), finders in findings_of(report, loaders).items():
        for line in finding_lines(kind, finding):
            print_message(f"{step.path}: {', '.join(finders)}: {line}")
    for line in without_pv32(linked, loaders, xen) if by_default else ():
        print_message(f"{step.path}: {line}")
    _name(linked, step.path)


def without_pv32(image: str, loaders: Sequence[str], xen: Xen) -> Iterator[str]:
    """Yield a warning that Debian's Xen, which has no CONFIG_PV32, refuses the image.

    Nothing if xen has no CONFIG_PV32 either, or if loaders has no PV domU.
    """
    from .loaders.names import PV_DOMU
    from .report.image_report import read_report

    if not (xen.pv32 and PV_DOMU in loaders):
        return
    xen = xen._replace(pv32=False)
    refusal = read_report(image, xen).verdicts[PV_DOMU].refusal
    assert refusal
    yield f"warning: Debian's Xen {xen} has no CONFIG_PV32, and says:"
    yield f"  {refusal.message}"
    yield f"  fix:  {refusal.fix}"


def _name(linked: str, image: str) -> None:
    """Make image a hard link to the linker's output, or else a copy, atomically.

    Raises XenToolError if the image is a folder or cannot be written.
    """
    part = os.path.join(os.path.dirname(image), f".{os.path.basename(image)}.part")
    try:
        if os.path.isdir(image):
            raise XenToolError(f"{image} is a folder: give the image another name")
        if os.path.lexists(part):
            os.unlink(part)
        try:
            os.link(linked, part)
        except OSError:
            # Some file systems have no hard links.
            import shutil

            shutil.copy2(linked, part)
        os.replace(part, image)
    except OSError as error:
        raise unwritable(image, error) from error


def compile_commands(plan: Plan, step: Step) -> None:
    """Write the compilation database of a plan as JSON, if it changed."""
    import json

    entries = [
        {
            "directory": os.getcwd(),
            "file": compilation.inputs[0],
            "output": compilation.path,
            "arguments": plan.groups[compilation.group].without_launcher(compilation.argv()),
        }
        for compilation in compilations(plan)
    ]
    write_if_changed(step.path, json.dumps(entries, indent=1) + "\n")


def compilations(plan: Plan) -> Iterator[Step]:
    """Yield the steps of a plan that compile or assemble a source."""
    return (step for step in plan.steps.values() if step.action == COMPILE and "-c" in step.flags)


def commands_step(plan: Plan, path: str) -> Step:
    """Return the step that writes the compilation database.

    Its argument is a digest of all entries, so that a change of one makes the step dirty.
    """
    import hashlib

    digest = hashlib.blake2b(os.getcwd().encode("utf-8", "surrogateescape"), digest_size=16)
    known: dict[int, bytes] = {}
    for step in compilations(plan):
        flags = known.get(id(step.flags))
        if flags is None:
            flags = known[id(step.flags)] = "\0".join(step.flags).encode("utf-8", "surrogateescape")
        digest.update(flags)
        digest.update("\0".join((*step.outputs, *step.inputs)).encode("utf-8", "surrogateescape"))
    return Step("", (path,), (), COMMANDS, files=(digest.hexdigest(),), symbols=())


def functions(plan: Plan) -> dict[str, Callable[[Step], None]]:
    """Return the functions that run steps, by action, for a session.Session."""

    def commands(step: Step) -> None:
        compile_commands(plan, step)

    return {
        CONFIG: config,
        HEAD: head,
        NOTES: notes,
        CHECK: check,
        COMMANDS: commands,
        OFFSETS: offsets,
        KALLSYMS: kallsyms,
    }


def _import_head() -> None:
    from .head import config, emit  # noqa: F401


def _import_check() -> None:
    from .report import image_report, report_text  # noqa: F401


IMPORTS = {HEAD: _import_head, CHECK: _import_check}
"""By action: what a session calls while commands run, to import the modules of the step."""
