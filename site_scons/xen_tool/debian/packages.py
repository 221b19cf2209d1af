# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Gets the system programs that the boot and the tests need, on Debian, Ubuntu and their like.

``provide`` installs what is missing with apt-get if root runs it.  For another user it unpacks
the packages below the user's cache folder, which takes no rights and disturbs nothing:

    ~/.cache/xen_tool/packages-<release>/needs   what was asked for, one package a line
    ~/.cache/xen_tool/packages-<release>/sysroot/  the packages' files, as below /
    ~/.cache/xen_tool/packages-<release>/bin/      a starter for each program in sysroot/

The starters make PATH alone enough to run a program; files are found through
XEN_TOOL_PACKAGES_ROOT, which names sysroot/, and Python's modules with python_environment().  The
folder appears whole or not at all.

tests/run.py calls it.  A boot has what it needs unpacked in the same place, for root too, as it
installs nothing: emulator() and hypervisor().  Which version of Xen a package's name holds, the
package lists say.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import XenToolError
from ..light import NamedTuple
from .apt import Apt, Say, cache_folder, locked, run_program
from .hypervisor import (
    PACKAGES_ROOT_VARIABLE,
    default_roots,
    find_hypervisor,
    installed_hypervisors,
)
from .kept import checked, is_kept, keep


class Need(NamedTuple):
    """A package, and how to tell that what we want of it is there.

    package: its name, with {xen} for the version of Xen, such as 4.17.
    programs: names that must be found in PATH.
    files: patterns below / or $XEN_TOOL_PACKAGES_ROOT that must match.
    modules: names that this Python must be able to import, given python_environment().
    """

    package: str
    programs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    @property
    def wanted(self) -> str:
        """What of it must be there, for a message."""
        return ", ".join((*self.programs, *self.files, *self.modules))


NEEDS = (
    Need("qemu-system-x86", programs=("qemu-system-x86_64",)),
    Need("xen-hypervisor-{xen}-amd64", files=("boot/xen-*-amd64.gz",)),
    Need(
        "xen-utils-{xen}",
        files=("usr/lib/*/libxenguest.so.*", "usr/lib/xen-*/bin/readnotes"),
    ),
    Need("tmux", programs=("tmux",)),
    Need("ninja-build", programs=("ninja",)),
    Need("strace", programs=("strace",)),
    Need("gdb", programs=("gdb",)),
    Need("binutils", programs=("as", "ld", "readelf")),
    Need("cpio", programs=("cpio",)),
    Need("gcc", programs=("gcc",)),
    Need("rustc", programs=("rustc",)),
    Need("libc6-dev", files=("usr/include/stdio.h",)),
    *(Need(program, programs=(program,)) for program in ("bzip2", "lzop", "lz4", "zstd")),
    Need("xz-utils", programs=("xz",)),
    Need("libxen-dev", files=("usr/include/xenguest.h", "usr/lib/*/libxenguest.so")),
    Need("xvfb", programs=("Xvfb",)),
    Need("xdotool", programs=("xdotool",)),
    # C kconfig, of the release that config/ is held against.
    Need("linux-kbuild-6.1", files=("usr/lib/linux-kbuild-6.1/scripts/kconfig/conf",)),
    # The package tkinter alone is there in a Python that was built without Tk.
    Need("python3-tk", modules=("_tkinter",)),
)

BOOT = NEEDS[:2]
"""What a boot needs."""

# Programs that look for data below / unless an option names the folder.
_DATA = (
    ("qemu-system-", "-L", "usr/share/qemu"),
    ("qemu-system-", "-L", "usr/share/seabios"),
    ("gdb", "--data-directory", "usr/share/gdb"),
    ("Xvfb", "-xkbdir", "usr/share/X11/xkb"),
)


def missing() -> list[Need]:
    """Returns the needs that are not met in this process's environment."""
    return [need for need in NEEDS if not _met(need)]


def provide(say: Say) -> dict[str, str]:
    """Meets the needs as far as apt-get can; returns the environment variables to be set for it.

    What the archive does not have is left missing.  say gets a line before a step that takes time.

    Raises XenToolError if there is no apt-get, or if it fails.
    """
    # Debian's modules are for Debian's Python, not for one that the user built.
    needs = [need for need in missing() if not need.modules or sys.base_prefix == "/usr"]
    if not needs:
        return {}
    if shutil.which("apt-get") and os.geteuid() == 0:
        _install(needs, say)
        return {}
    folder = _fetched(needs, say)
    path = os.environ.get("PATH", os.defpath)
    return {
        "PATH": f"{path}{os.pathsep}{folder / 'bin'}",
        PACKAGES_ROOT_VARIABLE: str(folder / "sysroot"),
    }


def emulator(name: str, say: Say) -> Path:
    """Returns the path of a QEMU that is unpacked in the cache, fetched if need be.

    Raises XenToolError if it cannot be had.
    """
    path = _fetched(BOOT, say) / "bin" / name
    if not path.exists():
        raise XenToolError(
            f"QEMU ({name}) is not in PATH, and apt-get does not fetch it: install what Debian "
            f"calls {BOOT[0].package}"
        )
    return path


def hypervisor(say: Say) -> Path:
    """Returns the installed Xen hypervisor, or that of this system's archive, fetched if need be.

    Raises XenToolError if it cannot be had.
    """
    roots = default_roots()
    if not installed_hypervisors(roots):
        roots.append(_fetched(BOOT, say) / "sysroot")
    return find_hypervisor(roots)


def _fetched(needs: Sequence[Need], say: Say) -> Path:
    """The folder in which these are unpacked, if the archive has them."""
    if not shutil.which("apt-get"):
        names = ", ".join(need.package.format(xen="VERSION") for need in needs)
        raise XenToolError(
            "system packages are missing, and there is no apt-get to get them with; "
            f"install what Debian calls {names}"
        )
    folder = _cache_folder()
    try:
        with locked(folder.with_name(f"{folder.name}.lock")):
            had, wanted = _unpacked(folder), {need.package for need in needs}
            if not wanted <= had:
                _unpack([need for need in NEEDS if need.package in had | wanted], folder, say)
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


def python_environment() -> dict[str, str]:
    """Returns the environment variables with which this Python imports unpacked modules."""
    if not (unpacked := os.environ.get(PACKAGES_ROOT_VARIABLE)):
        return {}
    root = Path(unpacked)
    data = {"TCL_LIBRARY": "usr/share/tcltk/tcl8.*", "TK_LIBRARY": "usr/share/tcltk/tk8.*"}
    found = {name: path for name, pattern in data.items() for path in root.glob(pattern)}
    variables = {name: str(path) for name, path in found.items()}
    if folders := [folder for folder in _module_folders(root) if folder.is_dir()]:
        # What is kept in the cache stays as it is.
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
        variables["PYTHONPATH"] = os.pathsep.join(str(folder) for folder in folders)
        variables["LD_LIBRARY_PATH"] = library_path(root)
        # Tk does not start without a font.
        variables["FONTCONFIG_FILE"] = str(root / "etc/fonts/fonts.conf")
    return variables


def _module_folders(root: Path) -> list[Path]:
    library = root / "usr/lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return [library, library / "lib-dynload"]


def _met(need: Need) -> bool:
    return (
        all(shutil.which(name) for name in need.programs)
        and all(any(any(root.glob(pattern)) for root in default_roots()) for pattern in need.files)
        and all(_importable(name) for name in need.modules)
    )


def _importable(module: str) -> bool:
    if importlib.util.find_spec(module):
        return True
    unpacked = default_roots()[1:]
    folders = [folder for root in unpacked for folder in _module_folders(root)]
    return any(any(folder.glob(f"{module}.*")) for folder in folders)


def _offered(needs: Sequence[Need], known: set[str]) -> list[str]:
    """Returns the names of the packages, without those that the package lists do not know."""
    hypervisors = (re.fullmatch(r"xen-hypervisor-(\d+)\.(\d+)-amd64", name) for name in known)
    newest = max(((int(found[1]), int(found[2])) for found in hypervisors if found), default=(0, 0))
    names = [need.package.format(xen="{}.{}".format(*newest)) for need in needs]
    return [name for name in names if name in known]


def _install(needs: Sequence[Need], say: Say) -> None:
    def install(packages: Sequence[str]) -> None:
        say(f"installing with apt-get: {' '.join(packages)}")
        run_program(
            *("apt-get", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"),
            *("install", "--yes", "--no-install-recommends", *packages),
        )

    packages = _offered(needs, _system_names())
    if len(packages) == len(needs):
        # Fails if the lists are so old that the archive has other versions by now.
        with contextlib.suppress(XenToolError):
            install(packages)
            return
    say("updating the package lists with apt-get")
    run_program("apt-get", "update")
    if packages := _offered(needs, _system_names()):
        install(packages)


def _system_names() -> set[str]:
    return set(run_program("apt-cache", "pkgnames").split())


def _cache_folder() -> Path:
    release = "unknown"
    with contextlib.suppress(OSError):
        system = platform.freedesktop_os_release()
        release = system.get("VERSION_CODENAME") or system.get("VERSION_ID") or system["ID"]
    return cache_folder() / f"packages-{release}"


def _unpacked(folder: Path) -> set[str]:
    if is_kept(folder):
        return set((folder / "needs").read_text().splitlines())
    return set()


def _unpack(needs: Sequence[Need], folder: Path, say: Say) -> None:
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
        packages = _offered(needs, apt.names())
        say(f"unpacking in {folder}: {' '.join(packages)}")
        if packages:
            # A libc other than the system's loader's does not work.
            plan = apt.plan(packages).items()
            found = [f"{name}={version}" for name, version in plan if name != "libc6"]
            apt.download(found, archives)
        _make_root(new / "sysroot", sorted(archives.glob("*.deb")))
        _relocate(new, folder)
        _make_starters(new, folder)
        (new / "needs").write_text("".join(f"{need.package}\n" for need in needs))
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


def _relocate(new: Path, folder: Path) -> None:
    """Makes new/sysroot's files that name others below / find them, once new has become folder."""
    for server in new.glob("sysroot/usr/bin/Xvfb"):
        # It runs /usr/bin/xkbcomp, whatever PATH says; without a folder's name it asks PATH.
        server.write_bytes(server.read_bytes().replace(b"\0/usr/bin\0", b"\0\0usr/bin\0"))
    for fonts in new.glob("sysroot/etc/fonts/fonts.conf"):
        text = fonts.read_text()
        there = folder / "sysroot/usr/share/fonts"
        fonts.write_text(text.replace("<dir>/usr/share/fonts</dir>", f"<dir>{there}</dir>"))


def _make_starters(new: Path, folder: Path) -> None:
    """Fills new/bin with scripts that run new/sysroot's programs once new has become folder."""
    (new / "bin").mkdir()
    root = new / "sysroot"
    libraries = library_path(root).replace(str(new), str(folder))
    for pattern in ("usr/bin/*", "usr/sbin/*", "usr/lib/xen-*/bin/*"):
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
