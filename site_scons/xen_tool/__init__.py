# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""xen_tool: an SCons tool that configures, builds, checks and boots kernels that run on Xen.

SCons finds it as any tool, by generate() and exists().  The packages, from the ground up;
each imports only what stands before it, and nothing imports the entry points:

    errors, files   the base of users' errors; files written whole
    abi             Xen's and Linux's numbers
    elf/            the ELF format: notes, machine code, objects
    toolchain/      compilers, assemblers and linkers
    build/          what is up to date, and how the rest is made
    config/         Kconfig, the saved configuration, and reasons
    head/           a configuration to the Xen head object
    image/          a kernel image as its loaders read it
    generated/      asm-offsets.h, and the table of an image's symbols
    loaders/        what each loader will say of it
    report/         the same as a document, for people and programs
    annotate/       Xen notes for images that another build linked
    sbom/           a bill of materials of an image, from the records of its build
    debian/         packages of Debian: QEMU, Xens, the dom0 that builds domUs
    boot/           starts an image on Xen under QEMU, and says how it went
    functions       the Python steps of a build: CONFIG, HEAD, NOTES, CHECK and the like
    progress        what is printed of steps
    signals         how the runner of steps learns of Ctrl-C
    shortcut/       builds past SCons, when nothing that SCons would read has changed; watch

    scons/          entry point: what a SConstruct calls
    cli/            entry point: the command xen-tool

What a check imports, from image/ to report/, has NamedTuples for its records: to import
and make dataclasses would be a large part of so short a run (tests/bench/check.py).
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def generate(env: Any, **_options: Any) -> None:
    """Adds env.XenConfigure(), and what is of use after it, to an SCons environment."""
    from .scons import (
        annotate,
        configure,
        generated,
        head,
        kernel,
        methods,
        sources,
        summary,
        usage,
    )
    from .scons.graph import names
    from .scons.targets import check, config_targets, gdb, sbom

    for name, method in (
        ("XenConfigure", configure.xen_configure),
        ("XenHead", head.xen_head),
        ("XenSources", sources.xen_sources),
        ("XenObject", methods.xen_object),
        ("XenScript", methods.xen_script),
        ("XenOffsets", generated.xen_offsets),
        ("XenKallsyms", generated.xen_kallsyms),
        ("XenImage", methods.xen_image),
        ("XenKernel", kernel.xen_kernel),
        ("XenNotes", annotate.xen_notes),
        ("XenCheck", check.xen_check),
        ("XenBoot", methods.xen_boot),
        ("XenGdb", gdb.xen_gdb),
        ("XenSbom", sbom.xen_sbom),
        ("XenConfigTargets", config_targets.xen_config_targets),
        ("XenHelp", usage.xen_help),
        ("XenSummary", summary.xen_summary),
    ):
        env.AddMethod(method, name)
    names.listens()


def exists(env: Any) -> bool:
    """Whether the tool can work here: always, as compilers are looked for when it is configured."""
    return True
