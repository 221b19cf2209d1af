# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The commands in the documents: each is run by a test, is accepted by the tool, or is marked.

Those of the documents in RUN are run as they stand by other tests.  Of the rest, the commands of
`xen-tool` in _QUICK are run on a small kernel, and the others, which boot or build, are parsed by
its parser; the targets of `scons` are compared with the help of the reference kernel, its settings
with those of the tool and the symbols.  NOT_RUN has the other programs, with the reasons.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.test_links import DOCUMENTS
from loaders.good import good_both
from loaders.images import PADDR, PVH_ENTRY
from project import TOP, Project, reference_kernel
from xen_tool.cli import COMMANDS, main, parser
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
    "mkdocs": "tests/test_habits.py runs mkdocs build",
    "sccache-dist": "tests/farm/ run these, with addresses of their own",
    "objcopy": "makes a file that tests/loaders/test_efi.py makes, too",
    "python": "takes minutes, as it measures",
}
_QUICK = ("annotate", "check", "diff", "explain", "head", "inspect", "map", "new", "size")
_IMAGES = ("IMAGE", "OLD", "NEW", "vmlinux", "unified.efi", "out/vmlinux", "build/x86_64/vmlinux")
"""Names of images in commands; here each is a good kernel."""
_HERE = {"/boot/vmlinuz": "IMAGE", "pvh_start": hex(PADDR + PVH_ENTRY)}
"""Words of the documents, to words with which the command can run here."""
_NO_PROGRAMS = {
    *("vmlinux", "kernel", "name", "guest", "the", "event", "vCPU", "config"),
    *("x86_64-freestanding-none", "mkdir", "cd", "echo"),
}
"""First words of lines of output or of another language, and commands of the shell."""
_WORDS = ("xen-tool", "scons", "./sconsw", *NOT_RUN)
_SHOWN = re.compile(
    r"^(?:    |\$ |    \$ )((?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?([a-z][\w-]*|\./sconsw) .*)$", re.M
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


def test_xen_tool_runs_its_quick_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(TOP / "kconfig", "kconfig")
    Path("Kconfig").write_text("config XEN\n\tdef_bool y\n")
    for name in _IMAGES:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(bytes(good_both()))
    ran = set()
    for words in sorted({tuple(words) for _, words in _documents("xen-tool")}):
        # In a sentence the names of files may be left out.
        if words[0] in _QUICK and len(words) > 1 and _accepts(list(words)):
            here = [_HERE.get(word.partition("-")[0], word) for word in words]
            assert main(here) in (0, 3), (words, capsys.readouterr().err)
            ran.add(words[0])
    assert ran == set(_QUICK)


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
