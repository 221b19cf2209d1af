# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""xen_tool: an SCons tool that configures, builds, checks and boots kernels that run on Xen.

SCons finds it like any tool, by generate() and exists().  The packages in the order of their
layers; each imports only those before it, and nothing imports the entry points:

    errors, files   the base class of users' errors; atomic writes
    light           records and signals without slow imports
    printable       names of files and the like as text that a terminal can show
    json_text       the text of the documents that --json prints
    abi             constants of Xen's and Linux's ABI
    elf/            the ELF format: notes, machine code, objects
    toolchain/      compilers, assemblers and linkers, and their default flags
    build/          the build engine: what is up to date, and how the rest is made
    config/         Kconfig, the saved configuration, and reasons for values
    head/           the Xen head object, from a configuration
    image/          kernel images as loaders read them
    generated/      asm-offsets.h, and the table of an image's symbols
    loaders/        the verdict of each loader on an image; the releases of Xen
    report/         verdicts, sizes and maps for people and programs
    annotate/       Xen notes for images that another build linked
    sbom/           a bill of materials of an image, from the records of its build
    debian/         packages of Debian: QEMU, Xens, the dom0 that builds domUs
    boot/           boots an image on Xen under QEMU in a mode, and judges the result
    functions       the build steps that are Python functions: CONFIG, HEAD, NOTES, CHECK
    progress        the progress output of a build
    process         garbage collection, and the quick end, of a short process
    signals         reports Ctrl-C to the runner of steps
    new/            the files of a new kernel, for xen-tool new
    shortcut/       builds without starting SCons if nothing that it reads has changed; watch

    scons/          entry point: the methods that a SConstruct calls
    cli/            entry point: the command xen-tool

The modules that a check imports, from image/ to report/, have NamedTuples as records: importing
and creating dataclasses would be a large part of so short a run (tests/bench/check.py).
"""

from __future__ import annotations

__version__ = "0.2.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def generate(env: Any, **_options: Any) -> None:
    """Add env.XenConfigure() and the other methods to an SCons environment."""
    from .scons import (
        annotate,
        compile_and_link,
        configure,
        generated,
        head,
        kernel,
        sources,
        summary,
        usage,
    )
    from .scons.graph import short_names
    from .scons.targets import boot, check, config_targets, gdb, sbom

    for name, method in (
        ("XenConfigure", configure.xen_configure),
        ("XenHead", head.xen_head),
        ("XenSources", sources.xen_sources),
        ("XenObject", compile_and_link.xen_object),
        ("XenScript", compile_and_link.xen_script),
        ("XenOffsets", generated.xen_offsets),
        ("XenKallsyms", generated.xen_kallsyms),
        ("XenImage", compile_and_link.xen_image),
        ("XenKernel", kernel.xen_kernel),
        ("XenNotes", annotate.xen_notes),
        ("XenCheck", check.xen_check),
        ("XenBoot", boot.xen_boot),
        ("XenGdb", gdb.xen_gdb),
        ("XenSbom", sbom.xen_sbom),
        ("XenConfigTargets", config_targets.xen_config_targets),
        ("XenHelp", usage.xen_help),
        ("XenSummary", summary.xen_summary),
    ):
        env.AddMethod(method, name)
    short_names.record_reading()


def exists(env: Any) -> bool:
    """Whether the tool is usable: always, as XenConfigure() searches for compilers."""
    return True
