# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""xen-tool check of several images, and of folders."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from loaders.containers import bzimage
from loaders.good import good_both, good_pv64, good_pvh
from loaders.images import text
from loaders.rows.efi import unified
from report.test_commands import ENVIRONMENT, LOADERS, PV, PVH, document, tool, write
from xen_tool.abi import XenElfNote
from xen_tool.elf import spec


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Images that are accepted, refused and accepted."""
    bad = good_pv64().setting(text(XenElfNote.XEN_VERSION, "xen-9"))
    images = {"both": good_both(), "bad": bad, "pvh": good_pvh()}
    return [write(tmp_path / name, image) for name, image in images.items()]


@pytest.mark.parametrize("jobs", [(), ("-j", "1"), ("-j2",), ("-j50",)])
def test_verdicts_come_in_order_and_the_worst_gives_the_status(
    three: list[Path], jobs: tuple[str]
) -> None:
    both, bad, pvh = three
    result = tool("check", *jobs, both, pvh)
    assert (result.returncode, result.stdout.splitlines()) == (
        0,
        [
            f"{both}: ELF64, x86_64; accepted by {', '.join(LOADERS)}",
            f"{pvh}: ELF32, i386; accepted by {', '.join(PVH)}",
            "2 images: 2 accepted",
        ],
    )
    result = tool("check", *jobs, *three, bad.with_name("nowhere"))
    lines = result.stdout.splitlines()
    # The text for a refused image is that of a check of it alone, without the other loaders.
    alone = tool("check", bad).stdout.splitlines()
    assert alone.pop().startswith("  Other loaders: ")
    assert lines[1:-2] == alone
    assert lines[0].startswith(f"{both}: ")
    assert lines[-1] == "4 images: 2 accepted, 1 refused, 1 unreadable"
    assert result.returncode == 4
    assert (
        result.stderr
        == f"xen-tool: {bad}: cannot be opened: No such file or directory\n".replace(
            str(bad), str(bad.with_name("nowhere"))
        )
    )
    assert tool("check", *jobs, *three).returncode == 3
    assert tool("check", *jobs, both, pvh, "--loader", "xen-pv-dom0").returncode == 3


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_the_schema_of_several(three: list[Path], jobs: str) -> None:
    nowhere = three[0].with_name("nowhere")
    status, found = document("check", jobs, *three, nowhere)
    assert status == 4
    assert list(found) == ["schema", "images", "errors", "summary"]
    assert found["schema"] == 1
    assert found["images"] == [document("check", path)[1] for path in three]
    (error,) = found["errors"]
    assert error["image"] == str(nowhere)
    assert error["message"] == f"{nowhere}: cannot be opened: No such file or directory"
    assert found["summary"] == {"accepted": 2, "refused": 1, "unreadable": 1}


def test_a_folder(tmp_path: Path, gcc: str) -> None:
    kernels = {
        "a/vmlinux": bytes(good_pv64()),
        "b/bzImage": bzimage(gzip.compress(b"no kernel")),
        "b/vmlinux.gz": gzip.compress(bytes(good_both())),
        "c/no-notes": bytes(replace(good_pv64(), notes=())),
        "c/unified.efi": unified(b"no kernel"),
        "d/guest": bytes(replace(good_pv64().without(*XenElfNote), guest="XEN_VER=xen-3.0")),
    }
    others = {
        "a/head.o": bytes(replace(good_pv64(), e_type=spec.ET_REL)),
        "b/initrd.gz": gzip.compress(b"070701" * 100),
        "b/config": b"# CONFIG_XEN is not set\n",
        "empty": b"",
    }
    for name, content in {**kernels, **others}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    for options in (["-o", "program"], ["-shared", "-o", "library.so"]):
        subprocess.run([gcc, *options, "main.c"], cwd=tmp_path, check=True)
    # A second name of the same file, and links to anything.
    os.link(tmp_path / "a/vmlinux", tmp_path / "a/vmlinux.unchecked")
    (tmp_path / "link").symlink_to("a/vmlinux")
    (tmp_path / "round").symlink_to(".")
    os.mkfifo(tmp_path / "fifo")
    for jobs in ("-j1", "-j4"):
        status, found = document("check", jobs, tmp_path)
        assert status == 3
        assert [image["image"] for image in found["images"]] == [
            str(tmp_path / name) for name in kernels
        ]
        assert found["errors"] == []
    # A file that is named is checked, whatever it is.
    status, found = document("check", tmp_path / "a", tmp_path / "a/head.o")
    assert (status, len(found["images"])) == (3, 2)
    assert tool("check", tmp_path / "a").stdout.splitlines() == [
        f"{tmp_path}/a/vmlinux: ELF64, x86_64; accepted by {', '.join(PV)}",
        "1 image: 1 accepted",
    ]


def test_a_folder_without_kernels(tmp_path: Path, three: list[Path]) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "none/file").write_text("text\n")
    result = tool("check", three[0], tmp_path / "none")
    assert result.returncode == 4
    assert result.stderr == f"xen-tool: {tmp_path}/none: is a folder without a kernel image\n"


@pytest.mark.parametrize("jobs", ["0", "-1", "x", "²"])
def test_a_wrong_number_of_jobs_is_wrong_usage(three: list[Path], jobs: str) -> None:
    result = tool("check", f"-j{jobs}", *three)
    assert result.returncode == 2
    assert "is no number above 0" in result.stderr


@pytest.mark.parametrize("ignored", [False, True])
def test_an_interrupted_check_of_several(three: list[Path], ignored: bool) -> None:
    # Ctrl-C sends SIGINT to all processes at once; jobs in the background of a shell ignore it.
    slow = f"""
import sys, time
from xen_tool import cli
from xen_tool.report import many

def slow(*rest):
    sys.stdout.write("begun")
    sys.stdout.flush()
    time.sleep({1 if ignored else 60})
    return real(*rest)

real, many.read_report = many.read_report, slow
sys.exit(cli.main(sys.argv[1:]))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", slow, "check", "-j2", *map(str, three)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_IGN if ignored else signal.SIG_DFL
        ),
    )
    assert process.stdout is not None
    assert process.stdout.read(10) == "begun" * 2
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert err == ("" if ignored else "xen-tool: interrupted\n")
    assert process.returncode == (3 if ignored else 130)


def test_a_process_that_was_killed(three: list[Path]) -> None:
    dying = (
        "import os, sys; from xen_tool import cli; from xen_tool.report import many;"
        "many.read_report = lambda *rest: os.kill(os.getpid(), 9);"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", dying, "check", "-j2", *map(str, three)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 4
    assert "ended from outside, perhaps for want of memory; type a smaller -j" in result.stderr
    assert json.dumps(result.stderr).count("\\n") == 1
