# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The initramfs of a dom0, made of stand-ins for Debian's packages."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from programs import program
from xen_tool.debian import cpio, suites
from xen_tool.debian.initramfs import contents, dom0, needed
from xen_tool.errors import XenToolError


def test_cpio_itself_reads_what_is_written(tmp_path: Path) -> None:
    first = cpio.archive({"a/b/c": b"abc", "d": b""}, links={"a/l": "b/c"}, folders=["e/f"])
    subprocess.run([program("cpio"), "-id", "--quiet"], cwd=tmp_path, input=first, check=True)
    paths = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert paths == ["a", "a/b", "a/b/c", "a/l", "d", "e", "e/f"]
    assert (tmp_path / "a/l").read_bytes() == b"abc"
    assert (tmp_path / "d").stat().st_mode & 0o777 == 0o755


def test_equal_files_make_equal_archives() -> None:
    one = cpio.archive({"a": b"1", "b": b"2"}, links={"c": "a", "d": "b"}, folders=["x", "y"])
    other = cpio.archive({"b": b"2", "a": b"1"}, links={"d": "b", "c": "a"}, folders=["y", "x"])
    assert one == other
    assert len(one) % 4 == 0


def test_needed_libraries_are_those_that_readelf_names(readelf: str) -> None:
    program = Path("/bin/sh").resolve()
    output = subprocess.check_output([readelf, "--dynamic", program], text=True)
    expected = [line.split("[")[1].rstrip("]") for line in output.splitlines() if "NEEDED" in line]
    assert expected
    assert needed(program.read_bytes()) == expected
    assert needed(b"#!/bin/sh\n") == []


def test_only_64_bit_programs_need_libraries(tmp_path: Path, gnu_as: str) -> None:
    for bits, emulation, expected in (
        ("--32", "elf_i386", []),
        ("--64", "elf_x86_64", ["b.so", "a.so"]),
    ):
        subprocess.run([gnu_as, bits, "-o", "x.o", "-"], cwd=tmp_path, input=b"", check=True)
        linker = ["ld", "-m", emulation, "-shared", "x.o"]
        for name, libraries in (("a.so", []), ("b.so", []), ("c.so", ["b.so", "a.so"])):
            command = [*linker, *libraries, "-soname", name, "-o", name]
            subprocess.run(command, cwd=tmp_path, check=True)
        content = (tmp_path / "c.so").read_bytes()
        assert needed(content) == expected
        assert needed((tmp_path / "x.o").read_bytes()) == []
        assert needed(content[:20]) == []
    # A file that is cut anywhere is no error.
    for cut in range(0, len(content), 64):
        needed(content[:cut])
    # e_shoff, e_shnum and e_shstrndx: a loader of programs reads no section headers.
    assert needed(content[:40] + bytes(8) + content[48:60] + bytes(4) + content[64:]) == expected


TOOLS = ("xl", "xenstored", "xenconsoled", "xen-init-dom0", "libxl-save-helper")
MODULES = "lib/modules/6/kernel/drivers/xen/"
FILES = {
    "boot/vmlinuz-6": b"kernel",
    "bin/busybox": b"busybox",
    **{f"usr/lib/xen-4.17/bin/{name}": name.encode() for name in TOOLS},
    "usr/lib/xen-4.17/boot/xen-shim": b"shim",
    **{f"{MODULES}{name}.ko": name.encode() for name in ("xen-privcmd", "xen-evtchn")},
    **{f"{MODULES}{name}.ko": name.encode() for name in ("xen-gntdev", "xenfs/xenfs")},
    "lib/x86_64-linux-gnu/libgcc_s.so.1": b"libgcc",
    "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": b"loader",
    "usr/share/doc/xl": b"not this one",
}


@pytest.fixture
def deb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stand_ins = tmp_path / "stand-ins"
    stand_ins.mkdir()
    (stand_ins / "dpkg-deb").write_text('#!/bin/sh\nexec /bin/cat "$2"\n')
    (stand_ins / "dpkg-deb").chmod(0o755)
    monkeypatch.setenv("PATH", str(stand_ins))
    return tmp_path / "a.deb"


def package(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("./lib64/ld-linux-x86-64.so.2")
        link.type, link.linkname = tarfile.SYMTYPE, "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
        archive.addfile(link)
        for name, content in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_what_a_dom0_needs_is_found_in_the_packages(deb: Path) -> None:
    kernel, initramfs = contents([package(deb, FILES)])
    assert kernel == b"kernel"
    for name in (
        *("usr/lib/xen-4.17/bin/xl", "usr/lib/xen-4.17/boot/xen-shim", "bin/busybox", "bin/sh"),
        *("usr/lib/x86_64-linux-gnu/libgcc_s.so.1", "lib64/ld-linux-x86-64.so.2"),
        *("modules/xenfs.ko", "etc/xen/xl.conf", "proc"),
    ):
        assert f"{name}\0".encode() in initramfs
    assert b"loader" in initramfs
    assert b"not this one" not in initramfs


@pytest.mark.parametrize(
    ("without", "named"),
    [
        ("boot/vmlinuz-6", "the kernel"),
        ("usr/lib/xen-4.17/bin/xl", "xl"),
        (f"{MODULES}xen-gntdev.ko", "modules/xen-gntdev.ko"),
        ("lib/x86_64-linux-gnu/libgcc_s.so.1", "libgcc_s.so.1"),
    ],
)
def test_what_is_not_in_the_packages_is_named(deb: Path, without: str, named: str) -> None:
    files = {name: content for name, content in FILES.items() if name != without}
    with pytest.raises(XenToolError, match=f" {named}(;|$)"):
        contents([package(deb, files)])


def test_a_damaged_package_is_named(deb: Path) -> None:
    deb.write_bytes(b"x" * 2000)
    with pytest.raises(XenToolError, match=r"a\.deb cannot be unpacked"):
        contents([deb])


def test_an_initramfs_is_made_once_and_others_stay_for_some_time(
    deb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = deb.parent / "xen-4.17"
    (cache / "dom0").mkdir(parents=True)
    (cache / "dom0-fresh").mkdir()
    (cache / "dom0-old").mkdir()
    os.utime(cache / "dom0-old", (0, 0))
    archive = package(cache / "dom0/a.deb", FILES)
    monkeypatch.setattr(suites, "dom0_packages", lambda version, say: [archive])
    messages: list[str] = []
    folder = dom0("4.17", messages.append)
    assert (folder / "kernel").read_bytes() == b"kernel"
    assert (folder / "initramfs").read_bytes().startswith(b"070701")
    assert dom0("4.17", messages.append) == folder
    assert len(messages) == 1
    assert sorted(cache.glob("*/")) == sorted([cache / "dom0", cache / "dom0-fresh", folder])
    other = archive.rename(archive.with_name("b.deb"))
    monkeypatch.setattr(suites, "dom0_packages", lambda version, say: [other])
    assert dom0("4.17", messages.append) != folder
    assert folder.exists()
