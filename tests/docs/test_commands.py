# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The commands in the documents: each is run by a test, is accepted by the tool, or is marked.

Those of the documents in RUN are run as they stand by other tests.  Of the rest, those of
`xen-tool` are parsed by its parser; the targets of `scons` are compared with the help of the
reference kernel, its settings with those of the tool and the symbols.  NOT_RUN has the other
programs, with the reasons.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.test_links import DOCUMENTS
from project import TOP, Project, reference_kernel
from xen_tool.cli import COMMANDS, parser
from xen_tool.config.configuration import read
from xen_tool.scons.settings import RESERVED

pytestmark = pytest.mark.build

RUN = {
    "docs/tutorial.md": "tests/docs/test_tutorial.py",
    "docs/troubleshooting.md": "tests/docs/test_troubleshooting.py",
    "examples": "tests/examples/test_examples.py",
}
_FILES = {"vmlinux", "all"}
"""Targets that the help does not list."""
NOT_RUN = {
    "python3": "makes an environment, as tests/test_distribution.py does",
    "pip": "installs, as tests/test_distribution.py does",
    "git": "fetches from the network",
    "make": "builds another project's kernel",
    "gdb": "is interactive; tests/boot/debugger/ run gdb in batch",
    "mkdocs": "needs packages that only the site needs",
    "sccache-dist": "tests/farm/ run these, with addresses of their own",
    "objcopy": "makes a file that tests/loaders/test_efi.py makes, too",
    "python": "takes minutes, as it measures",
}
_NO_PROGRAMS = {
    *("vmlinux", "kernel", "name", "guest", "the", "event", "vCPU", "config"),
    *("x86_64-freestanding-none", "mkdir", "cd", "echo"),
}
"""First words of lines of output or of another language, and commands of the shell."""
_WORDS = ("xen-tool", "scons", "./sconsw", *NOT_RUN)
_SHOWN = re.compile(
    r"^(?:    |\$ )((?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?([a-z][\w-]*|\./sconsw) .*)$", re.M
)
_INLINE = re.compile(r"`((?:[A-Z_]+=\S+ )*(xen-tool|scons|\./sconsw) [^`]+)`")


def commands(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the commands of a document: the program, and the words behind it."""
    text = path.read_text().replace("\\\n", " ")
    for command, program in [*_SHOWN.findall(text), *_INLINE.findall(text)]:
        # Notation for what may be left out or repeated, and what is left out.
        if program not in _WORDS or re.search(r"\[|\.\.\.|…", command):
            continue
        command = re.sub(r"\$\(.*?\)", "FILE", command).replace("--mode NAME", "--mode pv")
        words = shlex.split(command.partition("  #")[0].partition(" | ")[0], comments=True)
        while words and (re.match(r"[A-Z_]+=", words[0]) or words[0].endswith(program)):
            if words.pop(0).endswith(program):
                break
        yield program, words


def _documents(*programs: str) -> Iterator[tuple[str, list[str]]]:
    for path in DOCUMENTS:
        name = str(path.relative_to(TOP))
        if not name.startswith(tuple(RUN)):
            yield from (each for each in commands(path) if each[0] in programs)


def test_every_command_is_run_or_marked() -> None:
    assert all((TOP / name).is_file() for name in RUN.values())
    shown = {name for path in DOCUMENTS for _, name in _SHOWN.findall(path.read_text())}
    assert shown - {*_WORDS, *_NO_PROGRAMS} == set()


def _accepts(words: list[str]) -> bool:
    try:
        parser(words[0]).parse_args(words)
    except SystemExit as end:
        # --help and --version end so.
        return not end.code
    return True


def test_xen_tool_accepts_its_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    seen = 0
    for _, words in _documents("xen-tool"):
        if len(words) == 1 and words[0] in COMMANDS:
            continue
        # In a sentence the names of files may be left out.
        assert any(_accepts([*words, *["FILE"] * more]) for more in range(3)), words
        seen += 1
    assert seen > 30


@pytest.fixture(scope="module")
def helped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """The reference kernel, and its help."""
    kernel = reference_kernel(tmp_path_factory.mktemp("helped") / "kernel")
    return kernel, kernel.run("-h").out


def test_scons_knows_targets_and_settings(helped: tuple[Project, str]) -> None:
    kernel, text = helped
    symbols = read(kernel.top / "kconfig/Kconfig", srctree=kernel.top).values
    seen = 0
    for _, words in _documents("scons", "./sconsw"):
        if words[:1] == ["test"]:
            continue
        for word in words:
            name, is_set, _ = word.partition("=")
            if is_set and not word.startswith("-"):
                assert name in RESERVED or name in symbols or name in ("NAME", "SYMBOL"), words
            elif word[0].isalpha() and word.islower() and not re.search(r"[./_]", word):
                if word in _FILES:
                    continue
                assert re.search(rf"\b{re.escape(word)}\b", text), words
        seen += 1
    assert seen > 45
