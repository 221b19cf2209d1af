# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""CACHE=: an object is taken from the cache only if the compiler would make the same one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from programs import program
from project import TOP, Project, Run

from .embedding import CHANGES, change, made, tree

COMPILERS = ("gcc", "clang")


class Cached:
    """A tree and a cache."""

    def __init__(self, folder: Path, compiler: str = "gcc") -> None:
        self.folder = folder / "cache"
        self.project = tree(folder / "tree")
        self.compiler = compiler

    def scons(self, *words: str, project: Project | None = None) -> Run:
        words = (f"CACHE={self.folder}", f"TOOLCHAIN={self.compiler}", *words)
        run = (project or self.project).run(*words)
        assert run.status == 0, run.out + run.err
        return run

    def alone(self, *words: str) -> dict[str, bytes]:
        run = self.project.run("O=alone", f"TOOLCHAIN={self.compiler}", *words)
        assert run.status == 0, run.out + run.err
        return made(self.project, "alone")

    def again(self, *words: str) -> Run:
        shutil.rmtree(self.project.top / "build")
        return self.scons(*words)

    def entries(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


def compiled(run: Run) -> set[str]:
    return {name.removeprefix("CC ") for name in run.names if name.startswith("CC ")}


def cached(run: Run) -> set[str]:
    return {name.removeprefix("CACHE ") for name in run.names if name.startswith("CACHE ")}


ALL = {"main.o", "embed.o", "blob.o", "both.o"}


@pytest.fixture(params=COMPILERS)
def each(request: pytest.FixtureRequest, tmp_path: Path) -> Cached:
    program(request.param)
    return Cached(tmp_path, request.param)


@pytest.fixture
def one(tmp_path: Path, gcc: str) -> Cached:
    return Cached(tmp_path)


def test_the_same_is_made_whatever_changes(each: Cached) -> None:
    first = each.scons()
    assert compiled(first) == ALL
    run = each.again()
    assert cached(run) == ALL
    assert compiled(run) == set()
    # The cache has the compiler's warnings with the object.
    assert "seen" in run.out + run.err
    assert made(each.project) == each.alone()
    for name, text in CHANGES:
        change(each.project, name, text)
        each.scons()
        objects = made(each.project)
        assert objects == each.alone(), name
        assert compiled(each.again()) == set(), name
        assert made(each.project) == objects, name
    assert each.scons().steps == []


def test_a_symbol_back_and_forth_compiles_nothing_again(one: Cached) -> None:
    one.scons("A=0")
    assert compiled(one.scons("A=1")) == {"main.o"}
    wanted = {setting: one.alone(setting) for setting in ("A=0", "A=1")}
    for setting in ("A=0", "A=1", "A=0"):
        run = one.scons(setting)
        assert (compiled(run), cached(run)) == (set(), {"main.o"})
        assert made(one.project) == wanted[setting]
        assert one.scons(setting).steps == []


def test_another_checkout_takes_objects_from_the_cache(one: Cached, tmp_path: Path) -> None:
    one.scons()
    other = tree(tmp_path / "a branch of it")
    other.edit("both.cpp", "cpp", "other")
    run = one.scons(project=other)
    assert (compiled(run), cached(run)) == ({"both.o"}, ALL - {"both.o"})
    for name in ("main.o", "embed.o", "blob.o"):
        assert made(other)[name] == made(one.project)[name]


def test_the_reference_kernel_with_and_without_pvh(kernel: Project, tmp_path: Path) -> None:
    cache = f"CACHE={tmp_path / 'cache'}"
    image = kernel.top / "build/x86_64/vmlinux"
    images = {}
    for setting in ("XEN_PVH=0", "XEN_PVH=1"):
        kernel.scons(cache, setting)
        images[setting] = image.read_bytes()
    for setting in ("XEN_PVH=0", "XEN_PVH=1"):
        assert compiled(kernel.scons(cache, setting)) == set()
        assert image.read_bytes() == images[setting]
        assert kernel.up_to_date(cache, setting)


@pytest.mark.parametrize("damage", ["cut", "changed", "emptied", "a folder"])
def test_a_damaged_entry_is_not_used(one: Cached, damage: str) -> None:
    one.scons()
    right = made(one.project)
    for path in one.entries():
        content = path.read_bytes()
        if damage == "cut":
            path.write_bytes(content[:-1])
        elif damage == "changed":
            path.write_bytes(content[:-100] + b"?" + content[-99:])
        elif damage == "emptied":
            path.write_bytes(b"")
        else:
            path.unlink()
            path.mkdir()
    assert compiled(one.again()) == ALL
    assert made(one.project) == right
    if damage != "a folder":
        assert cached(one.again()) == ALL


def left_by_a_killed_build(one: Cached) -> Path:
    """Write a temporary file of 2 MiB, as the atomic writer names it; return its path."""
    entry = one.entries()[0]
    path = entry.with_name(f".{entry.name}.123.0badcafe")
    path.write_bytes(bytes(2 << 20))
    os.utime(path, (0, 0))
    return path


def test_a_change_of_an_object_does_not_change_its_entry(one: Cached) -> None:
    one.scons()
    unfinished = left_by_a_killed_build(one)
    one.again()
    assert unfinished.exists(), "another build may be writing it"
    right = made(one.project)
    for path in [*one.entries(), *(one.project.top / "build/x86_64").glob("*.o")]:
        assert path.stat().st_nlink == 1
    # The object is changed in place, as a debugger could do it.
    for path in (one.project.top / "build/x86_64").glob("*.o"):
        with path.open("r+b") as file:
            file.write(b"damaged")
    assert cached(one.scons()) == ALL
    assert made(one.project) == right


def test_the_cache_is_bounded_and_drops_the_oldest_entries(one: Cached) -> None:
    numbers = ", ".join(str(number) for number in range(20000))
    one.project.write("main.c", f"#include <stdint.h>\nlong table[50000] = {{ {numbers} }};\n")
    one.folder.mkdir()
    users_file = one.folder / "photos" / "of" / "mine"
    users_file.parent.mkdir(parents=True)
    users_file.write_bytes(bytes(2 << 20))
    old = one.scons("CACHE_SIZE=1")
    assert compiled(old) == ALL
    left_by_a_killed_build(one)
    for number in range(3):
        one.project.write("both.cpp", f"long table{number}[50000] = {{ {numbers} }};\n")
        one.scons("CACHE_SIZE=1")
    size = sum(path.stat().st_size for path in one.entries() if path != users_file)
    assert 0 < size <= 1 << 20
    assert users_file.exists(), "a file of the user was removed from the folder"
    assert all(any(folder.iterdir()) for folder in one.folder.glob("??/*"))
    assert "main.o" in compiled(one.again("CACHE_SIZE=1"))


def test_two_write_at_the_same_time(one: Cached, tmp_path: Path) -> None:
    others = [tree(tmp_path / name) for name in ("one", "two")]
    command = [sys.executable, "-m", "SCons", "-Q", f"CACHE={one.folder}", "TOOLCHAIN=gcc"]
    running = [
        subprocess.Popen(command, cwd=other.top, stdout=subprocess.DEVNULL) for other in others
    ]
    assert [process.wait() for process in running] == [0, 0]
    assert made(others[0]) == made(others[1])
    assert cached(one.scons()) == ALL
    assert made(one.project) == made(others[0])


def test_a_cache_that_cannot_be_written_does_not_stop_the_build(one: Cached) -> None:
    one.folder.write_text("a file")
    assert compiled(one.scons()) == ALL
    assert compiled(one.again()) == ALL
    assert one.folder.read_text() == "a file"


def test_another_compiler_makes_its_own(one: Cached) -> None:
    wrapper = one.project.write("bin/gcc", '#!/bin/sh\nexec /usr/bin/gcc "$@"\n')
    wrapper.chmod(0o755)
    one.compiler = "gcc"
    words = ("CC=" + str(wrapper),)
    one.scons(*words)
    wrapper.write_text('#!/bin/sh\nexec /usr/bin/gcc -DVALUE=7 -w "$@"\n')
    assert compiled(one.scons(*words)) == ALL
    wrapper.write_text('#!/bin/sh\nexec /usr/bin/gcc "$@"\n')
    assert cached(one.scons(*words)) == ALL


def test_xen_tool_build_takes_objects_from_the_cache(one: Cached) -> None:
    words = (f"CACHE={one.folder}", "TOOLCHAIN=gcc")
    right = one.scons() and made(one.project)
    command = [sys.executable, "-m", "xen_tool.cli", "build", "-Q", *words]
    environment = {**os.environ, "PYTHONPATH": str(TOP / "site_scons")}

    def build() -> str:
        done = subprocess.run(
            command,
            cwd=one.project.top,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    build()
    assert "is up to date" in build()
    one.project.edit("second/h.h", "1111", "2222")
    assert "  CC " in build()
    one.project.edit("second/h.h", "2222", "1111")
    assert "  CACHE " in build()
    assert made(one.project) == right


@pytest.mark.parametrize(
    ("word", "message"),
    [("CACHE=", "CACHE= has no value"), ("CACHE_SIZE=1G", "CACHE_SIZE is a number of MiB")],
)
def test_wrong_words(one: Cached, word: str, message: str) -> None:
    run = one.project.run(word)
    assert run.status == 2
    assert message in run.err
