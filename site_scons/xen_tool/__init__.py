# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""xen_tool: an SCons tool that configures, builds, checks and boots kernels that run on Xen.

SCons finds it as any tool, by generate() and exists().  The rooms, from the
ground up; each imports only what stands before it, and nothing imports the
doors:

    errors, files   what every room needs
    contents        signatures of files
    abi             Xen's and Linux's numbers
    elf/            bytes: notes, machine code, objects
    cpp/            sources: what they depend on
    toolchain       compilers and linkers
    config/         Kconfig, the saved configuration, and reasons
    head/           a configuration to the Xen head object
    image/          bytes: a kernel image as its loaders read it
    loaders/        what each loader will say of it
    report/         the same as a document, for people and programs

    scons/          door: builders and what a SConstruct calls
    run/            door: Xen under QEMU
    cli             door: the command xen-tool

What a check imports, from image/ to report/, has NamedTuples for its records: to import
and make dataclasses would be a large part of so short a run (tests/bench/check.py).
"""

from __future__ import annotations

from typing import Any


def generate(env: Any, **_options: Any) -> None:
    """Adds env.XenConfigure(), and what is of use after it, to an SCons environment."""
    from .scons import check, collector, config_targets, methods, summary, usage

    collector.spare()
    for name, method in (
        ("XenConfigure", methods.xen_configure),
        ("XenHead", methods.xen_head),
        ("XenImage", methods.xen_image),
        ("XenCheck", check.xen_check),
        ("XenBoot", methods.xen_boot),
        ("XenConfigTargets", config_targets.xen_config_targets),
        ("XenHelp", usage.xen_help),
        ("XenSummary", summary.xen_summary),
    ):
        env.AddMethod(method, name)


def exists(env: Any) -> bool:
    """Whether the tool can work here: always, as compilers are looked for when it is configured."""
    return True
