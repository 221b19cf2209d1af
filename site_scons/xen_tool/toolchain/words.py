# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""List the files and folders that the words of a compiler's or linker's command name.

A depfile does not list all of them: GNU ld omits --retain-symbols-file, gcc its response
files, specs and plugins.  Therefore every word that names an existing file is an input, also
after `=`, `,` or `@`, and within a response file, specs or clang's configuration.  Used by
build/.
"""

from __future__ import annotations

import itertools
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_FOLDERS = (
    r"(-(?:I|L|iquote|idirafter|isystem(?:-after)?|c(?:xx)?-isystem|internal-isystem"
    r"|iwithsysroot|iwithprefix(?:before)?|iprefix|isysroot)"
    r"|--(?:include-directory(?:-after)?|embed-dir|library-path|sysroot)(?:=|$))(.*)"
)
"""Options with a folder as argument, as the next word or in the same word."""
_OF_FILES = ("-specs", "--specs", "--config")
"""Options whose file has further words, or names of further files."""
_SPECS_INCLUDE = r"(?m)^%include(?:_noerr)?[ \t]+<([^>\n]+)>"
_COMMENT_LINE = r"(?m)^[ \t]*#.*$"
_PROGRAMS = ("as", "cc1", "cc1plus", "collect2", "ld")
"""The programs that gcc searches for in a folder named by -B."""
_FORCED = r"(-(?:include|imacros)(?!-)|--(?:include|imacros)(?:=|$))(.*)"
"""Options that include a file before the source; the current folder is searched for it first."""
_DEPENDENCY_FILE = r"(--dependency-file(?:=|$))(.*)"
PRECOMPILED = (".gch", ".pch")
"""Suffixes of precompiled headers, which are read in place of a header."""
_BLANKS = " \t\n\r\f\v"
_DEPFILE = ("-MD", "-MMD", "-MF", "-MT", "-MQ", "-MP", "-MG", "-M", "-MM")
"""gcc's options about depfiles; -MF, -MT and -MQ have an argument."""
LAUNCHER_SETTINGS = ("CCACHE_", "SCCACHE_", "DISTCC_", "ICECC_")
"""Prefixes of the environment variables that configure compiler launchers."""
PREFIX_MAPS = ("-ffile-prefix-map=", "-fdebug-prefix-map=", "-fmacro-prefix-map=")
"""gcc's options that rewrite paths, each with OLD=NEW; the first does what the other two do."""


def flatten(words: Iterable[str]) -> list[str]:
    """Return the words; after one that names a file of words, such as @FILE, come the file's words.

    The words of a file are added once, even if it is named again.
    """
    found: list[str] = [""]
    todo = list(reversed(list(words)))
    read: set[tuple[str, str]] = set()
    while todo:
        word = todo.pop()
        if word[:1] not in ("-", "@") and found[-1] not in _OF_FILES:
            found.append(word)
            continue
        # The option and its argument may be one word or two.
        joined = f"{found[-1]}={word}" if found[-1] in _OF_FILES else word
        found.append(word)
        option, is_joined, path = joined.partition("=")
        files = [(option, path)] if is_joined and option in _OF_FILES else []
        files += [("@", part[1:]) for part in _parts([word]) if part.startswith("@")]
        for file in files:
            if file not in read:
                read.add(file)
                todo += reversed(_words_of(*file))
    return found[1:]


def _words_of(option: str, path: str) -> list[str]:
    """Return the words that the file of an option adds: @FILE, -specs, or a configuration."""
    import re

    text = _text(path)
    if option == "@":
        return unquote(text)
    if "specs" in option:
        return [f"-specs={name}" for name in re.findall(_SPECS_INCLUDE, text)]
    # clang's configuration has comments, and its @FILE are relative to its folder.
    folder = os.path.dirname(path)
    text = re.sub(_COMMENT_LINE, "", text).replace("\\\n", "").replace("<CFGDIR>", folder or ".")
    return [
        f"@{os.path.join(folder, word[1:])}" if word.startswith("@") else word
        for word in unquote(text)
    ]


def _text(path: str) -> str:
    """Return the text of a regular file, else ""."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return ""
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def _parts(words: Iterable[str]) -> Iterator[str]:
    """Yield the words, in which options for another program are words of their own.

    The driver passes these on: -Wa,-I,folder gives -Wa, -I and folder; -Xpreprocessor -I
    -Xpreprocessor folder gives -I and folder.
    """
    for word in words:
        for part in word.split(",") if word.startswith("-W") else [word]:
            if part not in ("-Xpreprocessor", "-Xassembler", "-Xlinker", "-Xclang"):
                yield part


def unquote(text: str) -> list[str]:
    """Split a response file into words as libiberty does; a backslash quotes any character."""
    words: list[str] = []
    word: list[str] | None = None
    quote = ""
    characters = iter(text)
    for character in characters:
        if character == "\\":
            word = [*(word or []), next(characters, "")]
        elif quote:
            if character == quote:
                quote = ""
            else:
                assert word is not None
                word.append(character)
        elif character in "'\"":
            quote, word = character, word or []
        elif character in _BLANKS:
            if word is not None:
                words.append("".join(word))
            word = None
        else:
            word = word or []
            word.append(character)
    return [*words, "".join(word)] if word is not None else words


def quote(words: Iterable[str]) -> str:
    """Return the text of a response file with these words, one a line; unquote() reverses it."""
    escaped = ("".join(f"\\{c}" if c in f"\\'\"{_BLANKS}" else c for c in word) for word in words)
    return "".join(f"{word or chr(34) * 2}\n" for word in escaped)


def names(words: Iterable[str]) -> Iterator[str]:
    """Yield all that may be the path of a file, whether it exists or not.

    These are words that are no options, the texts after `=`, `,` or `@` in a word, and the
    programs that gcc searches for in a folder named by -B.
    """
    before = ""
    for word in words:
        if word.startswith("-B") or before == "-B":
            yield from (os.path.join(word.removeprefix("-B"), name) for name in _PROGRAMS)
        before = word
        if not word.startswith("-"):
            yield word
            # -wrapper F,argument
            yield word.partition(",")[0]
        for mark in "=,@":
            rest = word
            while mark in rest:
                rest = rest.partition(mark)[2]
                yield rest
                # -Wl,--retain-symbols-file=F,--gc-sections
                yield rest.partition(",")[0]


def files(words: Iterable[str]) -> list[str]:
    """Return the existing files that words name, each once, in order."""
    return [name for name in dict.fromkeys(names(words)) if name and _is_file(name)]


def _is_file(name: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(name).st_mode)
    except (OSError, ValueError):
        return False


def search_folders(words: Iterable[str]) -> list[str]:
    """Return the folders in which a command searches headers or libraries, in order, each once.

    The folders need not exist.
    """
    options = list(_arguments(words, _FOLDERS))
    roots = [folder for option, folder in options if option in ("--sysroot", "-isysroot")]
    root = roots[-1] if roots else ""
    found: dict[str, None] = {}
    prefix = ""
    for option, folder in options:
        if option == "-iprefix":
            prefix = folder
        elif option.startswith("-iwithprefix"):
            found[f"{prefix}{folder}"] = None
        elif option == "-iwithsysroot":
            found[f"{root}{folder}"] = None
        elif option not in ("--sysroot", "-isysroot"):
            found[f"{root}{folder[1:]}" if folder.startswith("=") else folder] = None
    return list(found)


def forced_headers(words: Iterable[str]) -> list[str]:
    """Return the files that are included before a source (-include, -imacros)."""
    return [name for _, name in _arguments(words, _FORCED)]


def dependency_files(words: Iterable[str]) -> list[str]:
    """Return the depfiles that a linker is to write."""
    return [name for _, name in _arguments(words, _DEPENDENCY_FILE)]


def _arguments(words: Iterable[str], options: str) -> Iterator[tuple[str, str]]:
    """Yield the options that a pattern matches, each with its argument.

    The first group of the pattern is the option, the second its argument, which is the next word
    if the group is empty.
    """
    import re

    option = ""
    for part in _parts(words):
        if option:
            yield option, part
            option = ""
        elif part.startswith("-") and (match := re.fullmatch(options, part)):
            option = match[1].removesuffix("=")
            if match[2]:
                yield option, match[2]
                option = ""


def precompiled_headers(words: Sequence[str]) -> Iterator[str]:
    """Yield the paths where a command looks for precompiled headers in place of forced headers.

    The files need not exist.
    """
    words = flatten(words)
    folders = ["", *search_folders(words)]
    for name in forced_headers(words):
        for folder, suffix in itertools.product(folders, PRECOMPILED):
            yield f"{os.path.join(folder, name)}{suffix}"
    for option, word in itertools.pairwise(words):
        if option == "-include-pch":
            yield word


def without_depfiles(words: Iterable[str]) -> list[str]:
    """Return the words of a compilation without the options about depfiles and their arguments."""
    found: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in ("-MF", "-MT", "-MQ"):
            skip = True
        elif not asks_for_depfile(word):
            found.append(word)
    return found


def asks_for_depfile(word: str) -> bool:
    """Whether a word of a compilation is an option about depfiles."""
    return word in _DEPFILE or word.startswith(("-MF", "-MT", "-MQ", "-Wp,-M"))


def prefix_maps(folders: Mapping[str, str], user: Sequence[str]) -> list[str]:
    """Return the options that replace the paths of folders in objects.

    folders: the name to write for each folder.  user: the user's options, which take precedence
    if they map a folder, or one that contains it.
    """
    found = []
    both, *kinds = PREFIX_MAPS
    for folder, name in folders.items():
        mapped = {
            option
            for word in user
            for option in PREFIX_MAPS
            if word.startswith(option) and folder.startswith(word[len(option) :].partition("=")[0])
        }
        if "=" in folder or both in mapped:
            # With a = in OLD, compilers disagree on which = separates OLD and NEW.
            continue
        options = [kind for kind in kinds if kind not in mapped] if mapped else [both]
        found += [f"{option}{folder}={name}" for option in options]
    return found
