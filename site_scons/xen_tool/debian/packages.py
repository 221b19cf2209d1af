# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Unpack packages of Debian, Ubuntu and the like without root, and without installing them.

The unpacked packages are below the user's cache folder:

    ~/.cache/xen_tool/packages-<release>/needs     the requested packages, one on each line
    ~/.cache/xen_tool/packages-<release>/sysroot/  the packages' files, as below /
    ~/.cache/xen_tool/packages-<release>/bin/      a wrapper script for each program in sysroot/

With bin/ in PATH the programs run.  Other files are found through XEN_TOOL_PACKAGES_ROOT, which is
the path of sysroot/.  The folder is complete or missing, never partial.

A boot gets QEMU and Xen by emulator() and hypervisor(); the tests have their packages in the same
folder.  The version of Xen in the name of its package is the newest in the package lists.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import XenToolError
from .apt import OTHER_CACHE, Apt, Say, cache_folder, locked, run_program
from .hypervisor import (
    default_roots,
    find_hypervisor,
    installed_hypervisors,
)
from .kept import checked, is_kept, keep

BOOT = ("qemu-system-x86", "xen-hypervisor-{xen}-amd64")
"""The packages of a boot; {xen} stands for the version of Xen, such as 4.17."""

Finish = Callable[[Path, Path], None]
"""Changes unpacked packages; receives their folder, and the path that it will be moved to."""

_DATA = (
    ("qemu-system-", "-L", "usr/share/qemu"),
    ("qemu-system-", "-L", "usr/share/seabios"),
)
"""Programs that search for data below / unless an option names a folder: the start of their names,
the option, and the folder below sysroot/."""


def emulator(name: str, say: Say) -> Path:
    """Return the path of QEMU's wrapper script in the cache; fetch QEMU if it is missing.

    name: the program, such as qemu-system-x86_64.
    Raises XenToolError if it cannot be fetched, or as fetched() does.
    """
    path = fetched(BOOT, say) / "bin" / name
    if not path.exists():
        raise XenToolError(
            f"QEMU ({name}) is not in PATH, and apt-get does not fetch it: install what Debian "
            f"calls {BOOT[0]}"
        )
    return path


def hypervisor(say: Say) -> Path:
    """Return the path of the newest installed Xen hypervisor; fetch one if none is installed.

    Raises XenToolError if it cannot be fetched, or if other users can change it.
    """
    roots = default_roots()
    if not installed_hypervisors(roots):
        roots.append(fetched(BOOT, say) / "sysroot")
    return find_hypervisor(roots)


def fetched(packages: Sequence[str], say: Say, finish: Finish | None = None) -> Path:
    """Return the folder in which packages are unpacked; fetch those that are missing there.

    packages: names, which may have {xen} as in BOOT.  Those that the system's package lists do not
    have are left out, without an error.
    finish: called after unpacking, if something was missing.
    Raises XenToolError if there is no apt-get, if it fails, or if the folder's files were changed.
    """
    if not shutil.which("apt-get"):
        names = ", ".join(name.format(xen="VERSION") for name in packages)
        raise XenToolError(
            "system packages are missing, and there is no apt-get to get them with; "
            f"install what Debian calls {names}"
        )
    folder = _cache_folder()
    try:
        with locked(folder.with_name(f"{folder.name}.lock")):
            had = _unpacked(folder)
            if missing := [name for name in packages if name not in had]:
                _unpack([*had, *missing], folder, say, finish)
        return checked(folder)
    except OSError as error:
        raise XenToolError(
            f"{folder}: system packages cannot be unpacked there: {error.strerror}; "
            f"name {OTHER_CACHE}"
        ) from error


def library_path(root: Path) -> str:
    """Return the LD_LIBRARY_PATH for the unpacked programs and libraries below root."""
    patterns = ("usr/lib", "usr/lib/*-linux-gnu", "usr/lib/*-linux-gnu/*/")
    folders = sorted(folder for pattern in patterns for folder in root.glob(pattern))
    return os.pathsep.join(str(f) for f in folders if any(f.glob("lib*.so*")))


def offered(packages: Sequence[str], known: set[str]) -> list[str]:
    """Return those packages that are in known, the names in the package lists.

    {xen} in a name is replaced by the newest version of Xen in known.
    """
    hypervisors = (re.fullmatch(r"xen-hypervisor-(\d+)\.(\d+)-amd64", name) for name in known)
    newest = max(((int(found[1]), int(found[2])) for found in hypervisors if found), default=(0, 0))
    names = [name.format(xen="{}.{}".format(*newest)) for name in packages]
    return [name for name in names if name in known]


def _cache_folder() -> Path:
    """Return the folder for the packages of this release of the system."""
    release = "unknown"
    with contextlib.suppress(OSError):
        system = platform.freedesktop_os_release()
        release = system.get("VERSION_CODENAME") or system.get("VERSION_ID") or system["ID"]
    return cache_folder() / f"packages-{release}"


def _unpacked(folder: Path) -> list[str]:
    """Return the packages that were requested for a folder so far."""
    return (folder / "needs").read_text().splitlines() if is_kept(folder) else []


def _unpack(wanted: Sequence[str], folder: Path, say: Say, finish: Finish | None) -> None:
    """Fetch and unpack the wanted packages into a folder, in place of what it had."""
    for left in folder.parent.glob(f"{folder.name}.*.new"):
        shutil.rmtree(left)
    work = Path(tempfile.mkdtemp(".new", f"{folder.name}.", folder.parent))
    try:
        archives, new = work / "archives", work / "new"
        apt = Apt(work / "apt")
        for name in (archives, new):
            name.mkdir()
        say(f"fetching package lists into {folder.parent}; nothing is installed")
        apt.update()
        packages = offered(wanted, apt.names())
        say(f"unpacking in {folder}: {' '.join(packages)}")
        if packages:
            # Programs are run by the system's dynamic loader, which works with its own libc only.
            plan = apt.plan(packages)
            found = [f"{name}={version}" for name, version in plan.items() if name != "libc6"]
            # A package that is installed already is not in the plan.  It is wanted nevertheless, as
            # what it should have installed was not found.
            apt.download([*found, *(name for name in packages if name not in plan)], archives)
        _make_root(new / "sysroot", sorted(archives.glob("*.deb")))
        _make_starters(new, folder)
        if finish is not None:
            finish(new, folder)
        (new / "needs").write_text("".join(f"{name}\n" for name in wanted))
        if folder.exists():
            folder.rename(work / "old")
        keep(new, folder)
    finally:
        shutil.rmtree(work)


def _make_root(root: Path, archives: Sequence[Path]) -> None:
    """Unpack .deb archives into a new folder root."""
    # As on a system with a merged /usr, files that a package has in lib/ are put into usr/lib/.
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for archive in archives:
        # dpkg --extract would replace the links by folders.
        command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as files:
            run_program("tar", "-x", "--keep-directory-symlink", cwd=root, stdin=files.stdout)


def _make_starters(new: Path, folder: Path) -> None:
    """Write wrapper scripts to new/bin for the programs in new/sysroot.

    They work when new has been moved to folder.
    """
    (new / "bin").mkdir()
    root = new / "sysroot"
    libraries = library_path(root).replace(str(new), str(folder))
    # What Debian's usr/bin has is a script that searches for the browser below /.
    browser = "usr/lib/chromium/chromium-headless-shell"
    for pattern in ("usr/bin/*", "usr/sbin/*", "usr/lib/xen-*/bin/*", browser):
        for program in root.glob(pattern):
            command = [str(folder / program.relative_to(new))]
            for prefix, option, data in _DATA:
                if program.name.startswith(prefix):
                    command += [option, str(folder / "sysroot" / data)]
            starter = new / "bin" / program.name
            starter.write_text(
                "#!/bin/sh\n"
                f"export LD_LIBRARY_PATH={shlex.quote(libraries)}${{LD_LIBRARY_PATH:+:}}"
                "${LD_LIBRARY_PATH-}\n"
                f'export PATH="$PATH":{shlex.quote(str(folder / "bin"))}\n'
                f'exec {shlex.join(command)} "$@"\n'
            )
            starter.chmod(0o755)
