# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Kernels out of Debian's packages, fetched with apt-get and unpacked without being installed.

Everything raises XenToolError if the archive cannot be reached, or has no such package.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from xen_tool.debian.apt import Apt
from xen_tool.errors import XenToolError


def newest_linux(folder: Path) -> list[str]:
    """Return the packages on which linux-image-amd64 and linux-image-cloud-amd64 depend today."""
    names = []
    for package in ("linux-image-amd64", "linux-image-cloud-amd64"):
        dependencies = Apt(folder / "apt").depends(package)
        found = re.search(r"Depends: (linux-image-\S+)", dependencies)
        if not found:
            raise XenToolError(f"{package} depends on no linux-image")
        names.append(found[1])
    return names


def update(folder: Path) -> None:
    """Get package lists into folder, without root; the other functions use them."""
    Apt(folder / "apt").update()


def unpack(
    folder: Path, packages: Sequence[str], patterns: Sequence[str], apt: Apt | None = None
) -> Path:
    """Download packages; return a folder in which their files that match patterns lie as below /.

    Archives stay in folder; apt-get takes those that are still right.
    """
    (apt or Apt(folder / "apt")).download(packages, folder)
    root = folder / "root"
    root.mkdir(exist_ok=True)
    for package in packages:
        archive = max(folder.glob(f"{package}_*.deb"), key=lambda path: path.stat().st_mtime)
        command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as files:
            subprocess.run(
                ["tar", "-x", "-C", root, "--wildcards", *patterns],
                stdin=files.stdout,
                stderr=subprocess.DEVNULL,  # complains of patterns that match no file
                check=False,
            )
    return root
