# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The habits that a program can check: style, types and licences of every file."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from project import TOP

SOURCES = ["site_scons", "tests", "packaging", "SConstruct", "arch/x86/xen/SConscript"]


LINTERS: list[tuple[str, list[str]]] = [
    ("ruff", ["check", "site_scons", "tests"]),
    ("ruff", ["format", "--check", *SOURCES]),
    ("mypy", []),
    ("reuse", ["lint"]),
]


@pytest.mark.parametrize(
    ("module", "arguments"),
    LINTERS,
    ids=["ruff check", "ruff format", "mypy", "reuse"],
)
def test_linters(module: str, arguments: list[str]) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    command = [sys.executable, "-m", module, *arguments]
    result = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_oldest_python_has_all_that_is_used() -> None:
    # Where compression.zstd is not, codecs.py takes backports.zstd.
    options = ["-t=3.10-", "--no-tips", "--violations"]
    options += ["--exclude", "compression", "--exclude", "compression.zstd"]
    vermin = str(Path(sys.executable).with_name("vermin"))
    command = [vermin, *options, "site_scons", "packaging"]
    result = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_source_says_its_licence() -> None:
    # Files that git ignores do not count.
    git = shutil.which("git")
    assert git is not None
    command = [git, "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
    files = [TOP / name for name in listed.stdout.splitlines() if not name.startswith("LICENSES/")]
    assert len(files) > 50
    line = "SPDX-License-" + "Identifier: GPL-2.0-only OR MIT"  # not one of this file
    silent = [path for path in files if path.is_file() and line not in path.read_text()[:400]]
    assert silent == []


BELOW = {
    "abi": set(),
    "errors": set(),
    "files": {"errors"},
    "elf": {"abi", "errors", "files"},
    "toolchain": {"abi", "errors"},
    "build": {"errors", "files", "toolchain"},
    "image": {"abi", "elf", "errors", "files"},
    "annotate": {"abi", "elf", "errors", "image"},
    "loaders": {"abi", "elf", "errors", "image"},
    "debian": {"elf", "errors", "files", "image", "loaders"},
    "boot": {"abi", "debian", "elf", "errors", "files", "image", "loaders", "report"},
}
"""What each package may import besides itself and what all may; others are not restricted."""
ENTRY_POINTS = {"scons", "cli"}


def test_packages_import_only_what_lies_below_them() -> None:
    package = TOP / "site_scons/xen_tool"
    for path in package.rglob("*.py"):
        parts = path.relative_to(package).parts
        name = parts[0].removesuffix(".py")
        imported = _imported_packages(path, len(parts))
        if name not in ENTRY_POINTS and name != "__init__":
            assert not imported & ENTRY_POINTS, path
            assert not re.search(r"^\s*(from|import) SCons", path.read_text(), re.MULTILINE), path
        assert imported <= BELOW.get(name, imported) | {"light", "printable"}, path


def test_rules_import_the_model_and_not_the_other_way_round() -> None:
    loaders = TOP / "site_scons/xen_tool/loaders"
    upward = re.compile(r"^\s*from (\.+)(rules|verdict|required)\b", re.MULTILINE)
    for path in (loaders / "model").rglob("*.py"):
        assert not upward.search(path.read_text()), path
    for path in (loaders / "rules").rglob("*.py"):
        assert not re.search(r"^\s*from \.+(verdict|required)\b", path.read_text(), re.MULTILINE), (
            path
        )
    rows = [path for path in (loaders / "rules").glob("*_*.py") if path.name != "__init__.py"]
    assert len(rows) >= 5
    for path in rows:
        others = "|".join(other.stem for other in rows)
        assert not re.search(rf"^\s*from \.({others}) ", path.read_text(), re.MULTILINE), path


def _imported_packages(path: Path, depth: int) -> set[str]:
    """Packages that a module imports; depth dots lead from it to the package."""
    text = path.read_text()
    root = r"\." * depth
    names = re.findall(rf"^\s*from {root}(\w+)[\w.]* import", text, re.MULTILINE)
    for line in re.findall(rf"^\s*from {root} import (.+)$", text, re.MULTILINE):
        names += [name.split(" ")[0] for name in line.split(", ")]
    return set(names)
