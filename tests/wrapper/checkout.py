# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A small checkout with sconsw and a stand-in for Python, which logs its arguments."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

SCONSW = Path(__file__).parents[2] / "sconsw"
SYSTEM = (
    "sh",
    "cat",
    "cksum",
    "find",
    "head",
    "ls",
    "mkdir",
    "readlink",
    "rm",
    "sleep",
    "touch",
    "ln",
)
SETS = ("base", "zig", "test")

# $state is a folder with the log, and with files that make the stand-in misbehave.
PYTHON = """#!/bin/sh
state={state}
case "$*" in
    --version) echo "Python 3.x"; exit ;;
    *version_info*) [ ! -e "$state/old" ]; exit ;;
    *ensurepip*) [ ! -e "$state/no-ensurepip" ]; exit ;;
    *flock*) exec {real} "$@" ;;
    *_base_executable*) echo {python}; exit ;;
esac
echo "${{*#{top}/}}" >>"$state/log"
case "$*" in
    '-m venv '*) mkdir -p "$3/bin"; ln -s "$(readlink -f "$0")" "$3/bin/python" ;;
    '-m pip '*)
        echo "$PIP_USER" >"$state/pip-user"
        if [ -e "$state/pip-hangs" ]; then touch "$state/hanging"; sleep 60; fi
        if [ -e "$state/pip-is-slow" ]; then sleep 0.3; fi
        if [ -e "$state/pip-fails" ]; then cat "$state/pip-fails" >&2; exit 1; fi
        case "$*" in
            *base.txt)
                venv=${{0%/bin/*}} && packages=$venv/lib/python3.99/site-packages
                mkdir -p "$packages/SCons/Script"
                touch "$packages/SCons/__init__.py" "$packages/SCons/Script/__init__.py" \
                    "$packages/kconfiglib.py" "$venv/bin/scons" ;;
        esac ;;
    *)
        echo "$PWD|${{PYTHONPATH-unset}}|${{PYTHONHOME-unset}}" >"$state/ran"
        ls -l /proc/self/fd >"$state/descriptors" ;;
esac
"""


class Checkout:
    """A project with sconsw, in a folder whose name has a space, and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.top = folder / "the project"
        self.state = folder / "state"
        self.programs = folder / "programs"
        for made in (self.top / "requirements", self.top / "tests", self.state, self.programs):
            made.mkdir(parents=True)
        shutil.copy(SCONSW, self.top)
        for name in SETS:
            (self.top / f"requirements/{name}.txt").write_text(f"{name}==1\n")
        (self.top / "pyproject.toml").write_text("[project]\n")
        for name in SYSTEM:
            program = shutil.which(name)
            assert program
            (self.programs / name).symlink_to(program)
        self.gcc = self.add_program("gcc", "#!/bin/sh\n")
        self.python = self.add_python("python3")
        self.venv = self.top / ".venv"
        self.variables: dict[str, str] = {}

    def add_program(self, name: str, text: str) -> Path:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def add_python(self, name: str) -> Path:
        words = {"state": self.state, "real": sys.executable, "top": self.top}
        quoted = {key: shlex.quote(str(word)) for key, word in words.items()}
        python = shlex.quote(str(self.programs / name))
        return self.add_program(name, PYTHON.format(**quoted, python=python))

    def start(
        self, *arguments: str, command: str | None = None, cwd: Path | None = None
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [command or str(self.top / "sconsw"), *arguments],
            cwd=cwd or self.top,
            env={"PATH": str(self.programs), **self.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self,
        *arguments: str,
        command: str | None = None,
        cwd: Path | None = None,
        fails: bool = False,
    ) -> str:
        """Run sconsw, or a shell command, to its end; return its standard error."""
        process = self.start(*arguments, command=command, cwd=cwd)
        _, output = process.communicate(timeout=60)
        assert (process.returncode != 0) == fails, output
        return output

    def log(self) -> list[str]:
        """Return what Python was run for since the last call of log(), each shortened."""
        log = self.state / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [self._short(line) for line in lines]

    @staticmethod
    def _short(line: str) -> str:
        for name in SETS:
            if line.endswith(f"--require-hashes -r requirements/{name}.txt"):
                return name
        if line.endswith("--no-deps --editable ."):
            return "project"
        return "venv" if line.startswith("-m venv ") else line
