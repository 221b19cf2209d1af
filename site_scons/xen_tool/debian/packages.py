# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Unpack packages of Debian, Ubuntu and the like without root, and without installing them.

They are below the user's cache folder:

    ~/.cache/xen_tool/packages-<release>/needs     the requested packages, one on each line
    ~/.cache/xen_tool/packages-<release>/sysroot/  the packages' files, as below /
    ~/.cache/xen_tool/packages-<release>/bin/      a wrapper script for each program in sysroot/

With bin/ in PATH the programs run.  Other files are found through XEN_TOOL_PACKAGES_ROOT, which is
the path of sysroot/.  The folder is complete or missing, never partial.

A boot gets QEMU and Xen by emulator() and hypervisor(); the tests use the same folder for theirs.
The version of Xen in a package's name is taken from the package lists.
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
"""Changes unpacked files; receives their folder, and the path that it will be moved to."""

# Programs that search for data below / unless an option names the folder.
_DATA = (
    ("qemu-system-", "-L", "usr/share/qemu"),
    ("qemu-system-", "-L", "usr/share/seabios"),
)


def emulator(name: str, say: Say) -> Path:
    """Return the path of QEMU in the cache; fetch it if it is missing.

    Raises XenToolError if it cannot be fetched.
    """
    path = fetched(BOOT, say) / "bin" / name
    if not path.exists():
        raise XenToolError(
            f"QEMU ({name}) is not in PATH, and apt-get does not fetch it: install what Debian "
            f"calls {BOOT[0]}"
        )
    return path


def hypervisor(say: Say) -> Path:
    """Return the installed Xen hypervisor, or that of this system's archive, which is fetched.

    Raises XenToolError if it cannot be fetched.
    """
    roots = default_roots()
    if not installed_hypervisors(roots):
        roots.append(fetched(BOOT, say) / "sysroot")
    return find_hypervisor(roots)


def fetched(packages: Sequence[str], say: Say, finish: Finish | None = None) -> Path:
    """Return the folder in which packages are unpacked; fetch those that are missing.

    Packages that the archive does not have are left out.  finish is called after unpacking.
    Raises XenToolError if there is no apt-get, or if it fails.
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
    """Return those of the packages that the lists have; {xen} is replaced by the newest version."""
    hypervisors = (re.fullmatch(r"xen-hypervisor-(\d+)\.(\d+)-amd64", name) for name in known)
    newest = max(((int(found[1]), int(found[2])) for found in hypervisors if found), default=(0, 0))
    names = [name.format(xen="{}.{}".format(*newest)) for name in packages]
    return [name for name in names if name in known]


def _cache_folder() -> Path:
    release = "unknown"
    with contextlib.suppress(OSError):
        system = platform.freedesktop_os_release()
        release = system.get("VERSION_CODENAME") or system.get("VERSION_ID") or system["ID"]
    return cache_folder() / f"packages-{release}"


def _unpacked(folder: Path) -> list[str]:
    return (folder / "needs").read_text().splitlines() if is_kept(folder) else []


def _unpack(wanted: Sequence[str], folder: Path, say: Say, finish: Finish | None) -> None:
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
            # A libc other than the system's loader's does not work.
            plan = apt.plan(packages)
            found = [f"{name}={version}" for name, version in plan.items() if name != "libc6"]
            # What is installed already is not in the plan, but its files were not found.
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
    # Links as on the system, so that files of a package in lib/ are in usr/lib/.
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for archive in archives:
        # dpkg --extract would replace the links by folders.
        command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as files:
            run_program("tar", "-x", "--keep-directory-symlink", cwd=root, stdin=files.stdout)


def _make_starters(new: Path, folder: Path) -> None:
    """Write scripts to new/bin that run new/sysroot's programs after new is moved to folder."""
    (new / "bin").mkdir()
    root = new / "sysroot"
    libraries = library_path(root).replace(str(new), str(folder))
    # Debian's usr/bin has only a script for it, which searches for it below /.
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
