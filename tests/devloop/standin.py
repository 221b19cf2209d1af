# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A folder with stand-ins for gcc, cc1, as and ld: scripts that run commands.py.

Given to the tool as CC= and LD=.  As in a real toolchain the driver, fake-gcc, only calls
cc1 and as.  These two and fake-ld have a version in their third line, which they put into
their output, so that another version makes another image.  The second line of each script,
and the driver's third, change nothing.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

VERSIONED = ("cc1", "as", "fake-ld")
"""The programs whose replacement changes what they make."""
_MODULES = ("programs.py", "commands.py")
_SCRIPT = """\
#!/bin/sh
# comment 100000
# version 100000
exec {python} -IS -c 'import sys
sys.path.insert(0, sys.argv[2])
from devloop.commands import main
sys.exit(main(*sys.argv[1:3], sys.argv[3:]))' {name} {folder} "$@"
"""


class StandIn:
    """The stand-ins in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cc = folder / "fake-gcc"
        self.ld = folder / "fake-ld"
        self.header = folder / "include/own.h"
        """One of the compiler's own headers."""

    def write(self) -> None:
        """Make the folder."""
        here = Path(__file__).parent
        (self.folder / "devloop").mkdir(parents=True)
        for module in _MODULES:
            (self.folder / "devloop" / module).write_bytes((here / module).read_bytes())
        for name in ("fake-gcc", *VERSIONED):
            words = {"name": name.removeprefix("fake-"), "folder": self.folder}
            quoted = {key: shlex.quote(str(value)) for key, value in words.items()}
            script = self.folder / name
            script.write_text(_SCRIPT.format(python=shlex.quote(sys.executable), **quoted))
            script.chmod(0o755)
        self.header.parent.mkdir()
        self.header.write_text("const int own = 100000;\n")

    def settings(self, flags: str = "") -> list[str]:
        """Return CC= and LD= for the command line of the tool; flags are added to CC=."""
        return [
            f"CC={shlex.quote(str(self.cc))} {flags}".strip(),
            f"LD={shlex.quote(str(self.ld))}",
        ]

    def delay(self, before: float, between: float, within: float) -> None:
        """Make the programs slow: before reading, before writing and within writing."""
        (self.folder / "delay").write_text(f"{before} {between} {within}")

    def hurry(self) -> None:
        """Make the programs fast again."""
        (self.folder / "delay").unlink(missing_ok=True)
