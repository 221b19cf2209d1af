# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Reads a Kconfig tree with kconfiglib, whose surroundings are the process environment.

What kconfiglib takes from os.environ (srctree, the variables that Kconfig
files name) is set for the time of one reading, and put back.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import XenToolError

Kconfig = Any
"""A kconfiglib.Kconfig; the library has no type information."""
Symbol = Any
"""A kconfiglib.Symbol."""

_VERSION = "14.1.0"

# The environment belongs to the process, so readings must not overlap.
_environment_lock = threading.Lock()


def read_kconfig(path: Path, srctree: Path, variables: Mapping[str, str]) -> Kconfig:
    """Parses the Kconfig file at path and all that it sources, relative to srctree.

    Raises XenToolError with the file, the line and what kconfiglib says of it.
    """
    kconfiglib = import_kconfiglib()
    with _environment({**variables, "srctree": str(srctree)}):
        try:
            kconf = kconfiglib.Kconfig(
                os.path.relpath(path, srctree), warn_to_stderr=False, suppress_traceback=False
            )
        except (kconfiglib.KconfigError, OSError) as error:
            message = str(error).strip()
            if "couldn't parse 'modules'" in message:
                # Linux writes it so since v5.14.
                message += "; kconfiglib has no such line: write `option modules` in its place"
            raise XenToolError(f"Kconfig: {message}") from error
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
    return _written(kconf, "write_config", save_old=False)


def autoconf_text(kconf: Kconfig) -> str:
    """The text of autoconf.h: `#define CONFIG_SMP 1`."""
    return _written(kconf, "write_autoconf")


def defconfig_text(kconf: Kconfig) -> str:
    """The text of the smallest file that gives the same configuration."""
    return _written(kconf, "write_min_config")


def _written(kconf: Kconfig, method: str, **options: bool) -> str:
    # Of the class: a front end's own object writes by way of this.
    write = getattr(import_kconfiglib().Kconfig, method)
    # Kconfiglib writes to files only.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "written")
        write(kconf, str(path), header="", **options)
        return path.read_text(encoding="utf-8")


def import_kconfiglib(name: str = "kconfiglib") -> Any:
    """Imports kconfiglib, or one of the modules that come with it, such as menuconfig.

    Raises XenToolError if it is missing, too old, or hidden by another package.
    """
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations and spec.origin:
            # Kconfiglib is modules only, and Python prefers a package to a module.
            raise XenToolError(
                f"{spec.origin} hides kconfiglib's module {name}: use a Python environment without "
                "that package; esp-idf-kconfig has such (`pip uninstall esp-idf-kconfig`)"
            )
        module = importlib.import_module(name)
    except ImportError as error:
        raise XenToolError(
            f"{name} cannot be imported: {error}; type `pip install kconfiglib=={_VERSION}`"
        ) from error
    if name == "kconfiglib" and getattr(module, "VERSION", (0,)) < (14, 1):
        raise XenToolError(
            f"{getattr(module, '__file__', None) or 'a folder'} is not kconfiglib 14.1: type "
            f"`pip install --force-reinstall kconfiglib=={_VERSION}`"
        )
    return module


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
