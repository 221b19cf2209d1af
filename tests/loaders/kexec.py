# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run the real kexec, which prints what it would load; nothing is ever loaded.

Its system calls are denied twice: strace answers them in the place of Linux, and the user namespace
that bwrap makes has no right to them.  bwrap hides the memory map of this machine behind another.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

_MEMORY = (
    (0, 0x9EFFF, "System RAM"),
    (0x9F000, 0xFFFFF, "Reserved"),
    (0x100000, 0xBFFFFFFF, "System RAM"),
    (0x100000000, 0x1FFFFFFFF, "System RAM"),
)
_DENIED = ("kexec_load", "kexec_file_load")
SECONDS = 120


def ask(images: Mapping[str, bytes], kexec: Path, libraries: str, folder: Path) -> dict[str, str]:
    """Return what kexec prints of each image.

    libraries: kexec's LD_LIBRARY_PATH; folder: an empty folder for the files of this run.
    """
    (folder / "memmap").mkdir()
    for number, (start, end, kind) in enumerate(_MEMORY):
        entry = folder / "memmap" / str(number)
        entry.mkdir()
        for name, text in (("start", f"{start:#x}"), ("end", f"{end:#x}"), ("type", kind)):
            (entry / name).write_text(f"{text}\n")
    lines = [f"export LD_LIBRARY_PATH={shlex.quote(libraries)}"]
    for number, image in enumerate(images.values()):
        (folder / str(number)).write_bytes(image)
        words = [str(kexec), "--debug", "-c", "-l", str(folder / str(number))]
        lines.append(f"echo '== {number}'; {shlex.join(words)}")
    (folder / "script").write_text("\n".join(lines))
    memory = (
        "--tmpfs",
        "/sys/firmware",
        "--ro-bind",
        str(folder / "memmap"),
        "/sys/firmware/memmap",
    )
    denied = (word for name in _DENIED for word in ("-e", f"inject={name}:error=EPERM"))
    traced = ("strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", *denied)
    run = subprocess.run(
        (
            *("bwrap", "--unshare-user", "--bind", "/", "/", "--dev", "/dev", *memory),
            *(*traced, "-e", f"trace={','.join(_DENIED)}", "sh", str(folder / "script")),
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        check=False,
    )
    outputs = run.stdout.decode("ascii", "replace").split("== ")[1:]
    assert len(outputs) == len(images), run.stdout
    return dict(zip(images, outputs, strict=True))
