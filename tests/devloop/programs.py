# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The work of the stand-in compiler and linker: their output, and the files they read.

commands.py runs these functions as programs; oracle.py calls them to know the right image
without a process.  Imports next to nothing, as a walk starts it thousands of times.

An object and an image are texts that hold all that went into them, so that two images
differ if, and only if, a real compiler could have made different ones.  Of the C
preprocessor there are #include "x", <x> and NAME, #define, #undef, #ifdef, #ifndef,
#if __has_include, #else, #endif and #error, CONFIG_ words in text, and macros of the form
NAME(x) CONFIG_##x; of the assembler .incbin and .include; of the linker INCLUDE.
"""

from __future__ import annotations

import os

OBJECT = "OBJECT\n"
_ELF = "\x7fELF"
_ARGUMENT = (
    *("-o", "-MF", "-MT", "-MQ", "-isystem", "-iquote", "-include", "-I", "-D", "-x"),
    *("-L", "-T", "-m", "-z", "--dependency-file", "-Xassembler", "-Xpreprocessor", "-Xlinker"),
)
"""Options with an argument."""
_DEPTH = 40


class Failed(Exception):  # noqa: N818 - of a command, not of this module
    """A command ends with status 1.

    problem: what is wrong; where: the file that has the fault; name: what that file names.
    """

    def __init__(self, problem: str, where: str, name: str) -> None:
        super().__init__(f"{where}: {problem}: {name}")
        self.problem = problem
        self.where = where
        self.name = name


class Files:
    """Reads files below a folder, each once.

    made: texts of further files by path, in place of those on the disk.
    """

    def __init__(self, top: str = "", made: dict[str, str] | None = None) -> None:
        self._top = top
        self._known: dict[str, str | None] = {**(made or {})}

    def read(self, path: str) -> str | None:
        """Return the bytes of a file, decoded as Latin-1; None if there is no such file."""
        if path not in self._known:
            try:
                with open(os.path.join(self._top, path), encoding="latin-1", newline="") as file:
                    self._known[path] = file.read()
            except OSError:
                self._known[path] = None
        return self._known[path]

    def first(self, paths: list[str]) -> tuple[str, str] | None:
        """Return the first of the paths that is a file, and its text; None if none is."""
        for path in paths:
            text = self.read(path)
            if text is not None:
                return path, text
        return None


class Words:
    """The words of a command line and of its response files, sorted by option."""

    def __init__(self, argv: list[str], files: Files) -> None:
        self.options: dict[str, list[str]] = {name: [] for name in _ARGUMENT}
        self.flags: list[str] = []
        self.inputs: list[str] = []
        words = iter(_expanded(argv, files))
        for word in words:
            name = next((n for n in sorted(_ARGUMENT, reverse=True) if word.startswith(n)), None)
            if name is None or (word != name and name not in ("-I", "-D", "-L", "-isystem")):
                (self.flags if word.startswith("-") and word != "-" else self.inputs).append(word)
            else:
                self.options[name].append(word[len(name) :] or next(words, ""))

    def last(self, name: str, default: str = "") -> str:
        """Return the argument of the last option with this name."""
        return (self.options[name] or [default])[-1]

    def joined(self, prefix: str) -> str:
        """Return what follows a prefix in the last flag that has it; "" if none has.

        Words of -Xassembler count as flags -Wa,WORD.
        """
        flags = [*self.flags, *(f"-Wa,{flag}" for flag in self.options["-Xassembler"])]
        return next((f[len(prefix) :] for f in reversed(flags) if f.startswith(prefix)), "")


def _expanded(argv: list[str], files: Files) -> list[str]:
    found: list[str] = []
    for word in argv:
        text = files.read(word[1:]) if word.startswith("@") else None
        found += [word] if text is None else _expanded(text.split(), files)
    return found


class Preprocessor:
    """Preprocesses a source; the result is in lines.

    macros: macros that are defined, besides those of -D.
    """

    def __init__(self, files: Files, words: Words, macros: dict[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self.read: dict[str, bool] = {}
        """The paths of the files that were read, each with whether it is a system header."""
        self.error: Failed | None = None
        """The first #error, which does not end the reading."""
        self._files = files
        self._quoted = [(f, False) for f in words.options["-iquote"]]
        self._angled = [(f, False) for f in words.options["-I"]]
        self._angled += [(f, True) for f in words.options["-isystem"]]
        self._forced = words.options["-include"]
        self._macros = dict(macros or {})
        for word in words.options["-D"]:
            name, _, body = word.partition("=")
            self._macros[name] = body
        self._pasting: dict[str, str] = {}
        self._depth = 0

    def run(self, source: str) -> None:
        """Read the forced includes, then the source.

        Raises Failed if a file is missing.
        """
        text = self._files.read(source)
        if text is None:
            raise Failed("no source", source, source)
        self.read[source] = False
        for name in self._forced:
            self._include(f'"{name}"', "", source, system=False)
        self._lines(source, text, system=False)

    def _places(self, name: str, folder: str, system: bool) -> list[tuple[str, bool]]:
        stem, quoted = name[1:-1], name.startswith('"')
        first = [(folder, system), *self._quoted] if quoted else []
        return [(f"{f}/{stem}" if f else stem, s) for f, s in [*first, *self._angled]]

    def _include(self, name: str, folder: str, where: str, system: bool) -> None:
        while name in self._macros:
            name = self._macros[name]
        places = self._places(name, folder, system)
        found = self._files.first([path for path, _ in places])
        if found is None or self._depth == _DEPTH:
            raise Failed("no such header", where, name)
        path, text = found
        system = system or next(is_system for place, is_system in places if place == path)
        self.read.setdefault(path, system)
        self._depth += 1
        self._lines(path, text, system)
        self._depth -= 1

    def _lines(self, path: str, text: str, system: bool) -> None:
        folder, active = os.path.dirname(path), [True]
        for raw in text.splitlines():
            line = raw.strip()
            if not line.startswith("#"):
                if all(active) and line and not (line.startswith("/*") and line.endswith("*/")):
                    self.lines.append(self._expand(line))
                continue
            directive, _, rest = line[1:].strip().partition(" ")
            if directive in ("if", "ifdef", "ifndef"):
                active.append(all(active) and self._holds(directive, rest, folder))
            elif directive == "else":
                active[-1] = not active[-1]
            elif directive == "endif":
                active.pop()
            elif all(active):
                self._directive(directive, rest.strip(), path, folder, system)

    def _holds(self, directive: str, rest: str, folder: str) -> bool:
        if directive != "if":
            return (rest in self._macros) == (directive == "ifdef")
        name = rest.strip().lstrip("!").removeprefix("__has_include(")[:-1]
        places = [path for path, _ in self._places(name, folder, system=False)]
        return (self._files.first(places) is not None) != rest.startswith("!")

    def _directive(self, name: str, rest: str, path: str, folder: str, system: bool) -> None:
        if name == "include":
            self._include(rest, folder, path, system)
        elif name == "define":
            macro, _, body = rest.partition(" ")
            if macro.endswith("(x)"):
                self._pasting[macro[:-2]] = body.removesuffix("##x")
            else:
                self._macros[macro] = body
        elif name == "undef":
            self._pasting.pop(f"{rest}(", None)
            self._macros.pop(rest, None)
        elif name == "error":
            self.error = self.error or Failed("#error", path, rest)

    def _expand(self, line: str) -> str:
        for macro, prefix in self._pasting.items():
            while macro in line:
                before, _, rest = line.partition(macro)
                argument, _, after = rest.partition(")")
                line = f"{before}{prefix}{argument}{after}"
        start, *parts = line.split("CONFIG_")
        for part in parts:
            end = next((n for n, c in enumerate(part) if not (c.isalnum() or c == "_")), len(part))
            word = f"CONFIG_{part[:end]}"
            start += self._macros.get(word, word) + part[end:]
        return start


def assemble(lines: list[str], files: Files, folders: list[str], where: str) -> dict[str, None]:
    """Replace .incbin and .include in the lines by the files' contents; return the files' paths.

    Raises Failed if one is missing.
    """
    read: dict[str, None] = {}
    result: list[str] = []
    todo = list(reversed(lines))
    while todo:
        line = todo.pop()
        kind = next((kind for kind in (".incbin", ".include") if kind in line), None)
        if kind is None:
            result.append(line)
            continue
        name = line.partition(kind)[2].replace("\\", "").split('"')[1]
        # as looks for both in the working folder first; depfiles name an included file as ./NAME.
        here = name if kind == ".incbin" else f"./{name}"
        found = files.first([here, *(f"{folder}/{name}" for folder in folders)])
        if found is None:
            raise Failed("no such data", where, name)
        read[found[0]] = None
        if kind == ".incbin":
            result.append(f"{kind} {found[1]!r}")
        else:
            todo += reversed(found[1].splitlines())
    lines[:] = result
    return read


def object_text(words: Words, lines: list[str], versions: list[str]) -> str:
    """Return an object: the versions of the programs, the flags that matter, and the lines."""
    level = [flag for flag in words.flags if flag.startswith("-O")][-1:]
    flags = sorted(f"-D{word}" for word in words.options["-D"] if word.startswith("U_"))
    return OBJECT + "\n".join([*versions, *level, *flags, *lines]) + "\n"


def link(words: Words, files: Files, version: str) -> tuple[str, list[str]]:
    """Return an image, and the paths of the files that were read for it.

    Raises Failed if a file is missing, or is no object.
    """
    folders = words.options["-L"]
    symbols = [flag for flag in words.flags if flag.startswith("--defsym")]
    read: list[str] = []
    script = _script(words.last("-T"), files, folders, read, "ld")
    parts = ["IMAGE", version, *symbols, *script]
    for path in words.inputs:
        text = files.read(path)
        if text is None:
            raise Failed("no such object", "ld", path)
        if not text.startswith((OBJECT, _ELF)):
            raise Failed("file format not recognized", "ld", path)
        read.append(path)
        parts.append(text)
    return "\n".join(parts), read


def _script(name: str, files: Files, folders: list[str], read: list[str], by: str) -> list[str]:
    found = files.first([name, *(f"{folder}/{name}" for folder in folders)])
    if found is None:
        raise Failed("no such script", by, name)
    path, text = found
    # GNU ld reports the name, not where it was found.
    read.append(name)
    lines: list[str] = []
    for line in text.splitlines():
        if line.split()[:1] == ["INCLUDE"]:
            lines += _script(line.split()[1], files, folders, read, path)
        else:
            lines.append(line)
    return lines


def version_of(program: str) -> str:
    """Return the third line of a script, which has its version."""
    with open(program, encoding="latin-1") as file:
        return file.read().splitlines()[2]
