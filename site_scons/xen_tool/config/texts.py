# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The text of a configuration's files: .config, autoconf.h, and the shortest configuration.

A file of CONFIG_ lines names its architecture by the symbol of that architecture.  The shortest
file does not have that symbol, which has no prompt: it begins with a line `# ARCH=i386` instead.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from ..abi import ARCHES, X86_64, Arch
from .language.kconf import Kconfig
from .language.library import import_kconfiglib

_ARCH = re.compile(r"^# ARCH=(\w+)$", re.M)


def config_text(kconf: Kconfig) -> str:
    """Return the text of .config."""
    return _for_arch(kconf, _written(kconf, "write_config", save_old=False))


def defconfig_text(kconf: Kconfig) -> str:
    """Return the text of the shortest file that gives the same configuration."""
    return _for_arch(kconf, _written(kconf, "write_min_config"))


def autoconf_text(kconf: Kconfig) -> str:
    """Return the text of autoconf.h: `#define CONFIG_SMP 1`."""
    # C would read a number without a value as an empty macro.
    return re.sub(r"^#define CONFIG_\S+ (0x)?\n", "", _written(kconf, "write_autoconf"), flags=re.M)


def arch_of(text: str) -> Arch | None:
    """Return the architecture that a file of CONFIG_ lines is for, if it names one."""
    for arch in ARCHES.values():
        if re.search(rf"^CONFIG_{arch.symbol}=y\s*$", text, re.M):
            return arch
    line = _ARCH.search(text)
    return ARCHES.get(line[1]) if line else None


def _for_arch(kconf: Kconfig, text: str) -> str:
    """Return the text of a file, with a line `# ARCH=` if it would be read for another ARCH."""
    # A file that names no architecture is for x86_64, the default of ARCH=.
    if kconf.arch in ARCHES and (arch_of(text) or X86_64).name != kconf.arch:
        return f"# ARCH={kconf.arch}\n{text}"
    return text


def _written(kconf: Kconfig, method: str, **options: bool) -> str:
    """Return the text that a method of kconfiglib's class Kconfig writes to a file."""
    # Use the class's method: the subclass of a front end overrides it to call this function.
    write = getattr(import_kconfiglib().Kconfig, method)
    # Kconfiglib can write only to files.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "written")
        write(kconf, str(path), header="", **options)
        return path.read_text(encoding="utf-8")
