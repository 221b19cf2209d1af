# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Make the archives that Linux unpacks as its initramfs, in cpio's format "newc".

An entry is a header of ASCII, the name with a NUL and padding to 4 bytes, the content and padding
(Linux, Documentation/driver-api/early-userspace/buffer-format.rst):

    "070701", then 8 hexadecimal digits each: inode, mode, uid, gid, nlink, mtime, size, major and
    minor number of the device that has the file, major and minor number of the device that the
    file stands for, size of the name with its NUL, 0

Archives may follow one another; a later file replaces an earlier one of the same name.  An entry
holds only name, mode and content, so equal files make equal archives.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

# st_mode of what an archive has.
FILE = stat.S_IFREG | 0o755
FOLDER = stat.S_IFDIR | 0o755
LINK = stat.S_IFLNK | 0o777


def archive(
    files: Mapping[str, bytes],
    *,
    links: Mapping[str, str] | None = None,
    folders: Iterable[str] = (),
) -> bytes:
    """Return an archive of executable files, symbolic links and folders, and all parent folders.

    files: contents by path.  links: targets by path.  Paths are relative to /.
    """
    links = links or {}
    needed = {
        str(parent)
        for path in (*files, *links, *(f"{folder}/." for folder in folders))
        for parent in PurePosixPath(f"{path}/").parents
        if str(parent) != "."
    } | set(folders)
    entries = [
        *((path, FOLDER, b"") for path in sorted(needed)),
        *((path, FILE, files[path]) for path in sorted(files)),
        *((path, LINK, links[path].encode()) for path in sorted(links)),
        ("TRAILER!!!", 0, b""),
    ]
    return b"".join(_entry(inode, *entry) for inode, entry in enumerate(entries, 1))


def _entry(inode: int, path: str, mode: int, content: bytes) -> bytes:
    name = path.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name) + _padded(content)


def _padded(data: bytes) -> bytes:
    """Return bytes with zeros up to a multiple of 4."""
    return data + bytes(-len(data) % 4)
