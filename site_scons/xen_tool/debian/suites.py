# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Fetch the Xen of any Debian release on any other: hypervisor, and packages for a dom0.

The files are fetched once, from the mirror of the system's APT, to the user's cache folder:

    ~/.cache/xen_tool/xen-<version>/xen-<version>-amd64.gz   the hypervisor
    ~/.cache/xen_tool/xen-<version>/dom0/*.deb               the packages for initramfs.py

Each is complete or missing, never partial, and is checked when it is used (kept.py).
loaders/model/releases.py has the releases whose rules are known.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import XenToolError
from .apt import OTHER_CACHE, Apt, Say, cache_folder, locked, system_mirror
from .hypervisor import installed_hypervisors
from .kept import checked, is_kept, keep, refuse_what_others_can_write

SUITES = {"4.14": "bullseye", "4.17": "bookworm", "4.20": "trixie"}
"""The Debian release for each version of Xen that Debian has."""

_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""The keys of all Debian releases, where a system has them."""

_LIBRARY = re.compile(r"(?!libpython|libperl|libssl|libkrb|libdb|libsqlite)lib.*|zlib1g")
"""Names of packages: the dependencies of Xen's tools that the dom0 needs.  Other dependencies, such
as Python and its libraries, are for tools that the dom0 does not have."""
_KERNEL = re.compile(r"linux-image-[0-9].*")
"""Names of packages: the kernel, on which linux-image-amd64 depends."""


class NotServed(XenToolError):  # noqa: N818
    """The mirror does not have the Debian release."""


def hypervisor(version: str, say: Say) -> Path:
    """Return the path of the hypervisor of a version such as 4.17: installed, or Debian's.

    Raises NotServed if the mirror does not have it, or XenToolError if it cannot be fetched for
    another reason, or if other users can change it.
    """
    for found, path in installed_hypervisors():
        if found == version:
            refuse_what_others_can_write(path)
            return path
    name = f"xen-{version}-amd64.gz"

    def make(apt: Apt, folder: Path) -> None:
        package = f"xen-hypervisor-{version}-amd64"
        say(f"fetching {package} into {folder.parent}, once")
        apt.download([package], folder / "deb")
        (deb,) = (folder / "deb").glob("*.deb")
        for _, content in files(deb, lambda path: path == f"boot/{name}"):
            assert isinstance(content, bytes)
            (folder / name).write_bytes(content)

    return _cached(version, name, make, say)


def dom0_packages(version: str, say: Say) -> list[Path]:
    """Return the .deb archives for a dom0: Debian's kernel, busybox, Xen's tools, and libraries.

    version: that of Xen, such as 4.17.
    Raises NotServed if the mirror does not have them, or XenToolError if they cannot be fetched for
    another reason, or if what is in the cache was changed.
    """

    def make(apt: Apt, folder: Path) -> None:
        wanted = (f"xen-utils-{version}", "busybox-static", "linux-image-amd64")
        packages = [
            f"{name}={release}"
            for name, release in apt.plan(wanted).items()
            if name in wanted[:2] or _KERNEL.fullmatch(name) or _LIBRARY.fullmatch(name)
        ]
        names = " ".join(wanted)
        say(f"fetching {names} (85 MB) into {folder.parent}, once")
        apt.download(packages, folder / "dom0")

    return sorted(_cached(version, "dom0", make, say).glob("*.deb"))


def files(deb: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes | str]]:
    """Yield the files and symbolic links in a .deb archive: paths, and contents or targets.

    wanted: whether a path, which is relative to /, is yielded.
    The content of a file is bytes, and the target of a link a str.
    Raises XenToolError if the archive is damaged.
    """
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    path = member.name.removeprefix("./")
                    if member.issym() and wanted(path):
                        yield path, member.linkname
                    elif member.isfile() and wanted(path):
                        content = archive.extractfile(member)
                        assert content is not None
                        yield path, content.read()
    except (OSError, tarfile.TarError) as error:
        raise XenToolError(f"{deb} cannot be unpacked ({error}); remove it") from error


def _cached(version: str, name: str, make: Callable[[Apt, Path], None], say: Say) -> Path:
    """Return the path of a file or folder in the cache of a version of Xen; make it if missing.

    make: writes the file or folder, of the same name, into the folder that it receives.
    Raises XenToolError if no release of Debian has the version, or if the cache is unusable.
    """
    folder = cache_folder() / f"xen-{version}"
    path = folder / name
    if is_kept(path):
        return checked(path)
    if version not in SUITES:
        known = ", ".join(SUITES)
        raise XenToolError(f"no release of Debian has Xen {version}; those known have {known}")
    try:
        with locked(folder.with_name(f"{folder.name}.lock")):
            if is_kept(path):
                return checked(path)
            folder.mkdir(exist_ok=True)
            refuse_what_others_can_write(folder)
            for left in folder.glob("*.new"):
                shutil.rmtree(left)
            work = Path(tempfile.mkdtemp(".new", dir=folder))
            try:
                make(archive(SUITES[version], f"Xen {version}", work, say), work)
                if os.path.lexists(path):  # left by a run that was killed, or by an older version
                    path.rename(work / "left")
                keep(work / name, path)
            finally:
                shutil.rmtree(work)
    except OSError as error:
        raise XenToolError(
            f"{folder}: packages of Xen {version} cannot be kept there: {error.strerror}; "
            f"name {OTHER_CACHE}"
        ) from error
    return path


def archive(suite: str, what: str, state: Path, say: Say) -> Apt:
    """Return an APT with the package lists of a Debian release, such as trixie.

    what: what is wanted of the release, for a message.  state: the folder for the lists.
    Raises NotServed if the mirror does not have the release, or XenToolError if the lists cannot be
    fetched for another reason.
    """
    mirror = _mirror(state / "system", say)
    say(f"fetching the package lists of Debian's {suite} from {mirror}")
    signed = f"[signed-by={_KEYS}] " if _KEYS.exists() else ""
    apt = Apt(state / "apt", f"deb {signed}{mirror} {suite} main\n")
    try:
        apt.update()
    except XenToolError as error:
        if re.search(r"does not have a Release file|no longer has a Release file", str(error)):
            raise NotServed(f"{mirror} has no {suite}, the Debian with {what}") from error
        raise
    return apt


def _mirror(state: Path, say: Say) -> str:
    """Return the URL from which this system gets Debian's component main.

    state: a folder for package lists.  Raises XenToolError if there is no such source.
    """
    mirror = system_mirror()
    if mirror is None:
        # Only the package lists tell which source has main, and a new machine has none yet.
        say("fetching the package lists of this machine's own sources")
        apt = Apt(state)
        apt.update()
        mirror = apt.mirror()
    if mirror is None:
        raise XenToolError("apt-get has no source of packages set up, so Xen cannot be fetched")
    return mirror
