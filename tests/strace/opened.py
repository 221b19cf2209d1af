# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compare the files that each step of a build read, by strace, with its record."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xen_tool.build.database import Database
from xen_tool.build.record import Record
from xen_tool.toolchain import words
from xen_tool.toolchain.programs import Toolchain, find

BUILD = "build/x86_64"
_CALLS = "openat,open,openat2,execve,clone,clone3,fork,vfork"
_SYSTEM = (
    *("/proc/", "/sys/", "/etc/", "/dev/", "/usr/lib/locale/", "/usr/share/locale/"),
    # clang reads files to find out its system and its GPU.
    *("/usr/lib/os-release", "/usr/local/cuda"),
)
_LINE = re.compile(r"(\d+) +(.*)")
_UNFINISHED = re.compile(r"(.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_CHILD = re.compile(r"(?:clone3?|v?fork)\(.*\) += (\d+)")
_OPENED = re.compile(r"open(?:at2?)?\((.*)\) += \d+<(.*)>$")
_MADE = re.compile(r'"-(?:o|MF)", "((?:[^"\\]|\\.)*)/\.((?:[^"\\/]|\\.)*?)\.part/[^"/]*"')
_SHARED = re.compile(r"\.so(?:\.\d+)*$")


@dataclass
class Reads:
    """How the files that steps opened compare with the records, of one build or several."""

    steps: int = 0
    opened: int = 0
    """The number of files that were opened, summed over all steps."""
    missing: list[str] = field(default_factory=list)
    """Lines `OUTPUT: FILE` of files that were read, and not recorded."""
    admitted: list[str] = field(default_factory=list)
    """The same lines, of steps whose record says that it is incomplete: they run in each build."""
    again: list[str] = field(default_factory=list)
    """Lines `OUTPUT: WHY` of steps that run again although nothing changes."""
    unopened: list[str] = field(default_factory=list)
    """Lines `OUTPUT: FILE` of files that were recorded, and not read."""
    unexplained: list[str] = field(default_factory=list)
    """Those lines of unopened whose file is no word of the command and of no precompiled header."""

    def __iadd__(self, other: Reads) -> Reads:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self


def run(top: Path, work: Path, toolchain: str, *arguments: str) -> str:
    """Build a tree under strace; return its log.  What compilers keep goes to work/temporary."""
    temporary = work / "temporary"
    temporary.mkdir(parents=True, exist_ok=True)
    log = work / "strace.log"
    scons = [sys.executable, "-m", "SCons", "-Q", "-j1", f"TOOLCHAIN={toolchain}", *arguments]
    unset = ("SCONSFLAGS", "KCONFIG_CONFIG", "XEN_TOOL_COMMAND")
    inherited = {name: value for name, value in os.environ.items() if name not in unset}
    result = subprocess.run(
        ["strace", "-f", "-y", "-s", "100000", "-e", f"trace={_CALLS}", "-o", log, *scons],
        cwd=top,
        env={**inherited, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return log.read_text(errors="surrogateescape")


def build(top: Path, work: Path, toolchain: str, *arguments: str) -> Reads:
    """Build a tree under strace, and compare; work is a folder for temporary files."""
    log = run(top, work, toolchain, *arguments)
    tools = find(os.environ.get("PATH", os.defpath), toolchain=toolchain)
    # Files in the temporary folder pass from one program of a compiler to the next.
    left_out = (*_SYSTEM, f"{work}/temporary/", *_folders(tools), f"{top}/{BUILD}/.zig-cache/")
    of_toolchain = {os.path.realpath(name) for name in (*tools.cc_files, *tools.ld_files)}
    of_toolchain.add(f"{top}/{BUILD}/include/generated/autoconf.h")
    opened = {
        output: {
            name
            for name in names - of_toolchain
            if not name.startswith(left_out)
            and ".part/" not in name
            and not os.path.isdir(name)
            and (name.startswith(f"{top}/") or not _SHARED.search(name))
        }
        for output, names in by_step(log).items()
    }
    return _compare(top, opened)


def _folders(tools: Toolchain) -> Iterator[str]:
    """Yield the folders in which only the toolchain's own files are, each with a `/` at its end."""
    yield f"{os.path.dirname(os.path.realpath(tools.include))}/"
    for program in (tools.cc[0], tools.ld[0]):
        folder = os.path.dirname(os.path.realpath(program))
        if tools.name == "zig":
            yield f"{folder}/"
        elif os.path.basename(folder) == "bin" and folder not in ("/usr/bin", "/usr/local/bin"):
            yield f"{os.path.dirname(folder)}/"


def by_step(log: str) -> Mapping[str, set[str]]:
    """Return the files that each step opened for reading, by the output of the step."""
    parents: dict[str, str] = {}
    made: dict[str, str] = {}
    opens: list[tuple[str, str]] = []
    for pid, call in _calls(log):
        if match := _CHILD.match(call):
            parents[match[1]] = pid
        elif call.startswith("execve(") and call.endswith(" = 0"):
            if match := _MADE.search(call):
                made[pid] = _text(f"{match[1]}/{match[2]}")
        elif (match := _OPENED.match(call)) and not re.search("O_WRONLY|O_DIRECTORY", match[1]):
            opens.append((pid, _text(match[2])))
    found: dict[str, set[str]] = {output: set() for output in made.values()}
    for pid, name in opens:
        process: str | None = pid
        while process is not None and process not in made:
            process = parents.get(process)
        if process is not None:
            found[made[process]].add(name)
    return found


def _calls(log: str) -> Iterator[tuple[str, str]]:
    """Yield the process and the call of each line; calls that strace split in two are joined."""
    begun: dict[str, str] = {}
    for line in log.split("\n"):
        if not (match := _LINE.fullmatch(line)):
            continue
        pid, call = match.groups()
        if unfinished := _UNFINISHED.match(call):
            begun[pid] = unfinished[1]
        elif resumed := _RESUMED.match(call):
            yield pid, begun.pop(pid, "") + resumed[1]
        else:
            yield pid, call


def _text(quoted: str) -> str:
    """Return the text that strace printed with escapes of C."""
    if "\\" not in quoted:
        return quoted
    return os.fsdecode(quoted.encode().decode("unicode_escape").encode("latin-1"))


def _compare(top: Path, opened: Mapping[str, set[str]]) -> Reads:
    database = Database(str(top / BUILD / ".build.db"))
    reads = Reads()
    before = os.getcwd()
    os.chdir(top)
    try:
        for output, names in opened.items():
            record = database.get(output)
            assert record is not None, f"{output} has no record"
            _compare_step(reads, database, record, names)
    finally:
        os.chdir(before)
    return reads


def _compare_step(reads: Reads, database: Database, record: Record, names: set[str]) -> None:
    rows = [path for path, _ in database.rows(record.inputs) if not path.endswith("/")]
    recorded = {os.path.realpath(path): path for path in rows}
    reads.steps += 1
    reads.opened += len(names)
    missing = [f"{record.path}: {name}" for name in sorted(names - recorded.keys())]
    (reads.admitted if record.dirty else reads.missing).extend(missing)
    if record.dirty:
        reads.again.append(f"{record.path}: {record.dirty}")
    argv = [*database.text(record.flags).split("\n"), *record.files.split("\n")]
    explained = set(_real(words.files(words.flatten(argv))))
    # clang reports the files that a precompiled header was made from.
    for header in filter(None, map(database.get, rows)):
        explained.update(_real(path for path, _ in database.rows(header.inputs)))
    for name in sorted(recorded.keys() - names):
        line = f"{record.path}: {recorded[name]}"
        reads.unopened.append(line)
        if name not in explained and not name.endswith((".gch", ".pch")):
            reads.unexplained.append(line)


def _real(names: Iterable[str]) -> Sequence[str]:
    return [os.path.realpath(name) for name in names]
