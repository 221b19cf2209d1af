# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Record a run with QEMU, and replay it any number of times, also backwards with gdb.

QEMU records the input of the machine in FILE, with the number of instructions that had run at each
(QEMU, docs/system/replay.rst).  There are two more files:

    FILE.start   a disk image with the machine's state at its start, to which gdb goes back
    FILE.of      the identity of what was booted; a replay of anything else is refused

QEMU does not record a machine with several CPUs.  Where Xen runs a guest by AMD-V, the replay
diverges from the recording (BootSettings.check refuses it).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import struct
from collections.abc import Sequence
from pathlib import Path

from ...errors import XenToolError
from ...files import check_replaceable, write_if_changed
from ..modes import Mode
from ..qemu import COUNTING

CLUSTER = 1 << 16
"""The size of a cluster of a qcow2 image, in bytes."""
_START = "start"
"""The name of the snapshot in FILE.start."""
_WITHOUT_VAPIC = "apic-common.vapic=off"
"""Leave out the device kvmvapic, which serves Windows XP.

Its reset waits for the vCPU thread (hw/i386/kvmvapic.c, run_on_cpu) while the main thread holds the
replay lock.  When gdb goes backwards, QEMU resets the machine to load the snapshot, and the vCPU
thread may be waiting for that lock: a deadlock (seen in QEMU 7.2).
"""


def options(path: Path, mode: Mode, booted: str, *, replays: bool) -> list[str]:
    """Return QEMU's options to record a run in a file at path, or to replay it.

    For a recording, write FILE.start and FILE.of, and remove FILE.  booted: the result of
    identity().  Raises XenToolError if a file cannot be written, there is no such recording, or it
    is of another machine.
    """
    if "," in str(path):
        raise XenToolError(f"{path}: QEMU does not accept a comma in the name of a recording")
    start, of = Path(f"{path}.start"), Path(f"{path}.of")
    check_replaceable(path)
    if replays:
        _check_replay(path, start, of, mode, booted)
    else:
        write_if_changed(of, json.dumps({"mode": mode.name, "booted": booted}) + "\n")
        write_if_changed(start, empty_disk())
        with contextlib.suppress(OSError):
            path.unlink()
    record = "replay" if replays else "record"
    return [
        *("-icount", f"{COUNTING},rr={record},rrfile={path},rrsnapshot={_START}"),
        *("-drive", f"file={start},if=none,id=start,format=qcow2"),
        *("-global", _WITHOUT_VAPIC),
    ]


def _check_replay(path: Path, start: Path, of: Path, mode: Mode, booted: str) -> None:
    try:
        recorded = json.loads(of.read_bytes())
        was, mode_then = recorded["booted"], recorded["mode"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise XenToolError(f"{path}: no such recording: make one with RECORD={path}") from error
    if not (path.is_file() and start.is_file()):
        raise XenToolError(f"{path}: the recording is incomplete: record again with RECORD={path}")
    if mode_then != mode.name:
        raise XenToolError(f"{path}: was recorded in another mode: type MODE={mode_then}")
    if was != booted:
        raise XenToolError(
            f"{path}: was recorded of another image, Xen or QEMU, or with other options: "
            f"make it anew by RECORD={path}"
        )


def identity(words: Sequence[str], descriptors: Sequence[int]) -> str:
    """Return a hash of what identifies a machine.

    words: QEMU's command line.  The hash also covers size and time of QEMU's program, and the
    content of the files, but not the numbers of their descriptors.
    """
    places = {str(number): f"file {place}" for place, number in enumerate(descriptors)}
    hashed = hashlib.sha256()
    for word in words:
        same = re.sub(r"/proc/self/fd/(\d+)", lambda name: places.get(name[1], name[0]), word)
        hashed.update(f"{same}\0".encode(errors="surrogateescape"))
    for number in descriptors:
        with open(f"/proc/self/fd/{number}", "rb") as file:
            hashed.update(hashlib.sha256(file.read()).digest())
    with contextlib.suppress(OSError, IndexError):
        program = os.stat(words[0])
        hashed.update(f"{program.st_size} {program.st_mtime_ns}".encode())
    return hashed.hexdigest()


def empty_disk() -> bytes:
    """Return a qcow2 image of 1 MiB of zeros (QEMU, docs/interop/qcow2.txt), for snapshots.

    Its clusters are the header, the refcount table, a refcount block, and an L1 table.
    """
    fields = (b"QFI\xfb", 2, 0, 0, CLUSTER.bit_length() - 1, 1 << 20, 0)
    header = struct.pack(">4sIQIIQI", *fields)
    header += struct.pack(">IQQIIQ", 1, 3 * CLUSTER, CLUSTER, 1, 0, 0)
    clusters = (header, struct.pack(">Q", 2 * CLUSTER), b"\0\1" * 4, b"")
    return b"".join(cluster.ljust(CLUSTER, b"\0") for cluster in clusters)
