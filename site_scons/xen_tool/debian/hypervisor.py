# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find Xen's hypervisor, and unpack it for QEMU.

Debian's packages have it at /boot/xen-<version>-amd64.gz, a gzipped ELF file; QEMU loads only the
unpacked ELF file.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

from ..elf import spec
from ..errors import XenToolError
from ..files import open_regular
from ..image.data import Data
from ..loaders.model import multiboot
from .kept import refuse_what_others_can_write

PACKAGES_ROOT_VARIABLE = "XEN_TOOL_PACKAGES_ROOT"
"""The environment variable with a folder of unpacked packages, which is searched besides /."""

_INSTEAD = "the xen-*-amd64.gz of a xen-hypervisor package"
"""The end of a message: what to name."""
_HEADER_BEFORE = 8192
"""Number of bytes of the file in which QEMU searches for the multiboot header, to load it."""
_FILE_NAME = re.compile(r"xen-([0-9]+(?:\.[0-9]+)*)-amd64(?:\.gz)?")


def default_roots() -> list[Path]:
    """Return the folders below which packages may be: / and that of PACKAGES_ROOT_VARIABLE."""
    unpacked = os.environ.get(PACKAGES_ROOT_VARIABLE)
    return [Path("/"), *([Path(unpacked)] if unpacked else [])]


def installed_hypervisors(roots: Sequence[Path] | None = None) -> list[tuple[str, Path]]:
    """Return the version and path of each hypervisor in boot/ below the roots, oldest first.

    roots: None: default_roots().
    """
    paths = sorted(
        path
        for root in (default_roots() if roots is None else roots)
        for path in root.glob("boot/xen-*-amd64*")
        if path.is_file()
    )
    found = [(version, path) for path in paths if (version := version_of(path))]
    return sorted(found, key=lambda item: [int(part) for part in item[0].split(".")])


def version_of(path: Path) -> str | None:
    """Return the version, such as 4.17, in the file name of a hypervisor; None for another name."""
    match = _FILE_NAME.fullmatch(path.name)
    return match[1] if match else None


def find_hypervisor(roots: Sequence[Path] | None = None) -> Path:
    """Return the path of the newest Xen hypervisor in boot/ below the roots.

    roots: None: default_roots().
    Raises XenToolError if there is none, or if other users can change it.
    """
    found = installed_hypervisors(roots)
    if not found:
        folders = " or ".join(
            str(root / "boot") for root in (default_roots() if roots is None else roots)
        )
        raise XenToolError(
            f"no Xen hypervisor (xen-*-amd64.gz) in {folders}: install it with "
            "`apt-get install xen-hypervisor-4.17-amd64` (Debian 12) or "
            "`apt-get install xen-hypervisor-4.20-amd64` (Debian 13)"
        )
    path = found[-1][1]
    refuse_what_others_can_write(path)
    return path


def read_hypervisor(path: Path) -> bytes:
    """Return the content of a hypervisor's ELF file; path: that file, or the gzipped one.

    Raises XenToolError if it cannot be read, or is no Xen hypervisor.
    """
    descriptor = open_regular(path, _INSTEAD)
    try:
        with open(descriptor, "rb") as file:
            content = file.read()
    except OSError as error:
        raise XenToolError(f"the Xen hypervisor {path} cannot be read: {error.strerror}") from error
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise XenToolError(
                f"the Xen hypervisor {path} is damaged ({error}): reinstall its package"
            ) from error
    if not content.startswith(spec.ELFMAG):
        raise XenToolError(
            f"the Xen hypervisor {path} is not an ELF file, gzipped or plain: name {_INSTEAD}"
        )
    if not multiboot.find(Data.of_bytes(content), multiboot.MAGIC, _HEADER_BEFORE):
        raise XenToolError(
            f"{path} is an ELF file, but no Xen hypervisor, as it has no multiboot header: "
            f"name {_INSTEAD}"
        )
    return content
