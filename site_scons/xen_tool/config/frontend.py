# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Runs kconfiglib's own front ends (menuconfig, oldconfig, ...) on a saved configuration.

Each runs in a process of its own, which is this module as a program: they read
the process environment, end the process, and draw on the terminal.  There they
write as saved.save() does: in one move, keeping FILE.old, and not at all if
nothing changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import XenToolError
from ..files import shown

MODULES = {
    "menuconfig": "changes it in the terminal",
    "guiconfig": "changes it in a window",
    "oldconfig": "asks for each new symbol",
    "olddefconfig": "gives each new symbol its default",
    "allnoconfig": "sets as much as possible to n",
    "allyesconfig": "sets as much as possible to y",
    "listnewconfig": "lists the symbols that it does not mention",
}
"""The modules of kconfiglib that can be run, and what each does with the configuration."""

_SMALLEST = (40, 10)
_INTERRUPTED = 130


def run(
    module: str, kconfig: Path, *, srctree: Path, arch: str, config: Path, defconfig: Path | None
) -> None:
    """Runs a front end on config, or defconfig if there is none, with the terminal that we have.

    Raises XenToolError if there is no terminal or display that it needs, or
    if it fails.
    """
    if module == "menuconfig":
        _check_terminal()
    elif module == "guiconfig":
        _check_display()
    elif module == "oldconfig" and not sys.stdin.isatty():
        raise XenToolError("oldconfig asks questions: run it in a terminal, or run olddefconfig")
    environment = {
        **os.environ,
        "srctree": str(srctree),
        "ARCH": arch,
        "KCONFIG_CONFIG": str(config),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    environment.pop("CONFIG_", None)
    program = [sys.executable, "-m", f"{__package__}.frontend", module]
    program += [os.path.relpath(kconfig, srctree), *([str(defconfig)] if defconfig else [])]
    status = subprocess.run(program, env=environment, cwd=srctree, check=False).returncode
    if status == _INTERRUPTED:
        raise XenToolError(f"{module} was interrupted; nothing was saved")
    if status:
        raise XenToolError(f"{module} failed with status {status}")


def _check_terminal() -> None:
    try:
        import curses
    except ImportError as error:
        raise XenToolError("menuconfig needs Python's module curses, which is missing") from error
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise XenToolError("menuconfig needs a terminal: its input or output is none")
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
    if size < _SMALLEST:
        raise XenToolError(
            f"menuconfig needs a terminal of {_SMALLEST[0]} columns and {_SMALLEST[1]} lines; "
            f"this one has {size.columns} and {size.lines}"
        )


def _check_display() -> None:
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
    """The process that run() starts: arguments are a module, a Kconfig file, and a defconfig."""
    import importlib

    import kconfiglib

    from . import saved

    class Kconfig(kconfiglib.Kconfig):  # type: ignore[misc]
        def load_config(self, filename: str | None = None, **options: Any) -> Any:
            config = Path(filename or kconfiglib.standard_config_filename())
            if filename is None and not config.exists() and arguments[2:]:
                filename = arguments[2]
            return super().load_config(filename, **options)

        def write_config(self, filename: str | None = None, **_options: object) -> str:
            path = Path(filename or kconfiglib.standard_config_filename())
            changed = saved.save(self, path)
            return f"{shown(path)}: {'written' if changed else 'no change'}"

    # How each module makes its Kconfig.
    kconfiglib.standard_kconfig = lambda _doc: Kconfig(arguments[1], suppress_traceback=True)
    module = importlib.import_module(arguments[0])
    sys.argv = list(arguments[:2])
    main = getattr(module, "main", None) or module._main
    try:
        main()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (kconfiglib.KconfigError, XenToolError, EOFError) as error:
        print(f"{arguments[0]}: {error or 'the input ended'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
