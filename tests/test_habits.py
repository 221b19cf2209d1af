# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The habits that a program can check: style, types, layers, documents, licences of every file."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from project import TOP

pytestmark = pytest.mark.unit

LINTERS = {
    "ruff check": "ruff check site_scons tests",
    "ruff format": "ruff format --check site_scons tests packaging SConstruct "
    "arch/x86/xen/SConscript",
    "mypy": "mypy",
    # The oldest Python.  Where compression.zstd is not, codecs.py takes backports.zstd.
    "vermin": "vermin -t=3.10- --no-tips --violations --exclude compression "
    "--exclude compression.zstd site_scons packaging",
    # The layers, in pyproject.toml.
    "import-linter": "lint-imports --no-logo --cache-dir build/.import_linter",
    "reuse": "reuse lint",
    # Links and the navigation of the site.
    "mkdocs": "mkdocs build --quiet",
}


@pytest.mark.parametrize("name", LINTERS)
def test_linters(name: str) -> None:
    program, *words = shlex.split(LINTERS[name])
    path = Path(sys.executable).with_name(program)
    if not path.exists():
        pytest.skip(f"{program} is not installed")
    result = subprocess.run([path, *words], cwd=TOP, capture_output=True, text=True, check=False)
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


def test_every_package_lists_its_modules() -> None:
    missing = []
    for package in sorted((TOP / "site_scons/xen_tool").rglob("__init__.py")):
        docstring = ast.get_docstring(ast.parse(package.read_text())) or ""
        modules = {path.stem for path in package.parent.glob("*.py")}
        modules |= {path.parent.name for path in package.parent.glob("*/__init__.py")}
        for module in sorted(modules - {"__init__", "__main__"}):
            if not re.search(rf"(?<!\S){module}\b", docstring):
                missing.append(f"{package.relative_to(TOP)}: {module}")
    assert missing == []


def test_module_names_are_unique() -> None:
    """A command, method or target has the name of what it calls; loaders repeat each other's."""
    entries = ("cli/", "scons/", "loaders/", "shortcut/__main__")
    names: dict[str, list[str]] = {}
    top = TOP / "site_scons/xen_tool"
    for path in sorted(top.rglob("*.py")):
        module = str(path.relative_to(top))
        if path.stem != "__init__" and not module.startswith(entries):
            names.setdefault(path.stem, []).append(module)
    assert {name: files for name, files in names.items() if len(files) > 1} == {}


def test_modules_that_docstrings_and_comments_name_exist() -> None:
    known = {path.name for path in (TOP / "site_scons").rglob("*.py")}
    missing = []
    for path in sorted((TOP / "site_scons/xen_tool").rglob("*.py")):
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type == tokenize.COMMENT or token.string.startswith('"""'):
                    named = set(re.findall(r"\b\w+\.py\b", token.string))
                    missing += [f"{path.relative_to(TOP)}: {name}" for name in named - known]
    assert missing == []


def test_no_class_name_stands_for_two_things() -> None:
    places: dict[str, list[str]] = {}
    for path in sorted((TOP / "site_scons/xen_tool").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(TOP)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_messages_begin_in_one_place() -> None:
    by_hand = re.compile(r"""print\(\s*f?["']xen[-_]tool: """)
    sources = (TOP / "site_scons/xen_tool").rglob("*.py")
    assert [str(path) for path in sources if by_hand.search(path.read_text())] == []
