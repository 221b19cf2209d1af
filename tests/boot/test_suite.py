# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""xen-tool test: the modes of an image, the table of results, retries and interrupts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from junitparser import JUnitXml

from boot.standin import Machine
from guests import POWEROFF, guest, speaker, spoken
from project import TOP
from xen_tool.boot.modes import MODES, named
from xen_tool.boot.result.outcome import Outcome
from xen_tool.boot.result.protocols import GuestResult
from xen_tool.boot.suite.cases import Case, Options, of_images
from xen_tool.boot.suite.parallel import CaseRuns, Run, Suite, SuiteOptions
from xen_tool.boot.suite.results import Table, summary, xml
from xen_tool.errors import XenToolError

XTF = "Test result: SUCCESS\n"


def tool(*words: str, cwd: Path, command: str = "test") -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "xen_tool.cli", command, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(TOP / "site_scons")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in result.stderr
    return result


@pytest.mark.parametrize(
    ("kind", "aliases"),
    [
        ("xen-pv-domu", ["pv", "pv-domu"]),
        ("xen-pvh-domu", ["pvh", "pvh-domu", "qemu"]),
        ("xen-shim-pv32", ["pv32-shim"]),
    ],
)
def test_an_image_is_booted_in_each_mode_that_takes_it(
    tmp_path: Path, kind: str, aliases: list[str]
) -> None:
    image = str(guest(tmp_path, kind))
    cases = of_images([image, image], (), Options())
    assert [case.mode and case.mode.alias for case in cases] == aliases
    named_modes = of_images([image], MODES[:2], Options())
    assert [case.mode for case in named_modes] == list(MODES[:2])


def test_images_of_one_name_have_files_of_their_own(tmp_path: Path) -> None:
    images = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        images.append(str(guest(tmp_path / name, "xen-pv-domu")))
    stems = [case.stem for case in of_images(images, MODES[:1], Options())]
    assert stems == ["guest.xen-pv-dom0", "guest.xen-pv-dom0-2"]


@pytest.fixture(scope="module")
def on_xen(
    xen_under_qemu: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The output of `xen-tool test` for an image in three modes; it passes in one of them."""
    top = tmp_path_factory.mktemp("on_xen")
    speaker(top, "xen-pvh-dom0").rename(top / "xtf")
    (top / "text").write_text("no image\n")
    modes = ("--mode=pvh", "--mode=pv", "--mode=qemu")
    options = ("--cmdline", spoken(XTF, POWEROFF), "--logs=logs", "--junit=junit.xml", "--json")
    return top, tool("xtf", *modes, *options, cwd=top)


def test_results_are_printed_as_json(
    on_xen: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    top, result = on_xen
    assert result.returncode == 3
    found: dict[str, Any] = json.loads(result.stdout)
    assert {key: found[key] for key in ("schema", "passed", "interrupted", "consoles")} == {
        "schema": 1,
        "passed": False,
        "interrupted": False,
        "consoles": "logs",
    }
    assert [(test["mode"], test["result"]) for test in found["tests"]] == [
        ("xen-pvh-dom0", "passed"),
        ("xen-pv-dom0", "crashed"),
        ("qemu-kernel", "crashed"),
    ]
    for test in found["tests"]:
        (run,) = test["runs"]
        console = (top / run["console"]).read_text()
        assert console.splitlines()[-1 - len(run["details"])] == f"xtf: {run['reason']}"
    assert XTF in (top / "logs/xtf.xen-pvh-dom0.log").read_text()


def test_results_are_printed_as_junit(
    on_xen: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    suite = checked_junit((on_xen[0] / "junit.xml").read_bytes())
    assert [case.get("classname") for case in suite] == [
        "xen-pvh-dom0",
        "xen-pv-dom0",
        "qemu-kernel",
    ]
    assert len(suite[0]) == 0
    error = suite[1].find("error")
    assert error is not None
    assert (error.get("message") or "").startswith("Xen panicked: Could not construct domain 0")
    assert "would not start with xen-pv-dom0" in (error.text or "")


_JENKINS = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {
        "name",
        "time",
        "tests",
        "failures",
        "errors",
        "skipped",
        "timestamp",
        "hostname",
    },
    "testcase": {"name", "time", "classname"},
    **{tag: {"type", "message"} for tag in ("failure", "error", "skipped")},
    "system-out": set[str](),
}
"""The attributes of each element by junit-10.xsd, the schema of Jenkins' xUnit plugin."""


def checked_junit(data: bytes) -> ElementTree.Element:
    """Return the suite in XML of JUnit, whose counts must be those of its elements."""
    top = ElementTree.fromstring(data)
    assert top.tag == "testsuites"
    (suite,) = top
    assert suite.tag == "testsuite"
    for element in top.iter():
        assert set(element.keys()) <= _JENKINS[element.tag]
        assert re.fullmatch(r"[0-9]{0,3}(\.[0-9]*)?", element.get("time", "0"))
    cases = list(suite)
    assert {case.tag for case in cases} <= {"testcase"}
    for case in cases:
        tags = [child.tag for child in case]
        assert tags in ([], *([tag, "system-out"] for tag in ("failure", "error", "skipped"))) or (
            tags in (["error"], ["skipped"])
        )
        assert set(case.keys()) == {"classname", "name", "time"}
    # Another reader of JUnit's XML finds the same counts.
    read = JUnitXml.fromstring(data)
    numbers = [(each.tests, each.failures, each.errors) for each in (read, *read)]
    skipped = [each.skipped for each in read]
    read.update_statistics()  # type: ignore[no-untyped-call]
    assert numbers == [(each.tests, each.failures, each.errors) for each in (read, *read)]
    assert skipped == [each.skipped for each in read]
    assert read.tests == len(cases)
    return suite


def _ran(*results: GuestResult, image: str = "k") -> CaseRuns:
    case = Case(image, Path(image), MODES[0])
    runs = [Run(Outcome(r, 33, f"it {r.value}", ("\x1b[m",), 1.5), Path("f")) for r in results]
    return CaseRuns(case, tuple(runs))


@pytest.mark.parametrize(
    ("results", "result", "tag"),
    [
        ([GuestResult.PASSED], "passed", None),
        ([GuestResult.SKIPPED], "skipped", "skipped"),
        ([GuestResult.FAILED], "failed", "failure"),
        ([GuestResult.ERROR], "error", "error"),
        ([GuestResult.CRASHED], "crashed", "error"),
        ([GuestResult.PASSED] * 9, "passed", None),
        ([GuestResult.FAILED, GuestResult.PASSED], "flaky", "failure"),
        ([GuestResult.SKIPPED, GuestResult.PASSED], "flaky", "failure"),
        ([GuestResult.FAILED, GuestResult.CRASHED], "crashed", "error"),
        ([], "not run", "skipped"),
    ],
)
def test_several_runs_have_one_result(
    results: Sequence[GuestResult], result: str, tag: str | None
) -> None:
    ran = _ran(*results, image="a\x00<&>\udcff\x1b")
    assert ran.result == result
    assert ran.passed == (result == "passed")
    (case,) = checked_junit(xml([ran]))
    assert [child.tag for child in case if child.tag != "system-out"] == ([tag] if tag else [])
    (read,) = next(iter(JUnitXml.fromstring(xml([ran]))))
    assert (read.name, read.classname) == ("a?<&>??", MODES[0].name)
    assert [type(found).__name__.lower() for found in read.result] == ([tag] if tag else [])
    assert (read.system_out or "?[m") == "?[m"


def test_a_name_in_the_table_is_one_line() -> None:
    case = Case("a\n\x1b[31mb", Path("image"), MODES[0])
    assert Table([case]).row(CaseRuns(case)).startswith("a\\x0a\\x1b[31mb  xen-pv-dom0  not run")


@pytest.mark.parametrize("command", ["boot", "test"])
def test_control_characters_in_names_are_escaped(machine: Machine, command: str) -> None:
    name = "a\x1b[31m\udcff"
    machine.image.rename(machine.folder / name)
    qemu = machine.qemu.rename(machine.folder / "qemu\x1b[31m")
    words = ("--mode=qemu", f"--qemu='{qemu}' -x", "--logs=l\x1b[31m")
    for program in ("say('PASS a\\nRESULT: PASS\\n'); sys.exit(33)", "sys.exit(1)"):
        machine.program(program)
        machine.qemu.rename(qemu)
        shown = ["-v"] if command == "boot" else []
        result = tool(name, *words, *shown, cwd=machine.folder, command=command)
        assert "\x1b" not in result.stdout + result.stderr, result
        assert "a\\x1b[31m\\xff" in result.stdout
        assert result.returncode in (0, 3)
        for log in (machine.folder / "l\x1b[31m").glob("*.log"):
            assert "\x1b" not in log.read_text()


def test_an_image_that_no_mode_suits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no image\n")
    result = tool("text", cwd=tmp_path)
    assert result.returncode == 3
    assert "text  -     refused        -" in result.stdout.splitlines()
    assert "0 of 1 passed" in result.stdout
    assert tool("nowhere", cwd=tmp_path).returncode == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--runs=2", "--retries=1"), "retries hide"),
        (("--jobs=0",), "above 0"),
        (("--protocol=none",), "a test needs a verdict"),
        (("--gdb=1",), "are for one boot: leave them out"),
        (("--dump=file",), "are for one boot"),
        (("--record=file",), "are for one boot: leave them out"),
        (("--pass=(",), "PASS_REGEX=( is no regular expression"),
    ],
)
def test_arguments_that_give_no_test_are_wrong_usage(
    tmp_path: Path, words: Sequence[str], message: str
) -> None:
    guest(tmp_path, "xen-pv-domu")
    result = tool("guest", "--mode=pv", *words, cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    found = Machine(tmp_path)
    guest(tmp_path, "qemu-kernel").rename(found.image)
    return found


EVERY_SECOND = """
tries = os.path.join(os.path.dirname(sys.argv[0]), 'tries')
open(tries, 'a').write('x')
if len(open(tries).read()) % 2:
    say('FAIL a: odd\\n')
say('PASS a\\nRESULT: PASS\\n')
sys.exit(33)
"""


def suite_of(machine: Machine, options: SuiteOptions) -> Suite:
    case = Case("k", machine.image, named("qemu"), Options(qemu=str(machine.qemu)), "k")
    return Suite([case], options, machine.folder / "logs")


@pytest.mark.parametrize(
    ("options", "result", "passes", "runs"),
    [
        (SuiteOptions(), "failed", 0, 1),
        (SuiteOptions(retries=3), "flaky", 1, 2),
        (SuiteOptions(runs=4), "flaky", 2, 4),
    ],
)
def test_an_image_that_passes_only_at_times_is_flaky(
    machine: Machine, options: SuiteOptions, result: str, passes: int, runs: int
) -> None:
    machine.program(EVERY_SECOND)
    (ran,) = suite_of(machine, options).each()
    assert (ran.result, ran.passes, len(ran.runs)) == (result, passes, runs)
    for run in ran.runs:
        words = "but also FAIL a: odd" if not run.outcome.passed else "reported RESULT: PASS"
        assert words in run.console.read_text()
    table = Table([ran.case])
    assert ("runs passed" in table.row(ran)) == (runs > 1)
    lines = list(summary([ran], Path("logs")))
    assert any("the guest reported RESULT: PASS, but also FAIL a: odd" in line for line in lines)


def test_several_runs_use_the_real_clock(machine: Machine) -> None:
    machine.program("say(' '.join(sys.argv[1:])); sys.exit(33)")
    (once,) = suite_of(machine, SuiteOptions()).each()
    (twice,) = suite_of(machine, SuiteOptions(runs=2)).each()
    assert "-icount" in once.runs[0].outcome.console[0]
    assert not any("-icount" in run.outcome.console[0] for run in twice.runs)


def test_an_image_that_cannot_be_booted_has_the_result_error(machine: Machine) -> None:
    case = Case("k", machine.image, named("qemu"), Options(qemu="/nowhere/qemu"), "k")
    (ran,) = Suite([case], SuiteOptions(), machine.folder / "logs").each()
    assert ran.result == "error"
    assert "was not found" in ran.runs[0].outcome.reason


def test_a_folder_for_consoles_that_cannot_be_made(machine: Machine) -> None:
    (machine.folder / "file").touch()
    suite = Suite(
        suite_of(machine, SuiteOptions()).cases, SuiteOptions(), machine.folder / "file/logs"
    )
    with pytest.raises(XenToolError, match="cannot be written"):
        list(suite.each())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_every_qemu_and_says_what_ran(
    machine: Machine, number: signal.Signals
) -> None:
    # The first run passes; the others hang, two at a time.
    pids = machine.folder / "pids"
    machine.program(
        f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}} ')\n"
        # Two start at the same time.
        "try:\n"
        f"    os.mkdir({str(machine.folder / 'first')!r})\n"
        "    first = True\n"
        "except FileExistsError:\n"
        "    first = False\n"
        "say('PASS a\\nRESULT: PASS\\n' if first else 'up\\n')\n"
        "if first: sys.exit(33)\n"
        "while True: time.sleep(60)\n"
    )
    (machine.folder / "vmlinux2").write_bytes(machine.image.read_bytes())
    words = ["--mode=qemu", "--mode=pvh", "--timeout=600", "-j2"]
    files = [
        "--logs=logs",
        "--junit=junit.xml",
        f"--qemu={machine.qemu}",
        f"--hypervisor={machine.xen}",
    ]
    # A shell ignores SIGINT for processes in the background.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from xen_tool.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "test", "vmlinux", "vmlinux2", *words, *files],
        cwd=machine.folder,
        env={**os.environ, "PYTHONPATH": str(TOP / "site_scons")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        for _ in range(600):
            if pids.exists() and len(pids.read_text().split()) == 3:
                break
            time.sleep(0.1)
        process.send_signal(number)
        out, err = process.communicate()
    assert process.returncode == 130
    assert "xen-tool: interrupted" in err
    results = [line.split()[2] for line in out.splitlines()[1:5]]
    assert sorted(results) == ["not", "not", "not", "passed"]
    assert "1 of 4 passed; 3 did not run" in out
    assert len(checked_junit((machine.folder / "junit.xml").read_bytes())) == 4
    for pid in pids.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_options_choose_how_a_boot_of_one_image_is_shown(machine: Machine) -> None:
    machine.program("say('(XEN) up\\nPASS a\\nRESULT: PASS\\n'); sys.exit(33)")
    words = ("vmlinux", "--mode=qemu", f"--qemu={machine.qemu}")
    top = machine.folder
    plain = tool(*words, cwd=top, command="boot")
    assert plain.returncode == 0
    lines = ["(XEN) up", "PASS a", "RESULT: PASS", "vmlinux: the guest reported RESULT: PASS"]
    assert plain.stdout.splitlines() == lines
    assert not (top / "build").exists()
    run = tool(*words, "-q", "-v", "--logs=logs", cwd=top, command="boot")
    command, *rest = run.stdout.splitlines()
    assert rest == lines[1:]
    assert command.startswith(f"{machine.qemu} -display none ")
    assert command.endswith("-kernel logs/vmlinux.qemu-kernel.files/0")
    assert (top / "logs/vmlinux.qemu-kernel.files/0").read_bytes() == machine.image.read_bytes()
    assert (top / "logs/vmlinux.qemu-kernel.log").read_text().splitlines() == lines[:3]
