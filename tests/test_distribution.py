# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The wheel and the sdist: their contents, and that they work in an empty environment."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from project import SECTIONS, TOP, Project
from xen_tool import __version__
from xen_tool.debian.apt import cache_folder, locked

SHELLS = {
    "bash": "share/bash-completion/completions/xen-tool",
    "zsh": "share/zsh/site-functions/_xen-tool",
    "fish": "share/fish/vendor_completions.d/xen-tool.fish",
}
FOREIGN = """
import os

env = Environment(
    tools=["xen_tool"],
    toolpath=[PyPackageDir("xen_tool").Dir("..")],
    ENV={"PATH": os.environ["PATH"]},
)
env.XenConfigure(symbols={"XEN": False})
env.XenImage("kernel", [env.XenHead(), "main.c"], script="k.lds", loaders="none")
"""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """The output of a program, which must succeed, without this environment's settings."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that is made of it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=TOP)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    # These have Python 3.14 colour what argparse formats, as on a terminal.
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    run("env", "FORCE_COLOR=1", *build, cwd=source)
    return folder


def wheel(folder: Path) -> Path:
    (found,) = folder.glob("*.whl")
    return found


def pythons() -> dict[str, str]:
    """Return the supported Pythons on this machine, by version; this one is among them."""
    found = {f"3.{sys.version_info[1]}": sys.executable}
    for minor in range(10, 15):
        version = f"3.{minor}"
        command = [f"python{version}", "-c", "import sys, venv, ensurepip; print(sys.executable)"]
        if shutil.which(command[0]) and version not in found:
            # pyenv's starter of each version runs only if that version is selected.
            environment = {**os.environ, "PYENV_VERSION": version}
            run_ = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
            if run_.returncode == 0:
                found[version] = run_.stdout.strip()
    return found


PYTHONS = pythons()


def wheels(python: str) -> Path:
    """A folder with what the tool depends on, and the oldest SCons; fetched once."""
    pins = [TOP / f"requirements/{name}.txt" for name in ("base", "oldest")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in pins)).hexdigest()[:16]
    tag = run(python, "-c", "import sys; print(sys.implementation.cache_tag)").strip()
    folder = cache_folder() / f"wheels-{tag}-{digest}"
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            for path in pins:
                command = (python, "-m", "pip", "download", "--quiet", "--require-hashes")
                run(*command, "--disable-pip-version-check", "-d", part, "-r", path)
            part.rename(folder)
    return folder


def install(python: str, folder: Path, what: Path, *words: str) -> Path:
    """Make an environment, install into it without network, and return its folder bin."""
    run(python, "-m", "venv", "--without-pip", folder)
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--quiet")
    offline = ("--disable-pip-version-check", "--no-index", "--find-links", str(wheels(python)))
    run(*pip, *offline, *words, str(what))
    return folder / "bin"


@pytest.fixture(params=PYTHONS)
def each_python(request: pytest.FixtureRequest) -> str:
    return PYTHONS[request.param]


def test_the_wheel_works_where_nothing_else_is(
    built: Path, each_python: str, tmp_path: Path, gcc: str
) -> None:
    commands = install(each_python, tmp_path / "venv", wheel(built))
    assert run(commands / "xen-tool", "--version") == f"xen-tool {__version__}\n"
    project = foreign(tmp_path)
    run(commands / "scons", "-Q", cwd=project.top)
    built_image = project.top / "build/x86_64/kernel"
    assert built_image.is_file()
    assert "is up to date" in run(commands / "xen-tool", "build", "-Q", cwd=project.top)
    script = f"{commands}/xen-tool check {built_image}; test $? = 3"
    assert "it claims no loader" in run("sh", "-c", script)
    for place in (*SHELLS.values(), "share/man/man1/xen-tool.1"):
        assert (commands.parent / place).is_file(), place


def foreign(folder: Path) -> Project:
    project = Project(folder / "theirs")
    project.write("SConstruct", FOREIGN)
    project.write("main.c", "void _start(void) { for (;;) ; }\n")
    project.write("k.lds", SECTIONS)
    return project


def test_it_installs_beside_the_oldest_scons(built: Path, tmp_path: Path, gcc: str) -> None:
    oldest = re.search(r"scons==\S+", (TOP / "requirements/oldest.in").read_text())
    assert oldest
    commands = install(sys.executable, tmp_path / "venv", wheel(built), oldest[0])
    project = foreign(tmp_path)
    run(commands / "scons", "-Q", cwd=project.top)
    assert (project.top / "build/x86_64/kernel").is_file()
    assert oldest[0].partition("==")[2] in run(commands / "scons", "--version")


PACKAGE = TOP / "site_scons/xen_tool"
DATA = (*PACKAGE.glob("new/templates/*"), PACKAGE / "report/examples.txt")
"""Files of the package that are not Python modules."""


def test_the_wheel_has_the_package_and_nothing_for_tests(built: Path) -> None:
    with zipfile.ZipFile(wheel(built)) as archive:
        names = archive.namelist()
        text = b"\n".join(archive.read(name) for name in names if name.endswith(".py"))
    ours = {str(p.relative_to(TOP / "site_scons")) for p in TOP.glob("site_scons/xen_tool/**/*.py")}
    ours |= {str(p.relative_to(TOP / "site_scons")) for p in DATA}
    others = {name for name in names if name not in ours}
    assert ours <= set(names)
    assert {name.split("/")[0] for name in others} == {
        f"xen_tool-{__version__}.data",
        f"xen_tool-{__version__}.dist-info",
    }
    for word in (b"Xvfb", b"xdotool", b"tmux", b"import pytest"):
        assert word not in text


def test_the_wheel_of_the_tree_and_of_the_sdist_are_one(built: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=TOP)
    assert wheel(tmp_path).read_bytes() == wheel(built).read_bytes()


def data(built: Path, place: str, folder: Path) -> Path:
    """Return a file that the wheel installs besides the package."""
    path = folder / Path(place).name
    with zipfile.ZipFile(wheel(built)) as archive:
        path.write_bytes(archive.read(f"xen_tool-{__version__}.data/data/{place}"))
    return path


def test_bash_completes(built: Path, tmp_path: Path) -> None:
    script = data(built, SHELLS["bash"], tmp_path)
    (tmp_path / "image").touch()
    for words, wanted in (
        ("an", "annotate"),
        ("annotate --pvh", "--pvh-entry"),
        ("check --loader xen-pvh-dom", "xen-pvh-dom0"),
        ("check ima", "image"),
    ):
        *before, last = words.split()
        line = " ".join(["xen-tool", *before, last])
        words_ = run(
            "bash",
            "-c",
            f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(before) + 1}; "
            f"function=$(complete -p xen-tool | sed 's/.*-F \\([^ ]*\\) .*/\\1/'); "
            f"$function xen-tool {last} ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            cwd=tmp_path,
        )
        assert wanted in words_.split(), words


def test_fish_completes(built: Path, tmp_path: Path, fish: str) -> None:
    script = data(built, SHELLS["fish"], tmp_path)
    command = f"source {script}; complete -C 'xen-tool ann'; complete -C 'xen-tool annotate --pvh'"
    completions = run(fish, "--no-config", "-c", command, cwd=tmp_path)
    assert [line.split("\t")[0] for line in completions.splitlines()] == ["annotate", "--pvh-entry"]


def test_zsh_completes(built: Path, tmp_path: Path, zsh: str) -> None:
    data(built, SHELLS["zsh"], tmp_path)
    # zsh runs in a terminal of its own, in which TAB is typed.
    (tmp_path / "try").write_text(
        "zmodload zsh/zpty\n"
        f"zpty shell '{zsh} -f -i'\n"
        f"zpty -w shell 'PS1= fpath=({tmp_path} $fpath); autoload -U compinit; compinit -u -D'\n"
        "zpty -w shell 'echo ready'\n"
        "zpty -r shell said '*ready*ready*'\n"
        "zpty -w -n shell $'xen-tool anno\\t'\n"
        "zpty -r shell said '*annotate*'\n"
        'print -r -- "$said"\n'
    )
    assert "annotate" in run(zsh, "-f", str(tmp_path / "try"), cwd=tmp_path)


def test_the_manual_page_tells_all_commands_and_options(built: Path, tmp_path: Path) -> None:
    page = data(built, "share/man/man1/xen-tool.1", tmp_path).read_text()
    assert "\x1b" not in page
    plain = page.replace("\\-", "-")
    for command in re.findall(r"^    (\w+)  ", run(xen_tool(), "--help"), re.MULTILINE):
        assert f".SS xen-tool {command} " in plain
        if command != "build":
            help_text = run(xen_tool(), command, "--help")
            for option in re.findall(r"^  .*?(--[\w-]+)", help_text, re.MULTILINE):
                assert option == "--help" or option in plain, option
    if shutil.which("man"):
        warned = subprocess.run(
            ["man", "--warnings", "-l", tmp_path / "xen-tool.1"],
            env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert warned.stderr == ""
        assert "EXIT STATUS" in warned.stdout


def xen_tool() -> Path:
    return Path(sys.executable).with_name("xen-tool")
