# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Make a Linux dom0 of Debian's packages: its kernel, and an initramfs with Xen's tools.

The files are kept in the user's cache folder; <key> is a hash of packages and of this code:

    ~/.cache/xen_tool/xen-<version>/dom0-<key>/kernel
    ~/.cache/xen_tool/xen-<version>/dom0-<key>/initramfs

The initramfs has no /init: boot/domu.py appends an archive with it and the domain to build.
"""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import os
import re
import struct
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ..elf import spec
from ..errors import XenToolError, unwritable
from ..image.container import open_kernel
from ..image.data import Data
from ..image.elf import Elf, NotElf, Segment
from . import cpio, suites
from .apt import Say, locked
from .kept import checked, forget, is_kept, keep

_KEEP_SECONDS = 30 * 24 * 3600
"""Seconds after its last use until a dom0 is removed."""

_APPLETS = ("sh", "mount", "insmod", "mkdir", "ln", "cat", "sleep", "dd", "sed", "grep")
_TOOLS = ("xl", "xenstored", "xenconsoled", "xen-init-dom0", "libxl-save-helper")
MODULES = ("xen-privcmd", "xenfs", "xen-evtchn", "xen-gntdev")
"""The kernel modules, in the order in which /init loads them."""

_OPENED = "libgcc_s.so.1"
"""A library that glibc opens when a thread ends; without it xl aborts when its domain ends."""
_LOADER = "lib64/ld-linux-x86-64.so.2"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"

_FOLDERS = (
    *("proc", "sys", "dev", "tmp", "etc/xen", "run/xen", "run/lock"),
    *("var/lib/xen", "var/lib/xenstored", "var/log/xen/console"),
)
_LINKS = {"var/run": "../run", "var/lock": "../run/lock"}

_WANTED = re.compile(
    r"boot/vmlinuz-.*"
    r"|(usr/)?bin/busybox"
    rf"|(usr/)?lib/modules/.*/(?P<module>{'|'.join(MODULES)})\.ko(\.xz)?"
    rf"|usr/lib/xen-[^/]*/(bin/({'|'.join(_TOOLS)})|boot/xen-shim)"
    r"|(usr/)?lib(64)?/(.*/)?(?P<library>(lib|ld-)[^/]*\.so[^/]*)"
)
"""The paths of files that are taken from the packages; only the libraries needed are used."""


def dom0(version: str, say: Say) -> Path:
    """Return the folder with kernel and initramfs of a dom0 for a version of Xen, such as 4.17.

    It is made if it is not in the cache.
    Raises XenToolError if its packages cannot be fetched or lack a file that is needed, or if what
    is in the cache was changed.
    """
    packages = suites.dom0_packages(version, say)
    recipe = [
        *(path.name for path in packages),
        *map(_digest, (Path(__file__), Path(cpio.__file__))),
    ]
    key = hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:16]
    base = packages[0].parents[1]
    folder = base / f"dom0-{key}"
    if is_kept(folder):
        with contextlib.suppress(OSError):
            os.utime(folder)
        return checked(folder)
    try:
        with locked(base.with_name(f"{base.name}.lock")):
            if not is_kept(folder):
                say(f"making a dom0 for Xen {version} in {folder}, once")
                _make(packages, folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _make(packages: Sequence[Path], folder: Path) -> None:
    """Make the dom0 of these packages in a folder; remove old ones beside it."""
    for other in folder.parent.glob("dom0-*/"):
        # One of other packages, or of another version of this tool, may still be in use.
        if other == folder or time.time() - other.stat().st_mtime > _KEEP_SECONDS:
            forget(other)
    bzimage, initramfs = contents(packages)
    with tempfile.TemporaryDirectory(".new", dir=folder.parent) as work:
        path, made = Path(work, "bzImage"), Path(work, "dom0")
        made.mkdir()
        path.write_bytes(bzimage)
        # An unpacked kernel saves Xen the work, which is slow under QEMU.
        with open_kernel(path) as image:
            if image.payload is None:
                raise XenToolError(f"Debian's kernel in {packages[0].parent}: {image.problem}")
            (made / "kernel").write_bytes(image.payload.read(0, image.payload.size))
        (made / "initramfs").write_bytes(initramfs)
        keep(made, folder)


def contents(packages: Sequence[Path]) -> tuple[bytes, bytes]:
    """Return Debian's kernel, a bzImage, and the initramfs, made of the files in .deb archives.

    Raises XenToolError if an archive is damaged, or if a file that is needed is in none.
    """
    plain: dict[str, bytes] = {}
    kernel = b""
    libraries: dict[str, bytes | str] = {}
    for package in packages:
        for path, content in suites.files(package, lambda p: bool(_WANTED.fullmatch(p))):
            match = _WANTED.fullmatch(path)
            assert match is not None
            if match["library"]:
                # Ignore a link to the same name in another folder.
                if isinstance(content, bytes) or PurePosixPath(content).name != match["library"]:
                    libraries[match["library"]] = content
            elif isinstance(content, str):
                continue
            elif path.startswith("boot/"):
                kernel = content
            elif match["module"]:
                plain[f"modules/{match['module']}.ko"] = (
                    lzma.decompress(content) if path.endswith(".xz") else content
                )
            else:
                plain[path.removeprefix("usr/") if "busybox" in path else path] = content
    wanted = {"bin/busybox", *(f"modules/{name}.ko" for name in MODULES)}
    found = wanted.intersection(plain) | {
        name for name in _TOOLS if any(p.endswith(f"/{name}") for p in plain)
    }
    missing = sorted(wanted.union(_TOOLS) - found) + ([] if kernel else ["the kernel"])
    if missing:
        raise XenToolError(
            f"{packages[0].parent}: the packages have no {', '.join(missing)}; remove the folder"
        )
    plain[_LOADER] = _library(PurePosixPath(_LOADER).name, libraries)
    plain.update(_linked(plain, libraries))
    plain["etc/xen/xl.conf"] = b""
    links = _LINKS | {f"bin/{name}": "busybox" for name in _APPLETS}
    return kernel, cpio.archive(plain, links=links, folders=_FOLDERS)


def _linked(
    programs: Mapping[str, bytes], libraries: Mapping[str, bytes | str]
) -> Iterator[tuple[str, bytes]]:
    """Yield the path and content of the libraries that programs need, directly or through others.

    programs: contents by path.  libraries: contents, or targets of links, by name.
    The dynamic loader is left out.
    """
    names = [_OPENED, *(name for content in programs.values() for name in needed(content))]
    seen = {PurePosixPath(_LOADER).name}
    while names:
        if (name := names.pop()) not in seen:
            seen.add(name)
            content = _library(name, libraries)
            names += needed(content)
            yield f"{_LIBRARIES}/{name}", content


def _library(name: str, libraries: Mapping[str, bytes | str]) -> bytes:
    """Return the content of a library, through links; raise XenToolError if it is missing."""
    content: bytes | str | None = libraries.get(name)
    for _ in range(8):
        if not isinstance(content, str):
            break
        content = libraries.get(PurePosixPath(content).name)
    if not isinstance(content, bytes):
        raise XenToolError(f"Debian's packages for a dom0 have no {name}")
    return content


def needed(content: bytes) -> list[str]:
    """Return the names of the shared libraries that a 64-bit ELF file needs (DT_NEEDED).

    The list is empty for a file that is not one, such as a script.
    """
    try:
        elf = Elf(Data.of_bytes(content))
    except NotElf:
        return []
    if elf.bits != 64:
        return []
    entries = [
        entry
        for segment in elf.segments
        if segment.p_type == spec.PT_DYNAMIC
        for entry in struct.iter_unpack("<QQ", _whole(content, segment, 16))
    ]
    tables = [value for tag, value in entries if tag == spec.DT_STRTAB]
    offsets = [
        table - segment.p_vaddr + segment.p_offset
        for table in tables
        for segment in elf.segments
        if segment.p_type == spec.PT_LOAD and 0 <= table - segment.p_vaddr < segment.p_filesz
    ]
    if not offsets:
        return []
    names = (elf.data.string(offsets[0] + value) for tag, value in entries if tag == spec.DT_NEEDED)
    return [name.decode(errors="replace") for name in names if name]


def _whole(content: bytes, segment: Segment, size: int) -> bytes:
    """Return the bytes of a segment in the file that are whole entries of size bytes."""
    data = content[segment.p_offset : segment.p_offset + segment.p_filesz]
    return data[: len(data) // size * size]
