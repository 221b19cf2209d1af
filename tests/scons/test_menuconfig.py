# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`scons menuconfig` in a real terminal, which tmux is, driven by keys."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from programs import program
from project import TOP, Project

_PATIENCE = 60.0
_SCONS = f"{shlex.quote(sys.executable)} -m SCons -Q "


class Terminal:
    """A terminal of its own, with one command in it, and then its status and settings."""

    def __init__(self, socket: Path, top: Path, command: str, size: tuple[int, int]) -> None:
        self._tmux = ["tmux", "-S", str(socket), "-f", os.devnull]
        # Without the trap, Ctrl-C ends the shell as well.
        script = f"trap : INT; {command}; echo STATUS $?; stty -a; echo END; exec cat"
        names = ("KCONFIG_CONFIG", "SCONSFLAGS", "TMUX", "LINES", "COLUMNS")
        environment = {k: v for k, v in os.environ.items() if k not in names}
        width, height = map(str, size)
        self._do("new-session", "-d", "-x", width, "-y", height, script, cwd=top, env=environment)

    def _do(self, *words: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
        command = [*self._tmux, *words]
        done = subprocess.run(command, cwd=cwd, env=env, check=True, capture_output=True, text=True)
        return done.stdout

    def screen(self) -> str:
        """Return the visible text, and what was scrolled away."""
        return self._do("capture-pane", "-p", "-J", "-S", "-")

    def wait(self, *words: str) -> str:
        """Wait until the screen shows all of the words, and return it."""
        end = time.monotonic() + _PATIENCE
        while not all(word in (screen := self.screen()) for word in words):
            assert time.monotonic() < end, f"{words} did not come:\n{screen}"
            time.sleep(0.02)
        return screen

    def keys(self, *names: str) -> None:
        """Type keys: a character, or a name such as Escape."""
        self._do("send-keys", *names)

    def resize(self, width: int, height: int) -> None:
        self._do("resize-window", "-x", str(width), "-y", str(height))

    def end(self) -> tuple[int, str]:
        """Wait for the command's end; return its status, and all that is on the screen."""
        screen = self.wait("\nEND")
        assert "Traceback" not in screen, screen
        # The modes of the terminal are again those that a shell needs.
        assert " icanon" in screen and "-icanon" not in screen, screen
        assert " echo " in screen and "-echo " not in screen, screen
        return int(screen.split("STATUS ")[1].split()[0]), screen

    def kill(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)


Open = Callable[..., Terminal]


@pytest.fixture
def terminal() -> Iterator[Open]:
    """Open terminals: terminal(folder, command="scons menuconfig", size=(80, 24))."""
    program("tmux")
    opened: list[Terminal] = []
    # The path of a socket is short.
    with tempfile.TemporaryDirectory(prefix="tmux") as folder:

        def start(
            top: Path, command: str = f"{_SCONS} menuconfig", size: tuple[int, int] = (80, 24)
        ) -> Terminal:
            opened.append(Terminal(Path(folder, str(len(opened))), top, command, size))
            return opened[-1]

        yield start
        for each in opened:
            each.kill()


_READY = "[Q] Quit"
_XEN_PV = "    Xen PV guest support"


def saved(kernel: Project, target: str = "defconfig") -> tuple[bytes, int]:
    """Save a configuration and return its state, as state() does."""
    kernel.scons(target)
    # The file is older than any that is written from now on.
    os.utime(kernel.top / ".config", ns=(10**18, 10**18))
    return state(kernel)


def state(kernel: Project) -> tuple[bytes, int]:
    path = kernel.top / ".config"
    return path.read_bytes(), path.stat().st_mtime_ns


def go_to_xen_pv(screen: Terminal) -> None:
    screen.wait(_READY)
    screen.keys("/")
    screen.wait("Jump to symbol/choice")
    screen.keys("-l", "XEN_PV")
    # The only one that is left.
    screen.wait('XEN_PV(=y) "Xen PV guest support"')
    screen.keys("Enter")
    screen.wait("(Top) → Xen", f"[*] {_XEN_PV}")


def test_menuconfig_ends_when_its_terminal_closes(kernel: Project) -> None:
    before = saved(kernel)
    leader, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    scons = subprocess.Popen(
        [sys.executable, "-m", "SCons", "-Q", "menuconfig"],
        cwd=kernel.top,
        env={**os.environ, "TERM": "xterm"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    seen = b""
    while b"[Q] Quit" not in seen:
        seen += os.read(leader, 4096)
    os.close(leader)
    try:
        assert scons.wait(_PATIENCE) != 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(scons.pid, signal.SIGKILL)
    assert state(kernel) == before


def test_search_toggle_save_and_the_next_build_is_exact(
    built_kernel: Project, terminal: Open
) -> None:
    screen = terminal(built_kernel.top)
    go_to_xen_pv(screen)
    screen.keys("Space")
    screen.wait(f"[ ] {_XEN_PV}")
    screen.keys("q")
    screen.wait("Save configuration?")
    screen.keys("y")
    status, text = screen.end()
    assert status == 0
    assert ".config: written" in text
    assert "# CONFIG_XEN_PV is not set" in (built_kernel.top / ".config").read_text()
    run = built_kernel.scons()
    assert run.names == {
        "CONFIG .config",
        "HEAD xen-head.o",
        "CC halt.o",
        "LDS vmlinux.lds",
        "LD vmlinux.unchecked",
        "CHECK vmlinux",
    }
    assert built_kernel.up_to_date()


def test_opening_changes_nothing(kernel: Project, terminal: Open) -> None:
    before = saved(kernel)
    screen = terminal(kernel.top)
    screen.wait(_READY)
    screen.keys("q")
    status, text = screen.end()
    assert status == 0
    assert "No changes to save" in text
    # There is no note for saved values of symbols that follow others.
    assert "has no prompt" not in text
    assert state(kernel) == before
    assert not (kernel.top / ".config.old").exists()


def test_saving_without_a_change_leaves_the_file(kernel: Project, terminal: Open) -> None:
    before = saved(kernel)
    screen = terminal(kernel.top)
    go_to_xen_pv(screen)
    screen.keys("Space")
    screen.wait(f"[ ] {_XEN_PV}")
    screen.keys("Space")
    screen.wait(f"[*] {_XEN_PV}")
    screen.keys("s")
    screen.wait("Filename to save configuration to")
    screen.keys("Enter")
    screen.wait("Success", ".config: no change")
    screen.keys("Enter", "q")
    assert screen.end()[0] == 0
    assert state(kernel) == before
    assert not (kernel.top / ".config.old").exists()


def test_a_change_that_is_not_saved_is_none(kernel: Project, terminal: Open) -> None:
    before = saved(kernel)
    screen = terminal(kernel.top)
    go_to_xen_pv(screen)
    screen.keys("n")
    screen.wait(f"[ ] {_XEN_PV}")
    screen.keys("q")
    screen.wait("Save configuration?")
    screen.keys("n")
    status, text = screen.end()
    assert status == 0
    assert "was not saved" in text
    assert state(kernel) == before


def test_the_old_configuration_is_kept(kernel: Project, terminal: Open) -> None:
    before, _ = saved(kernel)
    screen = terminal(kernel.top)
    go_to_xen_pv(screen)
    screen.keys("n", "q")
    screen.wait("Save configuration?")
    screen.keys("y")
    assert screen.end()[0] == 0
    assert (kernel.top / ".config.old").read_bytes() == before
    names = {path.name for path in kernel.top.iterdir()}
    assert names == {"SConstruct", "arch", "kconfig", ".config", ".config.old"}


@pytest.mark.parametrize("jobs", ["", "-j2"])
def test_ctrl_c_saves_nothing(kernel: Project, terminal: Open, jobs: str) -> None:
    before = saved(kernel)
    screen = terminal(kernel.top, f"{_SCONS} {jobs} menuconfig")
    go_to_xen_pv(screen)
    screen.keys("n")
    screen.wait(f"[ ] {_XEN_PV}")
    screen.keys("C-c")
    status, text = screen.end()
    assert status == 2
    assert "[menuconfig] Build interrupted." in text
    assert state(kernel) == before


def test_a_choice_is_made_on_the_other_architecture(kernel: Project, terminal: Open) -> None:
    screen = terminal(kernel.top, f"{_SCONS} menuconfig ARCH=i386")
    screen.wait("Xen reference kernel for i386", _READY)
    screen.keys("Enter")
    screen.wait("Memory split (3G/1G user/kernel split)")
    screen.keys("Down", "Enter")
    screen.wait("(X) 3G/1G")
    screen.keys("Down", "Space")
    screen.wait("Memory split (2G/2G user/kernel split)")
    screen.keys("q")
    screen.wait("Save configuration?")
    screen.keys("y")
    assert screen.end()[0] == 0
    config = (kernel.top / ".config").read_text()
    assert "CONFIG_VMSPLIT_2G=y" in config
    assert "CONFIG_PAGE_OFFSET=0x80000000" in config


def test_help_minimal_configuration_and_load(kernel: Project, terminal: Open) -> None:
    before = saved(kernel)
    kernel.write("mine", "CONFIG_XEN=y\n# CONFIG_SMP is not set\nCONFIG_GONE=y\n")
    screen = terminal(kernel.top)
    go_to_xen_pv(screen)
    screen.keys("?")
    screen.wait("Symbol information", "paravirtualised (PV) guest", "kconfig/Kconfig.xen:")
    screen.keys("Escape")
    screen.wait(_READY)
    screen.keys("o")
    screen.wait("File to load")
    screen.keys("C-u", "C-k")
    screen.keys("-l", "mine")
    screen.keys("Enter")
    screen.wait("Loaded mine")
    screen.keys("Enter", "D")
    screen.wait("Filename to save minimal configuration to")
    screen.keys("Enter")
    screen.wait("defconfig: written")
    screen.keys("Enter", "q")
    screen.wait("Save configuration?")
    screen.keys("n")
    status, text = screen.end()
    assert status == 0
    assert "xen_tool: note: mine:3: GONE=y: Kconfig has no symbol GONE" in text
    assert state(kernel) == before
    assert (kernel.top / "defconfig").read_text() == "CONFIG_XEN=y\n"


def test_a_damaged_file_is_not_loaded(kernel: Project, terminal: Open) -> None:
    before = saved(kernel)
    kernel.write("mine", "CONFIG_XEN=y\n<<<<<<< HEAD\n")
    kernel.write("binary", b"\xff\xfe\n")
    screen = terminal(kernel.top)
    screen.wait(_READY)
    for name, words in (
        ("mine", "mine:2: malformed line"),
        ("binary", "binary:1: not UTF-8 text"),
        ("missing", "No such file or directory"),
    ):
        screen.keys("o")
        screen.wait("File to load")
        screen.keys("C-u", "C-k")
        screen.keys("-l", name)
        screen.keys("Enter")
        screen.wait("Error", words)
        screen.keys("Enter")
        screen.wait("File to load")
        screen.keys("Escape")
        screen.wait(_READY)
    screen.keys("q")
    assert screen.end()[0] == 0
    assert state(kernel) == before


def test_the_menu_survives_any_size_of_the_terminal(kernel: Project, terminal: Open) -> None:
    before = saved(kernel)
    screen = terminal(kernel.top)
    screen.wait(_READY)
    for width, height in ((50, 12), (20, 5), (5, 2), (100, 30)):
        screen.resize(width, height)
        screen.keys("Down", "?", "Escape")
    screen.wait("[Q] Quit (prompts for save) [D]")
    screen.keys("q")
    assert screen.end()[0] == 0
    assert state(kernel) == before


def test_a_link_stays_a_link(kernel: Project, terminal: Open, tmp_path: Path) -> None:
    saved(kernel)
    real = tmp_path / "my-config"
    (kernel.top / ".config").rename(real)
    (kernel.top / ".config").symlink_to(real)
    screen = terminal(kernel.top)
    go_to_xen_pv(screen)
    screen.keys("n", "q")
    screen.wait("Save configuration?")
    screen.keys("y")
    assert screen.end()[0] == 0
    assert (kernel.top / ".config").is_symlink()
    assert "# CONFIG_XEN_PV is not set" in real.read_text()


# Root may write anywhere, but not over a folder.
@pytest.mark.parametrize("folder", [".config", ".config.old"])
def test_an_error_of_writing_is_shown_and_the_menu_goes_on(
    kernel: Project, terminal: Open, folder: str
) -> None:
    before = saved(kernel)
    screen = terminal(kernel.top)
    go_to_xen_pv(screen)
    screen.keys("n")
    screen.wait(f"[ ] {_XEN_PV}")
    (kernel.top / ".config").rename(kernel.top / "kept")
    (kernel.top / folder).mkdir()
    if folder != ".config":
        (kernel.top / "kept").rename(kernel.top / ".config")
    screen.keys("q")
    screen.wait("Save configuration?")
    screen.keys("y")
    screen.wait("Error saving configuration to", f"{folder}: cannot be", "Is a directory")
    (kernel.top / folder).rmdir()
    if folder == ".config":
        (kernel.top / "kept").rename(kernel.top / ".config")
    assert state(kernel) == before
    screen.keys("Enter")
    screen.wait("Save configuration?")
    screen.keys("y")
    assert screen.end()[0] == 0
    assert b"# CONFIG_XEN_PV is not set" in state(kernel)[0]


@pytest.mark.parametrize(
    ("command", "size", "words"),
    [
        (f"TERM=dumb {_SCONS} menuconfig", (80, 24), "can move its cursor, not dumb"),
        (f"TERM=no-such {_SCONS} menuconfig", (80, 24), "a terminal of TERM='no-such'"),
        (f"env -u TERM {_SCONS} menuconfig", (80, 24), "a terminal of TERM=''"),
        (f"{_SCONS} menuconfig </dev/null", (80, 24), "needs a terminal: its input or output"),
        (f"{_SCONS} menuconfig >/dev/null", (80, 24), "needs a terminal: its input or output"),
        (f"{_SCONS} menuconfig", (80, 9), "10 lines; this one has 80 and 9"),
        (f"{_SCONS} menuconfig", (39, 24), "40 columns and 10 lines; this one has 39 and 24"),
    ],
)
def test_an_unsuitable_terminal_is_one_sentence(
    kernel: Project, terminal: Open, command: str, size: tuple[int, int], words: str
) -> None:
    screen = terminal(kernel.top, command, size)
    status, text = screen.end()
    assert status == 2
    assert words in " ".join(text.split())
    assert text.count("***") == 1
    assert not (kernel.top / ".config").exists()


def test_without_curses(kernel: Project, terminal: Open) -> None:
    kernel.write("none/curses.py", "raise ImportError('no curses here')\n")
    screen = terminal(kernel.top, f"PYTHONPATH=none {_SCONS} menuconfig")
    status, text = screen.end()
    assert status == 2
    assert "menuconfig needs Python's module curses, which is missing" in " ".join(text.split())


@pytest.mark.parametrize("variable", ["LC_ALL=xx_YY.UTF-8", "LC_TIME=en_DE.UTF-8", "LANG=xx"])
def test_a_locale_that_is_not_installed(kernel: Project, terminal: Open, variable: str) -> None:
    saved(kernel)
    screen = terminal(kernel.top, f"env -u LC_ALL LANG=C.UTF-8 {variable} {_SCONS} menuconfig")
    go_to_xen_pv(screen)
    screen.keys("q")
    assert screen.end()[0] == 0


def numbers(kernel: Project, low: str) -> None:
    """Write a Kconfig with one symbol, a number of at least low."""
    kernel.write("kconfig/Kconfig", f'config COUNT\n\tint "count"\n\trange {low} 99\n')
    kernel.write(".config", "CONFIG_COUNT=5\n")


def test_a_number_that_c_would_read_otherwise_is_refused(kernel: Project, terminal: Open) -> None:
    numbers(kernel, "1")
    screen = terminal(kernel.top)
    screen.wait(_READY)
    screen.keys("Enter")
    screen.wait("count (int)")
    screen.keys("BSpace", *"010", "Enter")
    screen.wait("'010' is a malformed int value")
    screen.keys("Enter", "BSpace", "BSpace", "BSpace", *"10", "Enter")
    screen.wait("(10) count")
    screen.keys("s", "Enter", "Enter", "q")
    assert screen.end()[0] == 0
    assert "CONFIG_COUNT=10\n" in (kernel.top / ".config").read_text()


def test_an_error_in_kconfiglib_is_one_sentence(kernel: Project, terminal: Open) -> None:
    # kconfiglib fails for a bound that is not a number.
    numbers(kernel, "GONE")
    screen = terminal(kernel.top)
    screen.wait(_READY)
    screen.keys("Enter")
    screen.wait("count (int)")
    screen.keys("Enter")
    status, text = screen.end()
    assert status == 2
    assert "menuconfig: it failed with ValueError: GONE" in text
    assert (kernel.top / ".config").read_text() == "CONFIG_COUNT=5\n"


REASONS = """
config BASE
	bool "base"

config MIDDLE
	bool "middle"
	depends on BASE

config TOP
	bool "top"
	depends on MIDDLE

config CHOOSER
	bool "chooser"
	select CHOSEN

config CHOSEN
	bool "chosen"

config COUNT
	int "count" if BASE
	default 3

choice
	prompt "pick"
config ONE
	bool "one"
config TWO
	bool "two"
endchoice
"""


def test_a_symbol_that_cannot_be_set_shows_why_and_leads_to_the_cause(
    kernel: Project, terminal: Open
) -> None:
    kernel.write("kconfig/Kconfig", REASONS)
    kernel.write("kconfig/configs/x86_64_defconfig", "CONFIG_CHOOSER=y\n")
    kernel.write(".config", "# CONFIG_BASE is not set\nCONFIG_CHOOSER=y\n")
    screen = terminal(kernel.top)
    screen.wait("-*- chosen", _READY)
    # A symbol that another one selects.
    screen.keys("Down", "Down", "Space")
    screen.wait("CHOSEN cannot be n", "CHOSEN: CHOOSER (=y) selects it", "[1] Jump to CHOOSER")
    screen.keys("1", "Space")
    # The cursor is on CHOOSER now.
    screen.wait("[ ] chooser (defconfig: y)", "[ ] chosen (NEW) (defconfig: y)")
    # In show-all mode an invisible symbol shows what it needs, what that needs, and leads to each.
    screen.keys("a")
    screen.wait("show-all mode enabled")
    screen.keys("Home", "Down", "Down", "y")
    screen.wait(
        "TOP cannot be y",
        "TOP: it needs MIDDLE (=n, default)",
        "MIDDLE: it needs BASE (=n, set in .config:1)",
        "[1] Jump to MIDDLE",
        "[2] Jump to BASE",
    )
    screen.keys("2", "y")
    screen.wait("[*] base (defconfig: n)")
    screen.keys("Space")
    screen.wait("[ ] base   ")
    # For a number, the page of the symbol has the reasons.
    screen.keys("End", "Up", "?")
    screen.wait("Why it cannot be changed:", "COUNT: it is not visible: it needs BASE")
    screen.keys("Escape", "End", "Enter", "n")
    screen.wait("ONE cannot be n", "ONE: one of the choice must be chosen")
    screen.keys("Escape", "q")
    screen.wait("Save configuration?")
    screen.keys("n")
    assert screen.end()[0] == 0


def test_it_is_started_by_sconsw(terminal: Open, tmp_path: Path) -> None:
    config = tmp_path / "config"
    words = f"KCONFIG_CONFIG={config} ./sconsw -Q O={tmp_path}/out menuconfig"
    screen = terminal(TOP, words)
    go_to_xen_pv(screen)
    screen.keys("n")
    screen.wait(f"[ ] {_XEN_PV} (defconfig: y)")
    screen.keys("q")
    screen.wait("Save configuration?")
    screen.keys("y")
    assert screen.end()[0] == 0
    assert "# CONFIG_XEN_PV is not set\n" in config.read_text()
