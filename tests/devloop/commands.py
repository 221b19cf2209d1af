# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The stand-in compiler and linker as programs: options, depfiles, messages and status.

main() is what the scripts of standin.py call.  Depfiles are written as gcc 12, GNU as 2.40
and GNU ld 2.40 write them: gcc leaves one of a compilation that failed by #error or in the
assembler, none if a header is missing; as names a temporary file that is gone; ld quotes
nothing.  A file `delay` beside the programs makes them slow, in three places.
"""

from __future__ import annotations

import os
import sys
import time

from devloop.programs import (
    Failed,
    Files,
    Preprocessor,
    Words,
    assemble,
    link,
    object_text,
    version_of,
)

_COLUMNS = 76


def main(name: str, folder: str, argv: list[str]) -> int:
    """Run the program of a name, whose files are in a folder; return its exit status."""
    if (text := _answer(name, folder, argv)) is not None:
        print(text)
        return 0
    before, between, within = _delays(folder)
    time.sleep(before)
    files = Files()
    words = Words(argv, files)
    try:
        make = _link if name == "ld" else _compile
        text = make(words, files, folder)
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    time.sleep(between)
    _write(words.last("-o", "a.out"), text, within)
    return 0


def _answer(name: str, folder: str, argv: list[str]) -> str | None:
    """Return the output for options such as --version; None if the program has work to do."""
    if "--version" in argv or "-v" in argv:
        return "GNU ld (stand-in) 2.40" if name == "ld" else "gcc (stand-in) 12.2.0"
    if name == "ld":
        return "  --dependency-file FILE      Write dependency file" if "--help" in argv else None
    for word in argv:
        if word == "-print-file-name=include":
            return f"{folder}/include"
        if word.startswith(("-print-prog-name=", "-print-file-name=")):
            program = word.partition("=")[2]
            inside = f"{folder}/{program}"
            return inside if os.path.exists(inside) else program
        if word == "-dumpmachine":
            return "x86_64-linux-gnu"
        if word == "-dumpversion":
            return "12"
    if "-###" in argv:
        lines = [f"COLLECT_GCC={folder}/fake-gcc", "Target: x86_64-linux-gnu"]
        lines += [f' {folder}/cc1 "-E" -quiet -', f' {folder}/as --64 "-o" /dev/null -']
        print("\n".join(lines), file=sys.stderr)
        return ""
    return None


def _delays(folder: str) -> tuple[float, float, float]:
    """Return the seconds to wait before reading, before writing and within writing."""
    try:
        with open(f"{folder}/delay", encoding="ascii") as file:
            before, between, within = map(float, file.read().split())
    except (OSError, ValueError):
        return 0, 0, 0
    return before, between, within


def _compile(words: Words, files: Files, folder: str) -> str:
    (source,) = words.inputs
    preprocessor = Preprocessor(files, words)
    preprocessor.run(source)
    output = words.last("-o", "a.out")
    if {"-MD", "-MMD", "-M", "-MM"}.intersection(words.flags):
        system_too = "-MD" in words.flags or "-M" in words.flags
        read = [path for path, system in preprocessor.read.items() if system_too or not system]
        _write(words.last("-MF", f"{output}.d"), _depfile(_target(words, output), read, words))
    if preprocessor.error:
        raise preprocessor.error
    lines = preprocessor.lines
    if "-c" not in words.flags:
        return "\n".join(lines) + "\n"
    data = assemble(lines, files, words.options["-I"], source)
    if report := words.joined("-Wa,--MD="):
        named = [source] if source.endswith(".c") else []
        everything = [*data, *named, f"/tmp/cc{os.getpid()}.s"]
        names = " ".join(_escaped(path, hash_too=False) for path in everything)
        _write(report, f"{output}: {names}\n")
    versions = [version_of(f"{folder}/{program}") for program in ("cc1", "as")]
    return object_text(words, lines, versions)


def _target(words: Words, output: str) -> str:
    """-MT as it is, -MQ and the output as make needs them."""
    quoted = [_escaped(name) for name in words.options["-MQ"]]
    return " ".join([*words.options["-MT"], *quoted]) or _escaped(output)


def _depfile(target: str, read: list[str], words: Words) -> str:
    text, column = f"{target}:", len(target) + 1
    for name in map(_escaped, read):
        if column + 1 + len(name) > _COLUMNS:
            text, column = f"{text} \\\n", 0
        text, column = f"{text} {name}", column + 1 + len(name)
    phony = [f"{_escaped(name)}:\n" for name in read[1:]] if "-MP" in words.flags else []
    return "\n".join([text, *phony]) + ("" if phony else "\n")


def _escaped(name: str, *, hash_too: bool = True) -> str:
    name = name.replace("$", "$$").replace(" ", "\\ ")
    return name.replace("#", "\\#") if hash_too else name


def _link(words: Words, files: Files, folder: str) -> str:
    text, read = link(words, files, version_of(f"{folder}/fake-ld"))
    report = words.joined("--dependency-file=") or words.last("--dependency-file")
    names = " \\\n  ".join([f"{words.last('-o')}:", *read])
    _write(report, names + "\n" + "".join(f"\n{name}:\n" for name in read))
    return text


def _write(path: str, text: str, pause: float = 0) -> None:
    if not path:
        return
    with open(path, "w", encoding="latin-1", newline="") as file:
        file.write(text[: len(text) // 2])
        if pause:
            file.flush()
            time.sleep(pause)
        file.write(text[len(text) // 2 :])
