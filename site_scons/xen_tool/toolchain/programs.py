# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find a C compiler and a linker for x86 kernels.

Uses gcc or clang with GNU ld or lld if they are installed, else the clang and lld of the
Python package ziglang.  Produces a Toolchain, from which the entry points make build steps.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import XenToolError
from . import versions
from .launcher import NONE, Launcher, launcher

NAMES = ("gcc", "clang", "zig")
"""The values of TOOLCHAIN=, in the order in which they are tried."""


@dataclass(frozen=True)
class Toolchain:
    """The programs as argv prefixes, and their files; found once, and used for every step."""

    name: str
    cc: tuple[str, ...]
    ld: tuple[str, ...]
    include: str
    """The folder of the compiler's own headers: stddef.h, stdint.h, stdarg.h."""
    cc_files: tuple[str, ...]
    """The files that a compilation uses: driver, cc1, assembler, wrappers, its headers."""
    ld_files: tuple[str, ...]
    """The files that a link uses."""
    gas: str
    """When GNU as assembles compiled code: "always", "where needed", or "" (never).

    With clang it is needed for sources that embed files: needs_gas() in build/commands.py.
    """
    launcher: Launcher = NONE
    """The command before the compiler."""

    def folders(self, project: Iterable[str]) -> dict[str, str]:
        """Return what replaces the paths of folders in objects: the project's, and zig's headers.

        The keys are the folders; the values are "." and "zig/include".
        """
        of_zig = {self.include: "zig/include"} if self.name == "zig" else {}
        return {**dict.fromkeys(project, "."), **of_zig}


def find(
    path: str,
    *,
    toolchain: str | None = None,
    cc: str | None = None,
    ld: str | None = None,
    cc_launcher: str | None = None,
    cross: str | None = None,
    llvm: str | None = None,
) -> Toolchain:
    """Find the programs in path, a list of folders as in $PATH.

    toolchain: one of NAMES.  cc, ld: commands that replace its programs.  cc_launcher: a command
    to put before the compiler.  cross: the prefix of the names of GNU programs, as kbuild's
    CROSS_COMPILE=.  llvm: 1, a version such as -14, or a folder that ends with /, as kbuild's
    LLVM=.

    Raises XenToolError if a program is missing, or the arguments contradict one another.
    """
    if toolchain is not None and toolchain not in NAMES:
        raise XenToolError(f"TOOLCHAIN={toolchain}: the toolchains are {', '.join(NAMES)}")
    if llvm is not None:
        if toolchain not in (None, "clang"):
            raise XenToolError(f"TOOLCHAIN={toolchain} and LLVM={llvm} contradict: give only one")
        toolchain = "clang"
        cc, ld = cc or _of_llvm(llvm, "clang"), ld or _of_llvm(llvm, "ld.lld")
    elif cross:
        if toolchain == "zig":
            raise XenToolError(
                f"TOOLCHAIN=zig and CROSS_COMPILE={cross}: zig needs no other programs for "
                "another machine; leave CROSS_COMPILE out"
            )
        if toolchain != "clang":
            cc, ld = cc or f"{cross}gcc", ld or f"{cross}ld"
    cc_argv = _command("CC", cc) if cc else []
    name = _kind(cc_argv) if cc else toolchain or _first(path)
    if toolchain not in (None, name):
        raise XenToolError(f"TOOLCHAIN={toolchain} and CC={cc} contradict: leave one of them out")
    zig = _zig() if name == "zig" and not cc else None
    if not cc_argv:
        cc_argv = [zig, "cc"] if zig else [name]
    if cross and name == "clang":
        cc_argv.append(f"--target={os.path.basename(cross).removesuffix('-')}")
    if ld:
        ld_argv = _command("LD", ld)
    elif zig:
        ld_argv = [zig, "ld.lld"]
    else:
        ld_argv = [_linker(path, cc_argv)]
    before = _launcher(path, cc_launcher, name) if cc_launcher else NONE
    return _toolchain(path, name, cc_argv, ld_argv, zig, before)


def _toolchain(
    path: str,
    name: str,
    cc_argv: Sequence[str],
    ld_argv: Sequence[str],
    zig: str | None,
    before: Launcher,
) -> Toolchain:
    """Return the toolchain of chosen commands.

    zig: the path of ziglang's program if it is the compiler, else None.  before: the launcher.
    """
    programs = [_which(path, cc_argv[0], "C compiler"), _which(path, ld_argv[0], "linker")]
    helpers = [_which(path, word, "C compiler") for word in _wrapped(cc_argv)]
    command = (programs[0], *cc_argv[1:])
    include = _include(programs[0], cc_argv[1:], zig)
    printed = "" if zig else _dry_run(command)
    versions.check(name, cc_argv[0], printed)
    drivers = [programs[0], *helpers, *_driven(printed, path)]
    return Toolchain(
        name=name,
        cc=command,
        ld=(programs[1], *ld_argv[1:]),
        include=include,
        cc_files=(*_with_targets(drivers), *_files_below(include), *before.files),
        ld_files=_with_targets(programs[1:]),
        gas=_gas(name, path),
        launcher=before,
    )


def _launcher(path: str, text: str, toolchain: str) -> Launcher:
    """Return the launcher of the command text; raise XenToolError for zig, which takes none."""
    if toolchain == "zig":
        raise XenToolError(
            f"CC_LAUNCHER={text}: zig has a cache of its own; launchers are for gcc and clang"
        )
    words = _command("CC_LAUNCHER", text)
    program = _which(path, words[0], "compiler launcher")
    return launcher((program, *words[1:]), os.environ)


def _first(path: str) -> str:
    """Return the first toolchain of NAMES that is installed; raise XenToolError if none is."""
    for name in ("gcc", "clang"):
        if shutil.which(name, path=path):
            return name
    if importlib.util.find_spec("ziglang"):
        return "zig"
    raise XenToolError(
        "there is no C compiler: neither gcc nor clang is in PATH; install one, "
        "type `pip install ziglang`, or run ./sconsw, which fetches that one by itself"
    )


def _command(setting: str, text: str) -> list[str]:
    """Return the words of the value of a setting; raise XenToolError if it is no command."""
    words = _words(text)
    if not words:
        raise XenToolError(f"{setting}={text}: this is not a command")
    return words


def _kind(command: Sequence[str]) -> str:
    """Return the toolchain of a command, one of NAMES, by the names in it; gcc if none is known."""
    words = " ".join(Path(word).name for word in command)
    for name in ("zig", "clang"):
        if name in words:
            return name
    return "gcc"


def _zig() -> str:
    """Return the path of zig in the package ziglang; raise XenToolError if that is missing."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or not spec.submodule_search_locations:
        raise XenToolError("TOOLCHAIN=zig needs the package ziglang: type `pip install ziglang`")
    return str(Path(spec.submodule_search_locations[0]) / "zig")


def _linker(path: str, cc: Sequence[str]) -> str:
    """Return the linker in path that fits a compiler best, by its cross prefix or version."""
    name = _compiler(cc)
    version = re.search(r"-\d+$", name)
    if "clang" in name:
        candidates = [*([f"ld.lld{version[0]}"] if version else []), "ld.lld", "ld"]
    else:
        candidates = list(dict.fromkeys([_prefix(cc) + "ld", "ld", "ld.lld"]))
    for candidate in candidates:
        if shutil.which(candidate, path=path):
            return candidate
    raise XenToolError(
        f"there is no linker for {name}: none of {', '.join(candidates)} is in PATH; "
        "install binutils or lld, or type LD=PROGRAM"
    )


def _prefix(cc: Sequence[str]) -> str:
    """Return the prefix of a cross gcc, x86_64-linux-gnu- of x86_64-linux-gnu-gcc-12; or ""."""
    match = re.match(r"(.+-)gcc", _compiler(cc))
    return match[1] if match else ""


def _which(path: str, program: str, what: str) -> str:
    """Return the path of a program; raise XenToolError, which calls it `what`, if it is missing."""
    found = shutil.which(program, path=path)
    if found is None:
        raise XenToolError(f"{program}: no such {what} in PATH; install it, or choose another")
    return found


def _compiler(cc: Sequence[str]) -> str:
    """Return the name of the compiler itself in a command that may begin with a wrapper."""
    return Path([cc[0], *_wrapped(cc)][-1]).name


def _wrapped(cc: Sequence[str]) -> list[str]:
    """Return the compilers after a wrapper: [gcc] of `ccache gcc -m64`, [] of `gcc -m64`."""
    words = itertools.takewhile(lambda word: not word.startswith("-"), cc[1:])
    return [word for word in words if _kind([word]) in Path(word).name]


def _include(compiler: str, arguments: Sequence[str], zig: str | None) -> str:
    """Return the folder of the compiler's own headers; zig as for _toolchain()."""
    if zig is not None:
        # The folder of headers in the package ziglang.
        return str(Path(zig).resolve().parent / "lib" / "include")
    command = [compiler, *arguments, "-print-file-name=include"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise XenToolError(f"{shlex.join(command)} fails: is it a C compiler? {error}") from error
    return result.stdout.strip()


def _gas(name: str, path: str) -> str:
    """Return Toolchain.gas; clang has an assembler, and gets GNU as only if that is in path."""
    if name == "gcc":
        return "always"
    return "where needed" if name == "clang" and shutil.which("as", path=path) else ""


def _of_llvm(llvm: str, program: str) -> str:
    """Return the name of a program of LLVM, as kbuild derives it from LLVM=."""
    if llvm.endswith("/"):
        return shlex.quote(f"{llvm}{program}")
    if llvm != "1" and not re.fullmatch(r"-\d+", llvm):
        raise XenToolError(
            f"LLVM={llvm}: it is 1, a version such as -14, or a folder with a / at its end"
        )
    return program if llvm == "1" else f"{program}{llvm}"


def _dry_run(cc: Sequence[str]) -> str:
    """Return a driver's version and commands of a compilation, as printed for -###; else ""."""
    command = [*cc, "-###", "-c", "-x", "assembler-with-cpp", os.devnull, "-o", os.devnull]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr
    except OSError:
        return ""


def _driven(printed: str, path: str) -> list[str]:
    """Return the programs that a driver runs for a compilation, from what it prints for -###."""
    found = []
    for line in printed.splitlines():
        if line.startswith("COLLECT_GCC="):
            words = [line.partition("=")[2]]
        elif line.startswith(" "):
            words = _words(line)[:1]
        else:
            continue
        found += [program for word in words if (program := shutil.which(word, path=path))]
    return found


def _with_targets(programs: Iterable[str]) -> tuple[str, ...]:
    """Return the programs and the files that they are links to, as either may be replaced."""
    return tuple(dict.fromkeys(p for name in programs for p in (name, os.path.realpath(name))))


def _files_below(folder: str) -> list[str]:
    """Return the paths of all files in a folder and below, sorted."""
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)


def _words(text: str) -> list[str]:
    """Split a command into words as a shell does; [] if a quote is not closed."""
    try:
        return shlex.split(text)
    except ValueError:
        return []
