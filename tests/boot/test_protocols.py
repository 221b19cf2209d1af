# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The results that guests report by each protocol, as the reader reads them and on real Xen."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from guests import CRASHES, EXITS, POWEROFF, REBOOT, guest, speaker, spoken
from project import TOP
from xen_tool.boot.boot import boot
from xen_tool.boot.boot_settings import BootSettings
from xen_tool.boot.modes import Place
from xen_tool.boot.result.evidence import Evidence
from xen_tool.boot.result.outcome import End, Outcome, OutcomeJudge
from xen_tool.boot.result.protocols import PROTOCOLS, GuestResult
from xen_tool.boot.result.reader import Reader
from xen_tool.boot.symbolize import ImageSymbols
from xen_tool.errors import XenToolError

OFF = "(XEN) Hardware Dom0 halted: halting machine\n"
REBOOTS = "(XEN) Hardware Dom0 shutdown: rebooting machine\n"
XTF = """\
--- Xen Test Framework ---
Environment: PV 64bit (Long mode 4 levels)
Hello World
Test result: """
OURS = "PASS a\nCHECKS: 1\nRESULT: PASS\n"
KTAP = "KTAP version 1\n1..2\nok 1 a\nok 2 b\n"
# Output of KUnit of Linux 6.1 and later, with the times of printk().
KUNIT = """\
[    0.361088] KTAP version 1
[    0.361100] 1..2
[    0.361202]     KTAP version 1
[    0.361204]     # Subtest: list
[    0.361206]     1..2
[    0.361300] random: crng init done
[    0.361400]     ok 1 list_add
[    0.361500]         KTAP version 1
[    0.361500]         # Subtest: list_sort
[    0.361510]         ok 1 short
[    0.361520]         ok 2 long
[    0.361530]     # list_sort: pass:2 fail:0 skip:0 total:2
[    0.361540]     ok 2 list_sort
[    0.361550] # list: pass:2 fail:0 skip:0 total:2
[    0.361560] ok 1 list
[    0.361570]     # Subtest: old
[    0.361580]     1..1
[    0.361590]     ok 1 - one # SKIP no such device
[    0.361600] ok 2 - old # SKIP
"""
# Linux 6.1 as a PV dom0, its example test with a wrong sum, and a driver that prints in between.
EXAMPLE_FAILS = """\
KTAP version 1
1..1
    # example: initializing suite
    KTAP version 1
    # Subtest: example
input: AT Translated Set 2 keyboard as /devices/platform/i8042/serio0/input/input1
    1..2
    # example_simple_test: initializing
    # example_simple_test: EXPECTATION FAILED at lib/kunit/kunit-example-test.c:29
    Expected 1 + 1 == 3, but
        1 + 1 == 2 (0x2)
    not ok 1 example_simple_test
    # example_skip_test: initializing
    # example_skip_test: You should not see a line below.
    ok 2 example_skip_test # SKIP this test should be skipped
# example: pass:0 fail:1 skip:1 total:2
# Totals: pass:0 fail:1 skip:1 total:2
not ok 1 example
"""
# The example of the specification, Documentation/dev-tools/ktap.rst.
KTAP_FAILS = """\
KTAP version 1
1..1
  KTAP version 1
  1..2
    KTAP version 1
    1..1
    # test_1: initializing test_1
    ok 1 test_1
  ok 1 example_test_1
    KTAP version 1
    1..2
    ok 1 test_1
    not ok 2 test_2
  not ok 2 example_test_2
not ok 1 main_test
"""


@pytest.fixture(scope="module")
def symbols(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageSymbols]:
    with ImageSymbols(str(guest(tmp_path_factory.mktemp("guest"), "qemu-kernel"))) as found:
        yield found


def judged(
    printed: str,
    symbols: ImageSymbols,
    what: BootSettings | None = None,
    end: End = End(None, 9),  # noqa: B008 - a tuple
    place: Place = Place.DOM0,
) -> OutcomeJudge:
    what = what or BootSettings()
    evidence = Evidence(place, Reader(what.protocol, what.patterns))
    for line in printed.splitlines():
        evidence.see(line)
    return OutcomeJudge(evidence, end, symbols)


def verdict(printed: str, symbols: ImageSymbols, **values: object) -> tuple[str, str]:
    judge = judged(printed, symbols, BootSettings.parse(values))
    return judge.result().value, judge.reason()


TABLE = [
    # XTF: each of its words, and what its runner calls CRASH.
    (f"{XTF}SUCCESS\n{OFF}", "passed", "Test result: SUCCESS"),
    (f"{XTF}SUCCESS with warnings\n{OFF}", "passed", "Test result: SUCCESS with warnings"),
    (f"{XTF}SKIP\n{OFF}", "skipped", "Test result: SKIP"),
    (f"{XTF}ERROR\n{OFF}", "error", "Test result: ERROR"),
    (f"{XTF}FAILURE\n{OFF}", "failed", "Test result: FAILURE"),
    (f"{XTF}RUNNING\n{OFF}", "failed", "Test result: RUNNING"),
    (f"{XTF}SUCCESSFUL\n{OFF}", "failed", "Test result: SUCCESSFUL"),
    ("--- Xen Test Framework ---\n" + OFF, "crashed", "powered off without a result"),
    (f"{XTF}SUCCESS\n", "failed", "but QEMU had to be ended"),
    (f"{XTF}SUCCESS\n{REBOOTS}", "failed", "but Hardware Dom0 shutdown: rebooting machine"),
    (
        f"{XTF}SUCCESS\n(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.\n",
        "failed",
        "but Hardware Dom0 crashed",
    ),
    (f"{XTF}SUCCESS\nPANIC: xtf_exit()\n{OFF}", "failed", "but also PANIC: xtf_exit()"),
    (f"{XTF}SUCCESS\nTest result: FAILURE\n{OFF}", "failed", "reported Test result: FAILURE"),
    (f"{XTF}FAILURE\nTest result: SUCCESS\n{OFF}", "failed", "reported Test result: FAILURE"),
    (f"{XTF}SKIP\nTest result: FAILURE\n{OFF}", "failed", "reported Test result: FAILURE"),
    (f"{XTF}SUCCESS\nTest result: SUCCESS\n{OFF}", "failed", "but said after it: Test result"),
    (f"Fail: no such page\n{XTF}SUCCESS\n{OFF}", "failed", "but also Fail: no such page"),
    (f"PANIC: x\n{XTF}SUCCESS\n{OFF}", "failed", "but also PANIC: x"),
    (f"Not so: Test result: SUCCESS\n{OFF}", "crashed", "powered off without a result"),
    (f"FAIL a: b\n{XTF}SUCCESS\n{OFF}", "failed", "but also FAIL a: b"),
    # A debug build of Xen shows what a domU writes to both of its consoles.
    (f"(d1) {XTF}SUCCESS\nTest result: SUCCESS\n{OFF}", "failed", "but said after it"),
    (f"a\n(d1) a\nTest result: SUCCESS\n(d1) a\n{OFF}", "passed", "Test result: SUCCESS"),
    (f"{XTF}SUCCESS\n{OFF}qemu-system-x86_64: warning: no active timers", "passed", "SUCCESS"),
    # KTAP.
    (KTAP + OFF, "passed", "KTAP: 2 passed"),
    (KTAP + REBOOTS, "passed", "KTAP: 2 passed"),
    (KUNIT + OFF, "passed", "KTAP: 3 passed, 1 skipped"),
    (KTAP.replace("KTAP version 1", "TAP version 14") + OFF, "passed", "KTAP: 2 passed"),
    (KTAP + KTAP + OFF, "passed", "KTAP: 4 passed"),
    ("TAP version 13\nok 1 a\n1..1\n" + OFF, "passed", "KTAP: 1 passed"),
    (KTAP_FAILS + OFF, "failed", "KTAP: 2 passed (not ok 2 test_2, not ok 2 example_test_2"),
    (KTAP.replace("ok 1", "not ok 1") + OFF, "failed", "KTAP: 1 passed (not ok 1 a)"),
    (KTAP.replace("ok 2 b\n", "") + OFF, "failed", "of the plan 1..2 1 results came"),
    (KTAP.replace("ok 1 a\n", "") + OFF, "failed", "test 1 is missing: ok 2 b"),
    (KTAP + "ok 3 c\n" + OFF, "failed", "of the plan 1..2 3 results came"),
    (KTAP + "ok 2 b\n" + OFF, "failed", "test 3 is missing: ok 2 b"),
    (KTAP.replace("1..2\n", "") + OFF, "failed", "no plan 1..N"),
    (
        KTAP + "    KTAP version 1\n    1..1\n    ok 1 c\n" + OFF,
        "failed",
        "in a test that has no li",
    ),
    (KTAP + "bail out! no memory\n" + OFF, "failed", "(bail out! no memory)"),
    (KTAP + "# Totals: pass:1 fail:1 xfail:0\n" + OFF, "failed", "(# Totals: pass:1 fail:1 xfail"),
    (KTAP + "# Totals: pass:1 fail:0 xfail:1\n" + OFF, "passed", "KTAP: 2 passed"),
    (KTAP + "1..3\n" + OFF, "failed", "the plans 1..2 and 1..3 differ"),
    (KTAP.replace("ok 2 b", "ok 2 b # SKIP") + OFF, "passed", "KTAP: 1 passed, 1 skipped"),
    ("KTAP version 1\n1..1\nok 1 a # SKIP why\n" + OFF, "skipped", "KTAP: 0 passed, 1 skipped"),
    ("KTAP version 1\n1..1\nnot ok 1 a # SKIP\n" + OFF, "skipped", "KTAP: 0 passed, 1 skipped"),
    ("KTAP version 1\n1..0 # SKIP no device\n" + OFF, "skipped", "KTAP: 0 passed"),
    (KTAP.replace("ok 2 b", "not ok 2 b # XFAIL") + OFF, "passed", "KTAP: 1 passed, 1 skipped"),
    (KTAP.replace("ok 2 b", "not ok 2 b # TIMEOUT 9") + OFF, "failed", "(not ok 2 b # TIMEOUT 9)"),
    (KTAP.replace("ok 2 b", "ok 2 b # ERROR") + OFF, "failed", "(ok 2 b # ERROR)"),
    (KTAP + "Bail out! no memory\n" + OFF, "failed", "(Bail out! no memory)"),
    ("Bail out!\n" + OFF, "failed", "no result came, but Bail out!"),
    (KTAP, "failed", "KTAP: 2 passed, but QEMU had to be ended"),
    (KTAP.replace("ok 2 b\n", ""), "crashed", "no result after 9 s"),
    (
        KUNIT.replace("        ok 1 short", "        not ok 1 short") + OFF,
        "failed",
        "(not ok 1 sho",
    ),
    (
        EXAMPLE_FAILS + OFF,
        "failed",
        "KTAP: 0 passed, 1 skipped (not ok 1 example_simple_test, not ok 1 example)",
    ),
    (EXAMPLE_FAILS.partition("    # example_skip")[0], "failed", "no result came, but not ok 1 ex"),
    (EXAMPLE_FAILS.partition("    # example_simple_test: EXP")[0], "crashed", "no result after"),
    (
        EXAMPLE_FAILS.partition("    # example_simple_test: EXP")[0]
        + "Kernel panic - not syncing: in the middle\n"
        + "(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.\n",
        "crashed",
        "the guest crashed without a result: Kernel panic - not syncing: in the middle",
    ),
    (KUNIT.replace("    1..2", "    1..3") + OFF, "failed", "of the plan 1..3 2 results came"),
    (KUNIT.replace("] ok 1 list", "] okay") + OFF, "failed", "test 1 is missing: ok 2 - old"),
    (
        KTAP + "Kernel panic - not syncing: VFS: no root\n" + REBOOTS,
        "failed",
        "but Kernel panic - not syncing: VFS: no root",
    ),
    ("ok 1 a\n1..1\n" + OFF, "crashed", "powered off without a result"),
    # Several protocols at once.
    (f"{OURS}{KTAP}{OFF}", "failed", "but also KTAP: 2 passed; name the protocol by PROTOCOL="),
    (f"{KTAP}{XTF}SUCCESS\n{OFF}", "failed", "but also KTAP: 2 passed"),
    (f"{OURS}{XTF}FAILURE\n{OFF}", "failed", "reported Test result: FAILURE"),
    (f"{XTF}SUCCESS\n{OURS}{OFF}", "failed", "but said after it: PASS a"),
    (f"{OURS}not ok 3 c\n{OFF}", "failed", "but also not ok 3 c"),
    (f"{KTAP}FAIL a\n{OFF}", "failed", "KTAP: 2 passed (FAIL a)"),
]


@pytest.mark.parametrize(("printed", "result", "words"), TABLE)
def test_the_protocol_is_known_by_the_output(
    printed: str, result: str, words: str, symbols: ImageSymbols
) -> None:
    found, reason = verdict(printed, symbols)
    assert words in reason
    assert found == result


NAMED: list[tuple[str, Mapping[str, object], str, str]] = [
    (f"up\n{OFF}", {"protocol": "poweroff"}, "passed", "the guest powered off"),
    (f"up\n{REBOOTS}", {"protocol": "poweroff"}, "crashed", "the guest rebooted"),
    ("up\n", {"protocol": "poweroff"}, "crashed", "no result after 9 s"),
    (f"FAIL a\n{OFF}", {"protocol": "poweroff"}, "failed", "powered off, but also FAIL a"),
    (f"{XTF}ERROR\n{OFF}", {"protocol": "poweroff"}, "failed", "also Test result: ERROR"),
    (f"{XTF}SUCCESS\n{OFF}", {"protocol": "poweroff"}, "passed", "the guest powered off"),
    (
        f"Kernel panic - not syncing: x\n{OFF}",
        {"protocol": "poweroff"},
        "failed",
        "the guest powered off, but Kernel panic - not syncing: x",
    ),
    (f"oops\n{OFF}", {"protocol": "poweroff", "fail_regex": "^oops"}, "failed", "also oops"),
    (f"{KTAP}{XTF}SUCCESS\n{OFF}", {"protocol": "xtf"}, "passed", "Test result: SUCCESS"),
    (f"{KTAP}{XTF}SUCCESS\n{OFF}", {"protocol": "ktap"}, "passed", "KTAP: 2 passed"),
    (f"{KTAP}{XTF}FAILURE\n{OFF}", {"protocol": "ktap"}, "failed", "(Test result: FAILURE)"),
    (f"{OURS}{OFF}", {"protocol": "xtf"}, "crashed", "powered off without a result"),
    (f"{KTAP}{OFF}", {"protocol": "pass-fail"}, "crashed", "powered off without a result"),
    (f"a\nlogin: \n{OFF}", {"pass_regex": "login:"}, "passed", "reported login:"),
    ("a\nlogin: \n", {"pass_regex": "login:"}, "passed", "the guest reported login:"),
    ("FAIL a\nlogin:\n", {"pass_regex": "login:"}, "passed", "the guest reported login:"),
    (f"a\n{OFF}", {"pass_regex": "login:"}, "crashed", "powered off without a result"),
    ("a\n", {"pass_regex": "login:"}, "crashed", "no result after 9 s"),
    (
        "login:\nBUG: x\n",
        {"pass_regex": "login:", "fail_regex": "BUG"},
        "failed",
        "the guest reported login:, but also BUG: x",
    ),
    ("BUG\n", {"pass_regex": "x", "fail_regex": "BUG"}, "failed", "no result came, but BUG"),
    (
        "login:\n(XEN) Domain 0 (vcpu#0) crashed on cpu#0:\n",
        {"pass_regex": "login:"},
        "crashed",
        "the guest crashed",
    ),
    (
        "login:\nKernel panic - not syncing: x\n",
        {"pass_regex": "login:"},
        "failed",
        "but Kernel panic",
    ),
    (
        f"FAIL a\n{OFF}",
        {"protocol": "none"},
        "shown",
        "no verdict was requested: the guest pow",
    ),
]


@pytest.mark.parametrize(("printed", "values", "result", "words"), NAMED)
def test_a_protocol_is_named(
    printed: str, values: Mapping[str, object], result: str, words: str, symbols: ImageSymbols
) -> None:
    found, reason = verdict(printed, symbols, **values)
    assert words in reason
    assert found == result


@pytest.mark.parametrize(
    ("status", "shutdown", "result"),
    [(33, None, "passed"), (0, "guest-shutdown", "passed"), (0, "guest-reset", "failed")],
)
def test_the_end_of_a_machine_without_xen_counts_as_well(
    status: int, shutdown: str | None, result: str, symbols: ImageSymbols
) -> None:
    end = End(status, 9, shutdown)
    assert judged(f"{XTF}SUCCESS\n", symbols, end=end, place=Place.KERNEL).result().value == result


def test_with_protocol_none_only_the_end_is_reported(symbols: ImageSymbols) -> None:
    judge = judged("RESULT: PASS\n", symbols, BootSettings.parse({"protocol": "none"}), End(33, 9))
    assert judge.reason() == "no verdict was requested: QEMU ended with status 33"


PIECES = [
    *("PASS a", "FAIL a: b", "CHECKS: 1", "RESULT: PASS", "RESULT: FAIL", "BUG: died"),
    *(f"Test result: {word}" for word in ("SUCCESS", "SKIP", "ERROR", "FAILURE")),
    *("KTAP version 1", "1..1", "1..2", "ok 1 a", "ok 2 b", "not ok 1 a", "Bail out!"),
    *("  KTAP version 1", "  1..1", "  ok 1 a", "  not ok 1 a", "(d1) ok 1 a"),
]


@drawn(st.lists(st.sampled_from(PIECES), max_size=12))
@settings(max_examples=400, deadline=None)
def test_no_mixture_passes_that_has_a_failure_or_two_results(lines: list[str]) -> None:
    """A passed run has one result and no line that reports a failure, for any lines."""
    reader = Reader()
    evidence = Evidence(Place.DOM0, reader)
    for line in lines:
        evidence.see(line)
    if reader.verdict().result is GuestResult.PASSED and not reader.objection():
        bad = ("FAIL", "not ok", "Bail out", "RESULT: FAIL", "Test result: ERROR")
        more = ("Test result: SKIP", "Test result: FAILURE")
        assert not any(line.strip().startswith((*bad, *more)) for line in lines)
        results = [line for line in lines if line.startswith(("RESULT", "Test result"))]
        assert len(results) + ("KTAP version 1" in lines) == 1
        assert not results or lines[-1] == results[0]


def test_the_reader_needs_little_memory() -> None:
    reader = Reader()
    for line in itertools.islice(itertools.cycle(["KTAP version 1", "not ok 2 " + "x" * 99]), 999):
        Evidence(Place.DOM0, reader).see(line)
    for indent in range(999):
        Evidence(Place.DOM0, reader).see(" " * indent + "KTAP version 1")
    assert len(reader.objection() + reader.failure_text()) < 2000


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"protocol": "tap"}, "there is no protocol tap: name one of pass-fail, xtf, ktap, power"),
        ({"pass_regex": "("}, "PASS_REGEX=( is no regular expression: missing )"),
        ({"fail_regex": "a{99999999999}"}, "FAIL_REGEX=a{99999999999} is no regular expression"),
        ({"pass_regex": "a*"}, "PASS_REGEX=a* matches every line"),
        ({"pass_regex": ""}, "PASS_REGEX= matches every line"),
        ({"pass_regex": "a", "protocol": "xtf"}, "leave PROTOCOL out"),
    ],
)
def test_a_wrong_protocol_is_one_sentence_and_wrong_usage(
    values: Mapping[str, object], words: str
) -> None:
    with pytest.raises(XenToolError) as error:
        BootSettings.parse(values)
    assert words in str(error.value)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]
    result = subprocess.run(
        [sys.executable, "-m", "xen_tool.cli", "boot", *options, "nowhere"],
        env={**os.environ, "PYTHONPATH": str(TOP / "site_scons")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert words in result.stderr


def test_every_protocol_has_a_name_of_its_own() -> None:
    assert len({protocol.name for protocol in PROTOCOLS}) == len(PROTOCOLS)


# On real Xen: images that print the text in their command line.

Runs = dict[str, "Future[Outcome]"]
ON_XEN = {
    "xtf success": ("pv", f"{XTF}SUCCESS\n", POWEROFF, {}, "passed"),
    "xtf skip": ("pvh", f"{XTF}SKIP\n", POWEROFF, {}, "skipped"),
    "xtf error": ("pv", f"{XTF}ERROR\n", POWEROFF, {}, "error"),
    "xtf failure": ("pvh", f"{XTF}FAILURE\n", POWEROFF, {}, "failed"),
    "xtf crash": ("pv", "--- Xen Test Framework ---\n", CRASHES, {"protocol": "xtf"}, "crashed"),
    "ktap": ("pvh", KTAP, REBOOT, {}, "passed"),
    "ktap fails": ("pv", KTAP_FAILS, POWEROFF, {}, "failed"),
    "ktap is cut": ("pvh", KTAP_FAILS[:120], EXITS, {}, "failed"),
    "poweroff": ("pv", "up\n", POWEROFF, {"protocol": "poweroff"}, "passed"),
    "no poweroff": ("pv", "up\n", REBOOT, {"protocol": "poweroff"}, "crashed"),
    "pattern": ("pvh", "a\nlogin:\n", EXITS, {"pass_regex": "^login"}, "passed"),
    "pattern fails": ("pvh", "oops\n", EXITS, {"pass_regex": "^l", "fail_regex": "oo"}, "failed"),
    "no verdict": ("pvh", "FAIL a\n", POWEROFF, {"protocol": "none"}, "shown"),
    "ours": ("pvh", OURS, EXITS, {}, "passed"),
}


@pytest.fixture(scope="module")
def runs(xen_under_qemu: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    images = {}
    for alias, mode in (("pv", "xen-pv-dom0"), ("pvh", "xen-pvh-dom0")):
        images[alias] = speaker(tmp_path_factory.mktemp(alias), mode)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {
            name: pool.submit(
                boot,
                images[mode],
                mode=mode,
                settings=BootSettings.parse({"cmdline": spoken(text, end), **values}),
            )
            for name, (mode, text, end, values, _) in ON_XEN.items()
        }


@pytest.mark.parametrize("name", ON_XEN)
def test_each_word_on_real_xen(runs: Runs, name: str) -> None:
    outcome = runs[name].result()
    _, text, _, _, result = ON_XEN[name]
    assert outcome.result.value == result, outcome.reason
    # QEMU warns that nothing will ever happen in a machine that Xen has halted.
    others = ("(XEN)", "qemu-system-x86_64: warning:")
    shown = [line for line in outcome.console if not line.startswith(others)]
    assert shown[-len(text.splitlines()) :] == text.splitlines()


@pytest.mark.parametrize("text", ["login:\n", "login: "])
def test_a_guest_that_runs_on_after_its_pass_is_stopped(
    xen_under_qemu: None, tmp_path: Path, text: str
) -> None:
    image = guest(tmp_path, "qemu-kernel", text)
    out_to_exit, nothing = b"\xe7\xf4", b"\x90\x90"
    content = image.read_bytes()
    assert out_to_exit in content
    image.write_bytes(content.replace(out_to_exit, nothing))
    outcome = boot(
        image, mode="qemu", timeout=99, settings=BootSettings.parse({"pass_regex": "^login"})
    )
    assert (outcome.result, outcome.status) == (GuestResult.PASSED, None)
    assert outcome.reason == "the guest reported login:"
    assert outcome.console[-1] == "login:"
    assert outcome.seconds < 99
