# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Reads a Kconfig tree with kconfiglib, whose surroundings are the process environment.

What kconfiglib takes from os.environ (srctree, the variables that Kconfig
files name) is set for the time of one reading, and put back.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import XenToolError

Kconfig = Any
"""A kconfiglib.Kconfig; the library has no type information."""
Symbol = Any
"""A kconfiglib.Symbol."""

# The environment belongs to the process, so readings must not overlap.
_environment_lock = threading.Lock()


def read_kconfig(path: Path, srctree: Path, variables: Mapping[str, str]) -> Kconfig:
    """Parses the Kconfig file at path and all that it sources, relative to srctree.

    Raises XenToolError with the file, the line and what kconfiglib says of it.
    """
    kconfiglib = _kconfiglib()
    with _environment({**variables, "srctree": str(srctree)}):
        try:
            kconf = kconfiglib.Kconfig(
                os.path.relpath(path, srctree), warn_to_stderr=False, suppress_traceback=False
            )
        except (kconfiglib.KconfigError, OSError) as error:
            raise XenToolError(f"Kconfig: {str(error).strip()}") from error
        except UnicodeDecodeError as error:
            raise XenToolError(f"Kconfig: {path} or a file that it sources: {error}") from error
    if kconf.warnings:
        raise XenToolError("Kconfig: " + "; ".join(kconf.warnings))
    # From here on, warnings are about the configurations that are loaded.
    kconf.warn_assign_undef = True
    # Overriding is what fragments are for; saved.load() tells of it within a file.
    kconf.warn_assign_override = False
    kconf.warn_assign_redun = False
    return kconf


def config_text(kconf: Kconfig) -> str:
    """The text of .config."""
    # Of the class: a front end's own object writes by way of this.
    write = _kconfiglib().Kconfig.write_config
    return _written(functools.partial(write, kconf), save_old=False)


def autoconf_text(kconf: Kconfig) -> str:
    """The text of autoconf.h: `#define CONFIG_SMP 1`."""
    return _written(kconf.write_autoconf)


def defconfig_text(kconf: Kconfig) -> str:
    """The text of the smallest file that gives the same configuration."""
    return _written(kconf.write_min_config)


def _written(write: Callable[..., object], **options: bool) -> str:
    # Kconfiglib writes to files only.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "written")
        write(str(path), header="", **options)
        return path.read_text(encoding="utf-8")


def _kconfiglib() -> Any:
    try:
        import kconfiglib
    except ImportError as error:
        raise XenToolError(
            "kconfiglib is missing: type `pip install kconfiglib==14.1.0`"
        ) from error
    if getattr(kconfiglib, "VERSION", (0,)) < (14, 1):
        raise XenToolError(
            f"{kconfiglib.__file__} is not kconfiglib 14.1: another package of that name is "
            "installed before it; type `pip install --force-reinstall kconfiglib==14.1.0`"
        )
    return kconfiglib


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    with _environment_lock:
        before = dict(os.environ)
        # CONFIG_ would change the prefix of every symbol.
        os.environ.pop("CONFIG_", None)
        os.environ.update(variables)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
