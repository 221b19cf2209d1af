# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`scons watch` builds at every save that counts, once, and leaves nothing when it ends."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import watchfiles

from forked import TOOLPATH
from project import TOP, Project

SHORTCUT = TOP / "site_scons/xen_tool/shortcut/__main__.py"
SCONS = [sys.executable, "-m", "SCons"]
IMAGE = "build/x86_64/k"
_PATIENCE = 30.0
_LINE = re.compile(r"^[0-2]\d:[0-5]\d:[0-5]\d  (.*)$", re.MULTILINE)
_SECONDS = re.compile(r" \d+\.\d\d s")
_ERASED = re.compile(r"[^\n]*\r\x1b\[K")
_CLEARED = "\x1b[H\x1b[2J"
_MARK = "WATCHED_TREE"
"""A variable by which processes of a test are found."""

SCONSTRUCT = f"""
import os

DefaultEnvironment(tools=[])
env = Environment(
    tools=["xen_tool"],
    toolpath=[{TOOLPATH!r}],
    ENV={{"PATH": os.environ["PATH"]}},
    CPPPATH=["#include", "#../shared"],
)
env.XenConfigure("Kconfig")
env.XenConfigTargets()
env.XenHelp("A kernel.")
exec(open("more.py").read())
sources = ["start.S", *sorted(map(str, Glob("src/*.c")))]
image = env.XenImage("k", sources, script="k.lds", loaders=["qemu-kernel"])
Default(image)
env.XenCheck("check", image)
env.XenBoot("boot", image, mode="qemu")
"""
SCRIPT = """
ENTRY(start)
PHDRS { load PT_LOAD FLAGS(5); note PT_NOTE; }
SECTIONS
{
    . = 0x100000;
    .text : { *(.text*) *(.data*) *(.rodata*) *(.bss*) } :load
    .note.Xen : { *(.note.Xen) } :load :note
    /DISCARD/ : { *(.comment) *(.note.GNU*) *(.eh_frame) }
}
"""
START = r"""
#include "hang.h"
    .section .note.Xen, "a"
    .long 4, 4, 18
    .asciz "Xen"
    .long start
    .text
    .code32
    .globl start
start:
    mov $text, %esi
1:  lodsb
    test %al, %al
    jz 2f
    mov $0x3f8, %edx
    out %al, %dx
    jmp 1b
2:
#if HANG
    jmp 2b
#endif
    mov $0x10, %al
    out %al, $0xf4
    hlt
text:
#if HANG
    .asciz "it hangs\n"
#else
    .asciz "PASS it\nRESULT: PASS\n"
#endif
"""
SLOW = """#!/bin/sh
# A compiler that waits while it is held.
case $* in *-c*) while [ -e {hold} ]; do echo >{compiles}; sleep 0.02; done ;; esac
exec {gcc} "$@"
"""


def wait_for(condition: Callable[[], object], what: Callable[[], str]) -> None:
    """Wait until a condition is true."""
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.01)


def _apart(terminal: int) -> None:
    """Set up a new process as a shell would start it: a session, signals, and the terminal if any.

    terminal: its descriptor, or -1.
    """
    if terminal >= 0:
        os.login_tty(terminal)
    else:
        os.setsid()
    # Children of a background job inherit an ignored SIGINT, and those of nohup SIGHUP.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Watch:
    """A running watch: its output, and its processes."""

    def __init__(self, tree: Tree, command: list[str], *, terminal: bool, cwd: Path) -> None:
        self.tree = tree
        self._ours, program_end = pty.openpty() if terminal else os.pipe()
        names = ("SCONSFLAGS", "XEN_TOOL_WATCH", "XEN_TOOL_COMMAND")
        inherited = {name: value for name, value in os.environ.items() if name not in names}
        self._temporary = tree.write("../tmp/.keep", "").parent
        temporary_folders = {
            "XDG_CACHE_HOME": str(tree.top.parent / "cache"),
            "TMPDIR": str(self._temporary),
        }
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**inherited, **temporary_folders, "TERM": "xterm", _MARK: str(tree.top)},
            stdin=program_end if terminal else subprocess.DEVNULL,
            stdout=program_end,
            stderr=program_end,
            # The process leads a new session, with the terminal, if there is one.
            preexec_fn=lambda: _apart(program_end if terminal else -1),
        )
        os.close(program_end)
        self._said = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        # Reading a terminal without another end is an error.
        with contextlib.suppress(OSError):
            while data := os.read(self._ours, 1 << 16):
                self._said += data

    @property
    def output(self) -> str:
        return self._said.decode().replace("\r\n", "\n")

    @property
    def shown(self) -> str:
        """Return what a terminal shows: not what was erased, in a line or on the whole screen."""
        return _ERASED.sub("", self.output.rpartition(_CLEARED)[2])

    @property
    def lines(self) -> list[str]:
        """Return the whole lines that the watch itself prints, without times."""
        seen = _ERASED.sub("", self.output).replace(_CLEARED, "\n")
        whole = seen[: seen.rfind("\n") + 1]
        return [_SECONDS.sub("", line) for line in _LINE.findall(whole)]

    def type(self, text: bytes) -> None:
        """Type keys, on a terminal."""
        os.write(self._ours, text)

    def wait_for_output(self, text: str) -> None:
        wait_for(lambda: text in self.output, lambda: f"{text!r} was not printed:\n{self.output}")

    def wait(self, *lines: str) -> None:
        """Wait for as many lines as these, and compare them."""
        wait_for(lambda: len(self.lines) >= len(lines), lambda: self.output)
        assert self.lines == list(lines), self.output

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        """End the watch by a signal, or with 0, wait for its end; return the status.

        No process may be left.
        """
        if number:
            self.send(number)
        status = self._process.wait(_PATIENCE)
        assert self.tree.processes() == []
        assert [path.name for path in self._temporary.iterdir()] == [".keep"]
        self._reader.join()
        assert "Traceback" not in self.output, self.output
        return status

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(_PATIENCE)
        self._reader.join()
        os.close(self._ours)


class Tree(Project):
    """A small kernel that QEMU boots."""

    def __init__(self, top: Path) -> None:
        super().__init__(top)
        self.watches: list[Watch] = []
        for path, text in (
            ("SConstruct", SCONSTRUCT),
            ("more.py", ""),
            ("Kconfig", 'config LOUD\n\tbool "loud"\n\tdefault y\n'),
            ("k.lds", SCRIPT),
            ("start.S", START),
            ("include/hang.h", "#define HANG 0\n"),
            ("include/n.h", "#define N 1\n"),
            ("../shared/shared.h", "#define SHARED 1\n"),
            ("src/a.c", '#include "n.h"\n#include "shared.h"\nint a[] = {N, SHARED};\n'),
            ("src/b.c", "int b = 1;\n"),
            (
                "src/loud.c",
                "#ifdef CONFIG_LOUD\nint loud = 1;\n#endif\n#ifdef MORE\nint more;\n#endif\n",
            ),
        ):
            self.write(path, text)

    def save(self, path: str, text: str) -> None:
        """Save a file in one move, as editors do: it is one change."""
        new = self.top.parent / "new"
        new.write_text(text)
        (self.top / path).parent.mkdir(exist_ok=True)
        new.replace(self.top / path)

    def watch(
        self,
        *arguments: str,
        command: list[str] = SCONS,
        terminal: bool = False,
        cwd: Path | None = None,
    ) -> Watch:
        """Start a watch."""
        words = [*command, *arguments]
        self.watches.append(Watch(self, words, terminal=terminal, cwd=cwd or self.top))
        return self.watches[-1]

    def processes(self) -> list[str]:
        """Return the command lines of all processes that a watch started and that still run."""
        found = []
        mark = f"{_MARK}={self.top}\0".encode()
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                is_ours = mark in (entry / "environ").read_bytes()
                if is_ours or Path(os.readlink(entry / "cwd")) == self.top:
                    found.append((entry / "cmdline").read_text())
        return found

    @property
    def image(self) -> bytes:
        return (self.top / IMAGE).read_bytes()


STARTED = "built in; a save builds again, Ctrl-C ends"


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    tree = Tree(tmp_path / "tree")
    yield tree
    for each in tree.watches:
        each.close()


def test_every_save_that_counts_is_built(tree: Tree) -> None:
    (tree.top / "include/linked.h").symlink_to(tree.write("../linked.h", "#define LINKED 1\n"))
    tree.write("src/linked.c", '#include "linked.h"\nint linked = LINKED;\n')
    watch = tree.watch("watch", "-j2")
    lines = [STARTED]
    watch.wait(*lines)
    changes: list[tuple[str, str]] = [
        ("src/a.c", '#include "n.h"\n#include "shared.h"\nint a[] = {N, SHARED, 2};\n'),
        ("include/n.h", "#define N 2\n"),
        # A header that is found before the other; a source; what SConscripts and Kconfig read.
        ("src/n.h", "#define N 3\n"),
        ("src/c.c", "int c = 1;\n"),
        ("more.py", "env.Append(CPPDEFINES=['MORE=5'])\n"),
        ("Kconfig", 'config LOUD\n\tbool "loud"\n'),
        (".config", "CONFIG_LOUD=y\n"),
        # Outside the folder, and where a link leads.
        ("../shared/shared.h", "#define SHARED 2\n"),
        ("../linked.h", "#define LINKED 2\n"),
    ]
    for path, text in changes:
        before = tree.image
        tree.save(path, text)
        lines.append(f"{os.path.basename(path)}: built in")
        watch.wait(*lines)
        assert tree.image != before, path
    assert tree.up_to_date("-j2")
    assert "\x1b" not in watch.output
    assert watch.output.count("\n") == len(lines) + 1, "one line each, and one of SCons"


def test_deleted_unchanged_and_many_files_are_handled(tree: Tree) -> None:
    for number in range(20):
        tree.write(f"new/{number}.c", f"int n{number};\n")
    watch = tree.watch("watch")
    watch.wait(STARTED)
    text = (tree.top / "src/a.c").read_text()
    before = tree.image
    (tree.top / "src/a.c").unlink()
    watch.wait(STARTED, "a.c: built in")
    assert tree.image != before
    tree.save("src/a.c", text)
    watch.wait(STARTED, "a.c: built in", "a.c: built in")
    assert tree.image == before
    (tree.top / "include/n.h").unlink()
    watch.wait(STARTED, "a.c: built in", "a.c: built in", "n.h: failed after")
    tree.save("include/n.h", "#define N 1\n")
    lines = [STARTED, "a.c: built in", "a.c: built in", "n.h: failed after", "n.h: built in"]
    watch.wait(*lines)
    assert tree.image == before
    os.utime(tree.top / "src/b.c")
    watch.wait(*lines, "b.c: up to date")
    # However long it takes here, it is a burst to a process that does not run.
    watch.send(signal.SIGSTOP)
    for path in (tree.top / "new").iterdir():
        path.rename(tree.top / "src" / path.name)
    watch.send(signal.SIGCONT)
    watch.wait(*lines, "b.c: up to date", "0.c and 39 more: built in")


def test_what_is_no_source_does_not_count(tree: Tree) -> None:
    tree.scons("O=other")
    watch = tree.watch("watch")
    watch.wait(STARTED)
    for path in (
        *("src/a.c~", "src/.a.c.swp", "src/.#a.c", "src/#a.c#", "src/4913", ".git/index"),
        *(".venv/lib/x.py", "env/pyvenv.cfg", "env/lib/x.py", "__pycache__/x.pyc"),
        *(f"{IMAGE}.more", "other/k", ".sconsign.dblite"),
    ):
        tree.write(path, "x")
    with open(tree.top / "src/gone", "w") as gone:
        os.unlink(gone.name)
    tree.save("src/b.c", "int b = 2;\n")
    watch.wait(STARTED, "b.c: built in")


MENDED = {"SConstruct": "up to date", "src/a.c": "built in"}


@pytest.mark.parametrize("name", MENDED)
def test_errors_are_shown_and_cleared_and_ctrl_c_ends_it(tree: Tree, name: str) -> None:
    base = os.path.basename(name)
    watch = tree.watch("watch", terminal=True)
    watch.wait(STARTED)
    good = (tree.top / name).read_text()
    tree.save(name, f"{good}\n)broken\n")
    watch.wait(STARTED, f"{base}: failed after")
    assert _CLEARED not in watch.output
    assert re.search(rf"\b{name}\b", watch.shown) and "broken" in watch.shown, watch.output
    tree.save(name, good)
    watch.wait(STARTED, f"{base}: failed after", f"{base}: {MENDED[name]}")
    assert re.fullmatch(rf"[\d:]+  {base}: {MENDED[name]}( [\d.]+ s)?\n", watch.shown), watch.output
    tree.save("src/b.c", "int b = 2;\n")
    wait_for(lambda: len(watch.lines) == 4, lambda: watch.output)
    # Progress was shown in one line.
    assert re.search(r"\r\x1b\[K\[\d/3\] CC ", watch.output)
    assert watch.output.count(_CLEARED) == 1
    assert watch.shown.count("\n") == 2
    watch.type(b"\x03")
    assert watch.end(0) == 128 + signal.SIGINT


def test_a_watch_can_start_on_a_broken_tree(tree: Tree) -> None:
    good = (tree.top / "Kconfig").read_text()
    tree.write("Kconfig", "broken\n")
    watch = tree.watch("watch")
    watch.wait("failed after; a save builds again, Ctrl-C ends")
    tree.save("Kconfig", good)
    watch.wait("failed after; a save builds again, Ctrl-C ends", "Kconfig: built in")


class Held:
    """A compiler that waits between hold() and go()."""

    def __init__(self, folder: Path, gcc: str) -> None:
        self._hold, self._compiles = folder / "hold", folder / "compiles"
        self.path = folder / "cc"
        self.path.write_text(SLOW.format(hold=self._hold, compiles=self._compiles, gcc=gcc))
        self.path.chmod(0o755)

    def hold(self) -> None:
        self._compiles.unlink(missing_ok=True)
        self._hold.touch()

    def wait(self) -> None:
        """Wait until something is compiled."""
        wait_for(self._compiles.exists, lambda: "nothing is compiled")

    def go(self) -> None:
        self._hold.unlink()


@pytest.fixture
def held(tmp_path: Path, gcc: str) -> Held:
    return Held(tmp_path, gcc)


def test_a_save_during_a_build_is_built_after_it(tree: Tree, held: Held) -> None:
    watch = tree.watch("watch", f"CC={held.path}")
    watch.wait(STARTED)
    held.hold()
    tree.save("src/b.c", "int b = 2;\n")
    held.wait()
    changes = watchfiles.watch(tree.top, step=300, rust_timeout=50, yield_on_timeout=True)
    next(changes)
    tree.save("src/b.c", "int b = 3;\n")
    tree.save("src/c.c", "int c = 3;\n")
    # By then the watch has got the notification of the save.
    wait_for(lambda: next(changes), lambda: "nothing tells of a save")
    changes.close()
    held.go()
    watch.wait(STARTED, "b.c: built in", "b.c and 1 more: built in")
    assert tree.up_to_date(f"CC={held.path}")
    before = tree.image
    (tree.top / IMAGE).unlink()
    tree.scons(f"CC={held.path}")
    assert tree.image == before


def test_a_save_outside_while_the_first_build_reads_it(tree: Tree, held: Held) -> None:
    held.hold()
    watch = tree.watch("watch", f"CC={held.path}")
    held.wait()
    tree.save("../shared/shared.h", "#define SHARED 2\n")
    held.go()
    watch.wait(STARTED, "shared.h: up to date")
    tree.save("../shared/shared.h", "#define SHARED 3\n")
    watch.wait(STARTED, "shared.h: up to date", "shared.h: built in")
    assert tree.up_to_date(f"CC={held.path}")


MADE = """
env.Command("src/gen.c", "gen.txt", "sed p $SOURCE > $TARGET")
env.Command("include/n.h", [], "date +'#define N 1%N' > $TARGET")
AlwaysBuild("include/n.h")
open("read.log", "a").write("read\\n")
"""


def test_what_a_build_writes_into_the_tree_starts_no_other(tree: Tree) -> None:
    tree.write("gen.txt", "// one\n")
    tree.write("more.py", MADE)
    watch = tree.watch("watch")
    watch.wait(STARTED)
    tree.save("gen.txt", "// two\n")
    watch.wait(STARTED, "gen.txt: built in")
    assert "two" in (tree.top / "src/gen.c").read_text()
    tree.save("src/b.c", "int b = 2;\n")
    watch.wait(STARTED, "gen.txt: built in", "b.c: built in")
    # A file that a build writes starts no build, unless another program changes it.
    (tree.top / "src/gen.c").unlink()
    watch.wait(STARTED, "gen.txt: built in", "b.c: built in", "gen.c: built in")
    assert "two" in (tree.top / "src/gen.c").read_text()


def test_an_undeclared_output_does_not_start_builds_for_ever(tree: Tree) -> None:
    tree.write("more.py", "import subprocess\nsubprocess.run('date +%N > stamp', shell=True)\n")
    watch = tree.watch("watch")
    end = "stamp: changes in every build; a change between builds is waited for"
    wait_for(lambda: end in watch.lines, lambda: watch.output)
    printed = watch.lines
    assert set(printed[1:-1]) == {"stamp: built in"}
    tree.save("src/b.c", "int b = 2;\n")
    watch.wait(*printed, "b.c: built in")
    tree.save("src/b.c", "int b = 3;\n")
    watch.wait(*printed, "b.c: built in", "b.c: built in")


def test_watch_boot_boots_and_a_save_ends_the_boot(tree: Tree) -> None:
    assert shutil.which("qemu-system-x86_64")
    watch = tree.watch("boot", "watch", "TIMEOUT=600")
    watch.wait(STARTED)
    assert "the guest reported RESULT: PASS" in watch.output
    tree.save("include/hang.h", "#define HANG 1\n")
    watch.wait_for_output("it hangs")
    tree.save("include/hang.h", "#define HANG 0\n")
    watch.wait(STARTED, "hang.h: built in")
    assert watch.output.count("the guest reported RESULT: PASS") == 2
    tree.save("include/hang.h", "#define HANG 1\n")
    wait_for(lambda: watch.output.count("it hangs") == 2, lambda: watch.output)
    assert any("qemu" in command for command in tree.processes())
    assert watch.end() == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_while_it_builds(tree: Tree, held: Held, number: int) -> None:
    held.hold()
    watch = tree.watch("watch", f"CC={held.path}", "-j2")
    held.wait()
    assert watch.end(number) == 128 + number
    held.go()
    assert tree.scons(f"CC={held.path}").status == 0


@pytest.mark.parametrize(
    "command",
    [[sys.executable, "-m", "xen_tool.cli", "build"], [sys.executable, "-I", "-S", str(SHORTCUT)]],
    ids=["xen-tool build", "sconsw"],
)
def test_every_command_watches_any_target_from_another_folder(
    tree: Tree, command: list[str]
) -> None:
    arguments = ("-Q", "-C", "tree", "watch", "check", "O=out")
    watch = tree.watch(*arguments, command=command, cwd=tree.top.parent)
    watch.wait(STARTED)
    assert watch.output.count("qemu-kernel") == 1
    tree.save("src/b.c", "int b = 2;\n")
    watch.wait(STARTED, "b.c: built in")
    assert (tree.top / "out/k.unchecked").exists()
    assert watch.output.count("qemu-kernel") == 2


def test_wrong_use_is_one_sentence(tree: Tree) -> None:
    run = tree.run("watch", "menuconfig")
    assert run.status == 2
    assert "run `scons menuconfig` first" in run.err
    run = tree.run(SCONSFLAGS="watch")
    assert run.status == 2
    assert run.err == "scons: *** watch is for the command line, not for SCONSFLAGS\n"
    tree.write("none/watchfiles.py", "raise ImportError\n")
    run = tree.run("watch", PYTHONPATH=str(tree.top / "none"))
    assert run.status == 2
    assert run.err.endswith("pip install watchfiles\n")
    assert "scons watch [TARGET ...]" in tree.scons("-h").out
