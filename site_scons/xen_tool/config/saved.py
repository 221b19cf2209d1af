# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Reads a saved configuration: .config, a defconfig."""

from __future__ import annotations

import re
from pathlib import Path

from ..abi import ARCHES, Arch
from ..errors import XenToolError
from .kconf import Kconfig


def saved_arch(path: Path) -> Arch | None:
    """The architecture that the configuration at path was saved for, if it says so.

    Raises XenToolError if the file cannot be read.
    """
    text = _read(path)
    for arch in ARCHES.values():
        if re.search(rf"^CONFIG_{arch.symbol}=y\s*$", text, re.MULTILINE):
            return arch
    return None


def load(kconf: Kconfig, path: Path) -> list[str]:
    """Assigns what the file says; returns notes on what has no effect.

    Raises XenToolError, with file and line, for a line that is no assignment
    and a value that its symbol cannot have.
    """
    _read(path)
    already = len(kconf.warnings)
    kconf.load_config(str(path))
    notes = []
    for warning in kconf.warnings[already:]:
        text = warning.replace(": warning:", ":")
        if "undefined symbol" in text or "set more than once" in text:
            notes.append(text)
        else:
            raise XenToolError(f"{text}; correct the line or delete it")
    return notes


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise XenToolError(f"{path}:{line}: not UTF-8 text; delete the file or the line") from error
    except OSError as error:
        raise XenToolError(f"{path}: cannot be read: {error.strerror}") from error
