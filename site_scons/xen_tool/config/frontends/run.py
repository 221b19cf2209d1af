# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run kconfiglib's front ends (menuconfig, guiconfig, oldconfig) on the saved configuration.

Each runs in a separate process, which executes this module as a program, because front ends
read the process environment, exit, and draw on the terminal.  They write files by saved.save():
atomically, keeping FILE.old, and only if something changed.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import locale
import os
import select
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ...errors import XenToolError, print_message
from ...files import shown, write_if_changed
from .. import saved
from ..assignments import Origins
from ..language.kconf import kconfig_class, read_kconfig
from ..language.library import import_kconfiglib
from ..language.symbol_values import is_number
from ..overrides import overruled
from ..texts import defconfig_text
from . import menu

MODULES = {
    "menuconfig": "changes it in the terminal",
    "guiconfig": "changes it in a window",
    "oldconfig": "asks for each new symbol",
}
"""The front ends, which are modules of kconfiglib, each with what it does."""

_SMALLEST = (40, 10)
"""The columns and lines that menuconfig needs."""
_TEXT = "XEN_TOOL_KCONFIG_TEXT"
"""The environment variable by which run() hands the argument text to its process."""
_INTERRUPTED = 130
_PACKAGE = Path(__file__).parent.parent.parent

T = TypeVar("T")


def run(
    module: str,
    kconfig: Path,
    *,
    text: str | None,
    srctree: Path,
    variables: Mapping[str, str],
    config: Path,
    defconfig: Path | None,
) -> None:
    """Run a front end in this terminal, on the file config, or on defconfig if that is missing.

    variables: the environment variables that Kconfig files read.  text: the text to read in
    place of the file kconfig.

    Raises XenToolError if the terminal or display that it needs is missing, or if it fails.
    """
    if module == "menuconfig":
        _check_terminal()
    elif module == "guiconfig":
        _check_display()
    elif module == "oldconfig" and not sys.stdin.isatty():
        raise XenToolError("oldconfig asks questions: run it in a terminal, or run olddefconfig")
    environment = {
        **os.environ,
        **variables,
        "srctree": str(srctree),
        "KCONFIG_CONFIG": str(config),
        "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path if path),
    }
    environment.pop("CONFIG_", None)
    program = [
        sys.executable,
        "-m",
        f"{_PACKAGE.name}.config.frontends.run",
        module,
        str(srctree),
    ]
    program += [os.path.relpath(kconfig, srctree), *([str(defconfig)] if defconfig else [])]
    if text is not None:
        environment[_TEXT] = text
    # Python searches cwd for modules first, and a kernel's top folder may have a kconfiglib.
    status = subprocess.run(program, env=environment, cwd=_PACKAGE.parent, check=False).returncode
    if status in (_INTERRUPTED, -signal.SIGINT):
        raise XenToolError(f"{module} was interrupted")
    if status:
        raise XenToolError(f"{module} failed with status {status}")


def _check_terminal() -> None:
    """Raise XenToolError if menuconfig cannot run in this terminal."""
    try:
        import curses
    except ImportError as error:
        raise XenToolError("menuconfig needs Python's module curses, which is missing") from error
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise XenToolError("menuconfig needs a terminal: its input or output is not one")
    try:
        curses.setupterm()
    except curses.error as error:
        term = os.environ.get("TERM", "")
        raise XenToolError(f"menuconfig cannot use a terminal of TERM={term!r}: {error}") from error
    if not curses.tigetstr("cup"):
        raise XenToolError(
            f"menuconfig needs a terminal that can move its cursor, not {os.environ['TERM']}"
        )
    size = shutil.get_terminal_size()
    if size.columns < _SMALLEST[0] or size.lines < _SMALLEST[1]:
        raise XenToolError(
            f"menuconfig needs a terminal of {_SMALLEST[0]} columns and {_SMALLEST[1]} lines; "
            f"this one has {size.columns} and {size.lines}"
        )


def _check_display() -> None:
    """Raise XenToolError if guiconfig cannot open a window."""
    try:
        import tkinter
    except ImportError as error:
        raise XenToolError(
            "guiconfig needs Python's module tkinter: on Debian, apt-get install python3-tk"
        ) from error
    try:
        tkinter.Tk().destroy()
    except tkinter.TclError as error:
        raise XenToolError(f"guiconfig needs a display: {error}") from error


def _main(arguments: Sequence[str]) -> int:
    """Run a front end in run()'s process; arguments: module, srctree, Kconfig file, defconfig."""
    name, srctree, kconfig, *defconfig = arguments
    os.chdir(srctree)
    if sys.stdin.isatty():
        threading.Thread(target=_end_with_the_terminal, daemon=True).start()
    _use_a_locale()
    try:
        _run_module(name, Path(kconfig), defconfig[0] if defconfig else None)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (XenToolError, EOFError) as error:
        print(f"{name}: {error or 'the input ended'}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{name}: {error.__cause__ or error}", file=sys.stderr)
        return 1
    except Exception as error:
        # A bug in kconfiglib must not show a traceback.
        print(f"{name}: it failed with {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def _report_errors_in_windows() -> None:
    """Print errors of Tk's callbacks in one line; Tk would show a traceback and go on."""
    tkinter: Any = importlib.import_module("tkinter")

    def report(_window: Any, kind: type[Exception], error: Exception, _traceback: object) -> None:
        print(f"guiconfig: the command failed with {kind.__name__}: {error}", file=sys.stderr)

    tkinter.Tk.report_callback_exception = report


def _use_a_locale() -> None:
    """Choose C.UTF-8 if the locale of the environment, which menuconfig sets, is not installed."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The locale's encoding may not have all characters of the prompts.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        locale.setlocale(locale.LC_ALL, "")
    except locale.Error:
        os.environ["LC_ALL"] = "C.UTF-8"


def _end_with_the_terminal() -> None:
    """End this process by SIGHUP when its terminal hangs up; menuconfig would ask on forever."""
    terminal = select.poll()
    terminal.register(sys.stdin, 0)
    # With no events requested, poll reports only the hangup of the terminal.
    terminal.poll()
    os.kill(os.getpid(), signal.SIGHUP)


def _run_module(name: str, kconfig: Path, defconfig: str | None) -> None:
    """Run a front end, with a class Kconfig that reads and writes files by saved.py."""
    kconfiglib = import_kconfiglib()
    late_notes: list[str] = []
    text = os.environ.get(_TEXT)

    class Kconfig(kconfig_class()):  # type: ignore[misc]
        usual_name = "default" if defconfig is None else "defconfig"

        def origins(self) -> Origins:
            """Return where each symbol was assigned the value that it has: a file, or `here`."""
            return {
                symbol.name: self.loaded.get((symbol.name, symbol.str_value), "here")
                for symbol in self.unique_defined_syms
                if symbol.user_value is not None
                and kconfiglib.TRI_TO_STR.get(symbol.user_value, symbol.user_value)
                == symbol.str_value
            }

        def _usual(self) -> Mapping[Any, str]:
            """Return the values without a saved configuration; {} if the defconfig has mistakes."""
            with self._quiet(), contextlib.suppress(XenToolError):
                if defconfig is not None:
                    saved.load(self, Path(defconfig))
                return menu.values(self)
            return {}

        def load_config(self, filename: str | None = None, **_options: Any) -> Any:
            """Load the file named in a dialog, or else the saved configuration."""
            is_dialog = filename is not None
            if not is_dialog:
                self.usual: Mapping[Any, str] = {}
                self.loaded: Mapping[tuple[str, str], str] = {}
                if name == "menuconfig":
                    self.usual = self._usual()
                    self.unset_values()
            filename = filename or kconfiglib.standard_config_filename()
            if not is_dialog and not os.path.exists(filename):
                if defconfig is None:
                    return "Using default symbol values"
                filename = defconfig
            if is_dialog:
                # Load it into another object first: after an error, the shown values remain.
                other = read_kconfig(kconfig, Path.cwd(), {}, text=text)
                _for_dialog(lambda path: saved.load(other, path), filename)
            # A saved file has promptless symbols too, as Linux's does; do not warn of them.
            with self._quiet():
                loaded = saved.load(self, Path(filename))
            self.loaded = {(a.symbol.name, a.value): a.origin for a in loaded.assignments}
            if is_dialog:
                late_notes.extend([*loaded.notes, *overruled(loaded.assignments, [])])
            return f"Loaded configuration '{shown(Path(filename))}'"

        def write_config(self, filename: str | None = None, **_options: object) -> str:
            filename = filename or kconfiglib.standard_config_filename()
            changed = _for_dialog(lambda path: saved.save(self, path), filename)
            return f"{shown(Path(filename))}: {'written' if changed else 'no change'}"

        def write_min_config(self, filename: str, **_options: object) -> str:
            text = defconfig_text(self)
            changed = _for_dialog(lambda path: write_if_changed(path, text), filename)
            return f"{shown(Path(filename))}: {'written' if changed else 'no change'}"

        def _warn(self, message: str, filename: str | None = None, line: int | None = None) -> None:
            super()._warn(message, filename, line)
            if self.warn and not self._parsing_kconfigs:
                # A warning about an answer to oldconfig.
                print(message, file=sys.stderr)

    # Each front end makes its Kconfig object by this function.
    kconfiglib.standard_kconfig = lambda _doc: Kconfig(
        str(kconfig), text=text, suppress_traceback=True
    )
    module = import_kconfiglib(name)
    if name == "menuconfig":
        menu.extend(module)
    if name == "guiconfig":
        _report_errors_in_windows()
    # The front ends check a typed number by int(), which accepts 010 and 1_0.
    module.int = _int
    sys.argv = [name, str(kconfig)]
    main = getattr(module, "main", None) or module._main
    main()
    # Notes on files that were loaded in dialogs, which cannot show them.
    for note in late_notes:
        print_message(note, "note")


def _int(value: Any, *base: int) -> int:
    """Do what int() does, but raise ValueError for a text that is no number of Kconfig."""
    if isinstance(value, str) and base in ((10,), (16,)) and not is_number(value, *base):
        raise ValueError(value)
    return int(value, *base)


def _for_dialog(function: Callable[[Path], T], filename: str) -> T:
    """Call function with a path; turn XenToolError into OSError, which dialogs show."""
    try:
        return function(Path(filename))
    except XenToolError as error:
        cause = error.__cause__
        number = (cause.errno if isinstance(cause, OSError) else None) or errno.EINVAL
        # The dialogs do not wrap lines.
        text = str(error).replace(os.path.join(os.getcwd(), ""), "")
        text = textwrap.fill(text, 70, break_on_hyphens=False)
        raise OSError(number, text, shown(Path(filename))) from error


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
