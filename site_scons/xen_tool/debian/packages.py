# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""System packages of Debian, Ubuntu and their like, unpacked without root and not installed.

They lie below the user's cache folder, which takes no rights and disturbs nothing:

    ~/.cache/xen_tool/packages-<release>/needs   what was asked for, one package a line
    ~/.cache/xen_tool/packages-<release>/sysroot/  the packages' files, as below /
    ~/.cache/xen_tool/packages-<release>/bin/      a starter for each program in sysroot/

The starters make PATH alone enough to run a program; files are found through
XEN_TOOL_PACKAGES_ROOT, which names sysroot/.  The folder appears whole or not at all.

A boot has what it needs from there: emulator() and hypervisor(); the tests have theirs in the
same place.  Which version of Xen a package's name holds, the package lists say.
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
from .apt import Apt, Say, cache_folder, locked, run_program
from .hypervisor import (
    default_roots,
    find_hypervisor,
    installed_hypervisors,
)
from .kept import checked, is_kept, keep

BOOT = ("qemu-system-x86", "xen-hypervisor-{xen}-amd64")
"""The packages of a boot; {xen} is for the version of Xen, such as 4.17."""

Finish = Callable[[Path, Path], None]
"""Gets the folder of what was unpacked, and the place that it will have, to change files in it."""

# Programs that look for data below / unless an option names the folder.
_DATA = (
    ("qemu-system-", "-L", "usr/share/qemu"),
    ("qemu-system-", "-L", "usr/share/seabios"),
)


def emulator(name: str, say: Say) -> Path:
    """Returns the path of a QEMU that is unpacked in the cache, fetched if need be.

    Raises XenToolError if it cannot be had.
    """
    path = fetched(BOOT, say) / "bin" / name
    if not path.exists():
        raise XenToolError(
            f"QEMU ({name}) is not in PATH, and apt-get does not fetch it: install what Debian "
            f"calls {BOOT[0]}"
        )
    return path


def hypervisor(say: Say) -> Path:
    """Returns the installed Xen hypervisor, or that of this system's archive, fetched if need be.

    Raises XenToolError if it cannot be had.
    """
    roots = default_roots()
    if not installed_hypervisors(roots):
        roots.append(fetched(BOOT, say) / "sysroot")
    return find_hypervisor(roots)


def fetched(packages: Sequence[str], say: Say, finish: Finish | None = None) -> Path:
    """Returns the folder in which these are unpacked, if the archive has them.

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
            "name another cache folder in XDG_CACHE_HOME"
        ) from error


def library_path(root: Path) -> str:
    """Returns the LD_LIBRARY_PATH that the unpacked programs and libraries below root need."""
    patterns = ("usr/lib", "usr/lib/*-linux-gnu", "usr/lib/*-linux-gnu/*/")
    folders = sorted(folder for pattern in patterns for folder in root.glob(pattern))
    return os.pathsep.join(str(f) for f in folders if any(f.glob("lib*.so*")))


def offered(packages: Sequence[str], known: set[str]) -> list[str]:
    """Returns the names of packages, without those that the package lists do not know."""
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
        say(f"fetching package lists into {folder.parent}, as nothing is installed without root")
        apt.update()
        packages = offered(wanted, apt.names())
        say(f"unpacking in {folder}: {' '.join(packages)}")
        if packages:
            # A libc other than the system's loader's does not work.
            plan = apt.plan(packages).items()
            found = [f"{name}={version}" for name, version in plan if name != "libc6"]
            apt.download(found, archives)
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
    # As on the system, so that what a package ships in lib/ is found in usr/lib/.
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for archive in archives:
        # dpkg --extract would put folders in the links' place.
        command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as files:
            run_program("tar", "-x", "--keep-directory-symlink", cwd=root, stdin=files.stdout)


def _make_starters(new: Path, folder: Path) -> None:
    """Fills new/bin with scripts that run new/sysroot's programs once new has become folder."""
    (new / "bin").mkdir()
    root = new / "sysroot"
    libraries = library_path(root).replace(str(new), str(folder))
    # What Debian has in usr/bin of the last one is a script that looks for it below /.
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
