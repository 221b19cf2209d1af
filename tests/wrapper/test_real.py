# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""sconsw with the real Python and pip, offline, on requirements and a project made here."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from wrapper.checkout import SETS, Checkout

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "xen_tool"
version = "1"
"""

BACKEND = """
import shutil

def build_editable(folder, config_settings=None, metadata_directory=None):
    return shutil.copy("xen_tool-1-py3-none-any.whl", folder).split("/")[-1]

def main():
    import sys
    print(sys.prefix, sys.argv[1:])
"""


# As the project's own, which goes past SCons if it can.
SHORTCUT = """
import os, sys

scons = os.path.join(os.path.dirname(sys.executable), "scons")
os.execv(sys.executable, [sys.executable, scons, *sys.argv[1:]])
"""


def make_wheel(folder: Path, name: str, files: Mapping[str, str]) -> str:
    """Write a wheel of these files; return its SHA-256."""
    info = f"{name}-1.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nscons = backend:main\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(member, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run_real(checkout: Checkout, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout.top / "sconsw"), *arguments],
        env={
            "PATH": str(checkout.programs),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(checkout.state),
            "PIP_USER": "1",
        },
        capture_output=True,
        text=True,
    )


def test_with_the_real_python_and_pip(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.python.unlink()
    checkout.python.symlink_to(sys.executable)
    for name in SETS:
        (checkout.top / f"requirements/{name}.txt").write_text("--only-binary :all:\n")
    (checkout.top / "pyproject.toml").write_text(PYPROJECT)
    (checkout.top / "backend.py").write_text(BACKEND)
    shortcut = checkout.top / "site_scons/xen_tool/shortcut"
    shortcut.mkdir(parents=True)
    (shortcut / "__main__.py").write_text(SHORTCUT)
    make_wheel(checkout.top, "xen_tool", {"xen_tool.pth": str(checkout.top)})
    for _ in range(2):
        done = run_real(checkout, ["a b"])
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"{checkout.venv} ['a b']\n"
    assert done.stderr == ""
    # Only a package with the pinned hash is installed.
    digest = make_wheel(checkout.state, "stand_in", {"stand_in.py": ""})
    installed = f"lib/python3.{sys.version_info.minor}/site-packages/stand_in.py"
    for pinned, message in (("0" * 64, "not the one whose hash"), (digest, "")):
        pin = f"stand_in==1 --hash=sha256:{pinned}\n"
        (checkout.top / "requirements/zig.txt").write_text(pin)
        done = run_real(checkout, ["TOOLCHAIN=zig"])
        assert message in done.stderr
        assert (done.returncode == 0) == (checkout.venv / installed).exists() == (not message)
