# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Make the files that QEMU loads, and the options for them: the hypervisor, kernels and modules.

QEMU's multiboot loader starts the hypervisor.  The files of -initrd are Xen's modules, the first
of which is dom0's kernel.  Used by boot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..debian.apt import Say
from ..debian.hypervisor import read_hypervisor, version_of
from ..errors import XenToolError
from ..image.container import open_kernel
from .boot_settings import BootSettings
from .copies import Copies
from .modes import Mode, Place


class Loaded(NamedTuple):
    """The files that QEMU loads, and the options for them."""

    image: str
    """The file name of the copy of the image."""
    options: list[str]
    version: str | None
    """The version of Xen; None if it is unknown, or the mode is without Xen."""
    mode: Mode
    """The mode, with the memory that the machine gets."""
    xen_symbols: Path | None = None
    """The file of the hypervisor's symbols; None without gdb, or if there is no such file."""


_Module = tuple[str, str]
"""The file name of a copy, and the module's command line."""


def lay_out(
    copies: Copies,
    mode: Mode,
    image: Path,
    cpus: int,
    xen: str | None,
    settings: BootSettings,
    say: Say,
) -> Loaded:
    """Copy the files that QEMU loads in a mode; return them, with the options for them.

    xen: the argument of boot().  Raises XenToolError if a file is missing, the image is no kernel,
    or Xen's version, on which the dom0 of a domU depends, is unknown.
    """
    kernel = copies.copy(image, "the file of a linked kernel image")
    with open_kernel(kernel) as file:
        if file.format == "raw":
            raise XenToolError(
                f"{image} is no kernel image: neither ELF nor a bzImage, packed or not"
            )
    modules = [(copies.copy(Path(m.path), "a module"), m.words) for m in settings.modules]
    if mode.place is Place.KERNEL:
        return _without_xen(kernel, modules, mode, settings)
    hypervisor = _hypervisor(xen, say)
    version = version_of(hypervisor)
    content = read_hypervisor(hypervisor)
    unpacked = copies.put([content])
    words = ["console=com1", "com1=115200,8n1", *mode.xen]
    if mode.place is Place.DOM0:
        modules = [(kernel, settings.cmdline), *modules]
        mode = _with_memory(mode, settings.mem)
    else:
        from . import domu

        if version is None:
            raise XenToolError(
                f"the name of {hypervisor} does not say its version, which a domU's toolstack must "
                "have: call it xen-VERSION-amd64.gz, or name a version, such as 4.17"
            )
        files = [Path(name) for name in (kernel, *(name for name, _ in modules))]
        dom0 = domu.lay_out(copies, mode, files, cpus, version, settings, say)
        modules = dom0.modules
        words += dom0.xen_options
        mode = _with_memory(mode, mode.memory + dom0.more_memory)
    options = ["-kernel", unpacked, "-append", " ".join([*words, settings.xen_options]).strip()]
    options += ["-initrd", _initrd(modules)]
    symbols = None
    if settings.gdb:
        from .debugger.gdb_arguments import xen_symbols

        symbols = xen_symbols(hypervisor, content, version)
    return Loaded(kernel, options, version, mode, symbols)


def _without_xen(
    kernel: str, modules: Sequence[_Module], mode: Mode, settings: BootSettings
) -> Loaded:
    options = ["-kernel", kernel, *(["-append", settings.cmdline] if settings.cmdline else [])]
    options += [word for name, _ in modules for word in ("-initrd", name)]
    return Loaded(kernel, options, None, _with_memory(mode, settings.mem))


def _initrd(modules: Sequence[_Module]) -> str:
    """Return the argument of -initrd: modules separated by commas; commas in them are doubled."""
    return ",".join(f"{name} {words}".strip().replace(",", ",,") for name, words in modules)


def _with_memory(mode: Mode, mib: int | None) -> Mode:
    return mode._replace(memory=mib) if mib else mode


def _hypervisor(xen: str | None, say: Say) -> Path:
    """Return the path of the hypervisor that the argument `xen` of boot() names."""
    if xen is None:
        from ..debian import packages

        return packages.hypervisor(say)
    if re.fullmatch(r"[0-9]+\.[0-9]+", xen, re.ASCII):
        from ..debian import suites

        return suites.hypervisor(xen, say)
    return Path(xen)
