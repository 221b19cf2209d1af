# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""C kconfig, the authority on Kconfig: scripts/kconfig/conf of Linux 6.1, from Debian's package."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

CONF = "usr/lib/linux-kbuild-6.1/scripts/kconfig/conf"
_HEADING = re.compile(r"\A#\n# Automatically generated file; DO NOT EDIT.\n# .*\n#\n")


class Answer:
    """The messages of one run of conf, and the files that conf wrote."""

    def __init__(self, folder: Path, done: subprocess.CompletedProcess[str]) -> None:
        self._folder = folder
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def config(self) -> str:
        """.config, without its heading."""
        return _HEADING.sub("", (self._folder / ".config").read_text())

    @property
    def autoconf(self) -> set[str]:
        """The set of lines of autoconf.h, which has no defined order."""
        text = (self._folder / "include/generated/autoconf.h").read_text()
        return {line for line in text.splitlines() if line.startswith("#define")}

    def lines_warned_of(self, file: str) -> list[int]:
        """Return the line numbers of a file that warnings name, sorted."""
        pattern = rf"^{re.escape(file)}:(\d+):warning: (?!no new line)"
        return sorted(int(number) for number in re.findall(pattern, self.err, re.MULTILINE))

    @property
    def unmet(self) -> set[str]:
        """The symbols that are selected against their dependencies."""
        pattern = r"^WARNING: unmet direct dependencies detected for (\S+)$"
        return set(re.findall(pattern, self.err, re.MULTILINE))


class CKconfig:
    """Runs conf in a folder that has a file Kconfig."""

    def __init__(self, conf: Path | Sequence[str | Path], folder: Path) -> None:
        self._conf = [conf] if isinstance(conf, Path) else conf
        self._folder = folder

    def run(self, *mode: str, config: str | None = None, **environment: str) -> Answer:
        """Run a mode such as --olddefconfig on .config."""
        saved = self._folder / ".config"
        for left in (saved, *self._folder.glob("include/*/*")):
            left.unlink(missing_ok=True)
        if config is not None:
            saved.write_text(config)
        done = subprocess.run(
            [*self._conf, *mode, "Kconfig"],
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Answer(self._folder, done)
