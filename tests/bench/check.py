# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Measure the check of a 50 MB vmlinux, as a process and within a build, against readnotes.

    python tests/bench/check.py [ROUNDS]

The image has 45 MB of data and 60,000 symbols, and is linked by GNU ld.  In
turn run `xen-tool check`, readnotes (xen-utils), which only prints notes, and a
Python that does nothing.  Within a build, the image is read and judged by all
loaders in a process that has the modules already.  Status 1 if a whole process
takes more than 60 ms or 64 MiB, or the check within a build more than 5 ms, in
the median.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SITE = Path(__file__).resolve().parents[2] / "site_scons"
sys.path.insert(0, str(SITE))

from xen_tool.loaders.model.releases import Xen  # noqa: E402
from xen_tool.report.image_report import read_report  # noqa: E402

DATA = 45 << 20
SYMBOLS = 60_000
PROCESS_MS = 60
PROCESS_MIB = 64
BUILD_MS = 5

SCRIPT = """
ENTRY(entry)
PHDRS { all PT_LOAD FLAGS(5); note PT_NOTE FLAGS(4); }
SECTIONS
{
    . = 0xffffffff81000000;
    .text : AT(ADDR(.text) - 0xffffffff80000000) { *(.text) } :all
    .data : AT(ADDR(.data) - 0xffffffff80000000) { *(.data) } :all
    .notes : AT(ADDR(.notes) - 0xffffffff80000000) { *(.notes) } :all :note
}
"""
NOTES = (
    (5, '.asciz "xen-3.0"'),
    (8, '.asciz "generic"'),
    (3, ".quad 0xffffffff80000000"),
    (4, ".quad 0"),
    (1, ".quad entry"),
    (17, ".long 0x801"),
)


def make_image(folder: Path) -> Path:
    """Assemble and link the image."""
    (folder / "data").write_bytes(os.urandom(DATA))
    lines = [".globl entry", "entry: jmp entry"]
    lines += [f"function_{number:05}_of_the_kernel: ret" for number in range(SYMBOLS)]
    lines += ['.section .notes, "a", @note']
    for n_type, desc in NOTES:
        lines += [f'.long 4, 2f - 1f, {n_type}; .asciz "Xen"; 1: {desc}', "2: .balign 4"]
    lines += [".data", f'.incbin "{folder}/data"']
    (folder / "image.S").write_text("\n".join(lines) + "\n")
    (folder / "image.lds").write_text(SCRIPT)
    subprocess.run(["as", "-o", "image.o", "image.S"], cwd=folder, check=True)
    command = ["ld", "-z", "noexecstack", "-T", "image.lds", "-o", "vmlinux", "image.o"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "vmlinux"


def main() -> int:
    """Print the medians; return the exit status."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = make_image(folder)
        report = read_report(image, Xen())
        assert report.good
        assert len(report.notes) == len(NOTES)
        environment = {**os.environ, "PYTHONPATH": str(SITE)}
        # As for a user: Python's compiled modules are kept.
        environment["PYTHONPYCACHEPREFIX"] = str(folder / "pycache")
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def process(*command: object) -> Callable[[], None]:
            words = [str(word) for word in command]

            def run() -> None:
                subprocess.run(
                    words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )

            return run

        check = process(sys.executable, "-m", "xen_tool.cli", "check", image)
        check()
        memory = _peak_mib(image, environment)
        readnotes = next(iter(sorted(Path("/usr/lib").glob("xen-*/bin/readnotes"))), None)
        columns = {
            "xen-tool check": check,
            "readnotes": process(readnotes, image) if readnotes else None,
            "python, nothing": process(sys.executable, "-c", "pass"),
            "within a build": lambda: read_report(image, Xen()),
        }
        times: dict[str, list[float]] = {name: [] for name in columns}
        for _ in range(rounds):
            for what, function in columns.items():
                if function is not None:
                    times[what].append(_seconds(function))
        size = image.stat().st_size >> 20
    print(f"an image of {size} MiB, medians of {rounds}:")
    medians = {what: statistics.median(found) * 1000 for what, found in times.items() if found}
    for what, milliseconds in medians.items():
        print(f"  {what:<16} {milliseconds:7.2f} ms")
    print(f"  memory of xen-tool check: {memory:.0f} MiB")
    print(f"(at most {PROCESS_MS} ms and {PROCESS_MIB} MiB; {BUILD_MS} ms within a build)")
    fits = (
        medians["xen-tool check"] <= PROCESS_MS
        and memory <= PROCESS_MIB
        and medians["within a build"] <= BUILD_MS
    )
    return 0 if fits else 1


def _peak_mib(image: Path, environment: dict[str, str]) -> float:
    """Return the peak memory of xen-tool in MiB; that of wait4() may be its parent's."""
    program = (
        "import sys; from xen_tool.cli import main; main(sys.argv[1:]); "
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    command = [sys.executable, "-c", program, "check", str(image)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return int(result.stdout.split("VmHWM:")[1].split()[0]) / 1024


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
