# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""boot() with a stand-in for QEMU, whose output and exit each test sets.

The other modules of this folder boot on real Xen.
"""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from boot.standin import ELF, XEN, Machine
from booted import Hurry
from guests import guest
from xen_tool.boot import domu, follow
from xen_tool.boot.boot import boot
from xen_tool.boot.boot_settings import BootSettings
from xen_tool.boot.console.console import shower
from xen_tool.boot.console.log import Log
from xen_tool.boot.debugger.stub import by_hand, where
from xen_tool.boot.modes import MODES, named
from xen_tool.debian import suites
from xen_tool.debian.hypervisor import PACKAGES_ROOT_VARIABLE, find_hypervisor, read_hypervisor
from xen_tool.errors import XenToolError
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.names import LOADERS
from xen_tool.loaders.names import named as loader_named
from xen_tool.report.report_text import refusal

SHOWN_ELF = "ELF stands in for an image."

PANIC = """\
(XEN) Found 32-bit PV kernel, but CONFIG_PV32 missing
(XEN)
(XEN) ****************************************
(XEN) Panic on CPU 0:
(XEN) Could not construct domain 0
(XEN) ****************************************
(XEN)
(XEN) Reboot in five seconds...
"""

CRASH = """\
(XEN) d0v0 Unhandled: vec 13, #GP[0000]
(XEN) Domain 0 (vcpu#0) crashed on cpu#0:
(XEN) ----[ Xen-4.17.7  x86_64  debug=n  Not tainted ]----
(XEN) RIP:    e033:[<ffffffff81001000>]
(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.
"""

FATAL_TRAP = """\
(XEN) ----[ Xen-4.17.7  x86_64  debug=n  Not tainted ]----
(XEN) ****************************************
(XEN) Panic on CPU 0:
(XEN) FATAL PAGE FAULT
(XEN) [error_code=0002]
(XEN) ****************************************
(XEN) Reboot in five seconds...
"""

PASSED = "PASS one\nPASS two\nRESULT: PASS\n"

HANG = "while True: time.sleep(60)"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_pass_needs_the_line_and_the_status(machine: Machine) -> None:
    outcome = machine.boot(f"say({PASSED!r}); sys.exit(33)")
    assert outcome.passed
    assert outcome.status == 33
    assert outcome.reason == "the guest reported RESULT: PASS"
    assert outcome.console == ("PASS one", "PASS two", "RESULT: PASS")
    assert outcome.seconds > 0


@pytest.mark.parametrize(
    ("printed", "status", "reason"),
    [
        ("FAIL two\nRESULT: FAIL\n", 5, "the guest reported RESULT: FAIL (FAIL two)"),
        ("RESULT: FAIL\n", 33, "the guest reported RESULT: FAIL"),
        ("FAIL two\n" + PASSED, 33, "the guest reported RESULT: PASS, but also FAIL two"),
        (PASSED + "RESULT: FAIL\n", 33, "the guest reported RESULT: FAIL"),
        (
            PASSED,
            0,
            "the guest reported RESULT: PASS, but QEMU ended with status 0 instead of 33",
        ),
        ("FAIL two\n", 33, "no result came, but FAIL two"),
        (
            f"CHECKS: 3\n{PASSED}",
            33,
            "the guest reported RESULT: PASS, but its 3 checks gave 2 lines PASS",
        ),
        ("PASS one\n", 33, "QEMU ended with status 33, but no result came"),
        ("not RESULT: PASS\n", 33, "QEMU ended with status 33, but no result came"),
        ("PASS one\n", 0, "QEMU ended with status 0, but no result came"),
        ("qemu: no such option\n", 1, "QEMU ended with status 1: qemu: no such option"),
        ("", 7, "QEMU ended with status 7: it printed nothing"),
        (
            "qemu-system-x86_64: terminating on signal 2\n",
            0,
            "QEMU was stopped from outside: qemu-system-x86_64: terminating on signal 2",
        ),
    ],
)
def test_everything_else_fails_and_says_why(
    machine: Machine, printed: str, status: int, reason: str
) -> None:
    outcome = machine.boot(f"say({printed!r}); sys.exit({status})")
    assert not outcome.passed
    assert outcome.status == status
    assert outcome.reason == reason


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        (
            PANIC,
            "Xen panicked: Could not construct domain 0 "
            "(Found 32-bit PV kernel, but CONFIG_PV32 missing)",
        ),
        (FATAL_TRAP, "Xen panicked: FATAL PAGE FAULT [error_code=0002]"),
        (CRASH, "the guest crashed: d0v0 Unhandled: vec 13, #GP[0000] at ffffffff81001000"),
        (
            "(XEN) d0v0 Triple fault - invoking HVM shutdown action 1\n",
            "the guest crashed: d0v0 Triple fault - invoking HVM shutdown action 1",
        ),
        (
            "(XEN) Hardware Dom0 halted: halting machine\n",
            "the guest powered off without a result: Hardware Dom0 halted: halting machine",
        ),
        (
            PASSED + "(XEN) Hardware Dom0 halted: halting machine\n",
            "the guest reported RESULT: PASS, but Hardware Dom0 halted: halting machine",
        ),
    ],
)
def test_the_end_of_xen_or_the_guest_ends_the_run(
    machine: Machine, printed: str, reason: str
) -> None:
    body = f"say({printed!r}); time.sleep(5); say('too late\\n')"
    outcome = machine.boot(body, timeout=600)
    assert outcome.console[-1] == printed.splitlines()[-1]
    assert not outcome.passed
    assert outcome.status is None
    assert outcome.reason == reason
    assert not machine.is_running()


def test_lines_after_the_first_sign_of_a_panic_are_waited_for(machine: Machine) -> None:
    head, tail = PANIC.split("(XEN) Could not")
    outcome = machine.boot(
        f"say({head!r}); time.sleep(0.2); say({'(XEN) Could not' + tail!r})\n{HANG}", timeout=600
    )
    assert "Could not construct domain 0" in outcome.reason


def test_a_panic_that_never_ends_its_message_ends_the_run(machine: Machine) -> None:
    outcome = machine.boot(f"say('(XEN) Panic on CPU 0:\\n')\n{HANG}", timeout=600)
    assert outcome.reason == "Xen panicked: no message came"


@pytest.mark.parametrize("lines", [2, 5])
def test_a_pass_followed_by_a_crash_is_no_pass(machine: Machine, lines: int) -> None:
    crash = "".join(CRASH.splitlines(keepends=True)[:lines])
    outcome = machine.boot(f"say({PASSED + crash!r}); sys.exit(33)")
    assert not outcome.passed
    assert outcome.reason.startswith("the guest crashed")


@pytest.mark.parametrize(
    "printed",
    [
        "SKIP three: one vCPU\nCHECKS: 2\n" + PASSED,
        "".join(f"(XEN) (d1) {line}\n" for line in PASSED.splitlines()),
        "".join(f"(d1) {line}\n" for line in PASSED.splitlines()),
    ],
)
def test_other_forms_of_a_pass(machine: Machine, printed: str) -> None:
    assert machine.boot(f"say({printed!r}); sys.exit(33)").passed


def test_only_xen_itself_can_panic(machine: Machine) -> None:
    outcome = machine.boot(f"say({'guest: Panic on CPU 0' + chr(10) + PASSED!r}); sys.exit(33)")
    assert outcome.passed


def test_a_silent_hang_ends_at_the_limit(machine: Machine) -> None:
    outcome = machine.boot(HANG, timeout=0.5)
    assert (outcome.passed, outcome.status) == (False, None)
    assert outcome.reason == "no result after 0.5 s: the console stayed empty"
    assert outcome.seconds >= 0.5


def test_a_hang_ends_at_the_limit(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry = Hurry("booting", monkeypatch)
    outcome = machine.boot(f"say('booting\\n')\n{HANG}", timeout=99, echo=hurry.echo)
    assert (outcome.passed, outcome.status) == (False, None)
    assert outcome.reason == "no result after 99 s: the guest hangs"


def test_a_guest_that_never_stops_talking_ends_at_the_limit(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "while True: say('FAIL it: why\\n' * 1000)"
    outcome = machine.boot(body, timeout=99, echo=Hurry("FAIL it", monkeypatch).echo)
    assert re.fullmatch(
        "no result came, but FAIL it: why, FAIL it: why, FAIL it: why, and [0-9]+ more lines FAIL",
        outcome.reason,
    )
    assert not machine.is_running()


def test_a_closed_console_does_not_hide_a_hang(machine: Machine) -> None:
    # By the real clock, so that the console is closed before the limit.
    outcome = machine.boot(f"say('booting\\n'); os.close(1); os.close(2)\n{HANG}", timeout=2)
    assert outcome.reason == "no result after 2 s: the guest hangs"
    assert outcome.seconds >= 2
    assert not machine.is_running()


def test_qemu_ignoring_sigterm_does_not_outlive_the_call(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); say('up\\n')\n{HANG}"
    machine.boot(body, timeout=99, echo=Hurry("up", monkeypatch).echo)
    assert not machine.is_running()


def test_a_killed_qemu_is_named(machine: Machine) -> None:
    outcome = machine.boot("say('up\\n'); os.kill(os.getpid(), 9)")
    assert outcome.status == -9
    assert outcome.reason == "QEMU was killed by signal 9"


def test_qemu_does_not_outlive_a_failing_echo(machine: Machine) -> None:
    machine.program(f"say('up\\n')\n{HANG}")

    def echo(line: str) -> None:
        raise BrokenPipeError(line)

    with pytest.raises(BrokenPipeError):
        boot(machine.image, qemu=str(machine.qemu), xen=str(machine.xen), echo=echo)
    assert not machine.is_running()


@pytest.mark.parametrize(
    ("ending", "status"),
    [(signal.SIGTERM, 130), (signal.SIGHUP, 130), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_nothing_outlives_the_command(
    machine: Machine, tmp_path: Path, ending: signal.Signals, status: int
) -> None:
    machine.program(f"say('up\\n')\n{HANG}")
    tool = Path(__file__).parents[2] / "site_scons"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    # Under nohup SIGHUP is ignored, and children inherit that.
    code = (
        "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
        "from xen_tool.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["boot", "--mode=pv", f"--qemu={machine.qemu}", f"--hypervisor={machine.xen}"]
    parent = subprocess.Popen(
        [sys.executable, "-c", code, *words, "--timeout=600", str(machine.image)],
        env={**os.environ, "PYTHONPATH": str(tool), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert parent.stdout is not None
    with parent:
        assert parent.stdout.readline() == b"up\n"
        end = machine.end()
        parent.send_signal(ending)
        assert parent.wait() == status
        # Only after SIGKILL the kernel ends QEMU, which then may take a moment.
        assert end.poll(60_000 if ending == signal.SIGKILL else 0)
    assert list(temporary.iterdir()) == []


def test_a_guest_keeps_the_image_it_was_started_with(machine: Machine) -> None:
    # The image is linked again, in place or as a new file, while its guest runs.
    machine.program(
        "kernel = sys.argv[sys.argv.index('-kernel') + 1]\n"
        "say('up\\n')\n"
        f"while not os.path.exists({str(machine.folder / 'edited')!r}): time.sleep(0.01)\n"
        "say(open(kernel, 'rb').read())"
    )

    def edit(line: str) -> None:
        machine.image.write_bytes(b"other")
        (machine.folder / "edited").touch()

    outcome = boot(machine.image, mode="qemu", qemu=str(machine.qemu), echo=edit)
    assert outcome.console == ("up", SHOWN_ELF)


def test_lines_are_echoed_as_they_come(machine: Machine) -> None:
    # The stand-in goes on only when the first line was echoed.
    seen = machine.folder / "seen"
    machine.program(
        f"say('first\\nsec')\nwhile not os.path.exists({str(seen)!r}): time.sleep(0.01)\n"
        "say('ond\\n')"
    )
    lines: list[str] = []

    def echo(line: str) -> None:
        lines.append(line)
        seen.touch()

    outcome = boot(machine.image, qemu=str(machine.qemu), xen=str(machine.xen), echo=echo)
    assert lines == ["first", "second"]
    assert outcome.console == ("first", "second")


def test_output_without_a_newline_is_a_line_too(machine: Machine) -> None:
    outcome = machine.boot("say('RESULT: PASS'); sys.exit(33)")
    assert outcome.passed
    assert outcome.console == ("RESULT: PASS",)


def test_file_names_that_qemu_would_misread(machine: Machine) -> None:
    machine.image = machine.folder / "a, b=c d.elf"
    machine.image.write_bytes(ELF)
    outcome = machine.boot(
        "kernel, initrd = (sys.argv[sys.argv.index(o) + 1] for o in ('-kernel', '-initrd'))\n"
        "say(kernel + ' ' + initrd + '\\n')\n"
        "say(open(kernel, 'rb').read() + b'\\n' + open(initrd, 'rb').read())"
    )
    assert re.fullmatch("/proc/self/fd/[0-9]+ /proc/self/fd/[0-9]+", outcome.console[0])
    assert [line[: len(SHOWN_ELF)] for line in outcome.console[1:3]] == [SHOWN_ELF] * 2


def test_stdin_stays_with_the_caller(machine: Machine) -> None:
    reading, writing = os.pipe()
    saved = os.dup(0)
    try:
        os.dup2(reading, 0)
        outcome = machine.boot("say(os.readlink('/proc/self/fd/0'))")
        taken = f"pipe:[{os.fstat(reading).st_ino}]"
    finally:
        os.dup2(saved, 0)
        for descriptor in (reading, writing, saved):
            os.close(descriptor)
    assert outcome.console != (taken,)


def refused(machine: Machine, **changes: object) -> str:
    """Return the message of the error that boot() raises with these arguments."""
    arguments = {
        "image": machine.image,
        "qemu": str(machine.qemu),
        "xen": str(machine.xen),
        **changes,
    }
    with pytest.raises(XenToolError) as error:
        boot(**arguments)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    assert not machine.pid.exists(), "QEMU was started"
    return str(error.value)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_bad_limit(machine: Machine, timeout: float) -> None:
    assert "above 0" in refused(machine, timeout=timeout)


def test_a_missing_image(machine: Machine) -> None:
    assert "No such file" in refused(machine, image=machine.folder / "none")


def test_a_folder_as_image(machine: Machine) -> None:
    assert "is a folder" in refused(machine, image=machine.folder)


def test_an_image_that_is_a_pipe(machine: Machine) -> None:
    machine.image.unlink()
    os.mkfifo(machine.image)
    assert "is a device or a pipe" in refused(machine)


def test_an_image_that_is_no_elf_file(machine: Machine) -> None:
    machine.image.write_bytes(b"")
    assert "is no kernel image" in refused(machine)


def test_a_missing_qemu_where_it_cannot_be_fetched(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(machine.folder / "empty"))
    message = refused(machine, qemu=None)
    assert "install what Debian calls qemu-system-x86, xen-hypervisor-VERSION-amd64" in message


def test_a_missing_qemu_that_was_named(machine: Machine) -> None:
    assert "QEMU (qemu-of-mine) was not found" in refused(machine, qemu="qemu-of-mine -s")


def test_a_qemu_that_cannot_run(machine: Machine) -> None:
    machine.qemu.write_text("no program")
    machine.qemu.chmod(0o755)
    outcome = boot(machine.image, qemu=str(machine.qemu), xen=str(machine.xen))
    assert outcome.reason == f"QEMU ended with status 1: {machine.qemu}: Exec format error"


def test_every_loader_of_the_verdicts_is_a_mode() -> None:
    assert set(LOADERS) <= {mode.name for mode in MODES}


def test_a_mode_has_the_names_of_its_loader() -> None:
    for mode in MODES[: len(LOADERS)]:
        assert loader_named(mode.alias) == loader_named(mode.name) == mode.loader


ECHO = "say(' '.join(sys.argv[1:]))"


@pytest.mark.parametrize("name", [name for mode in MODES for name in (mode.name, mode.alias)])
def test_every_mode_has_a_name_and_an_alias(name: str) -> None:
    assert name in (named(name).name, named(name).alias)


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("pv", "-m 128 -smp 2 -icount shift=7,sleep=off"),
        ("pvh", "-m 128 -smp 2 -cpu qemu64,+npt -icount"),
        ("pvh", "console=com1 com1=115200,8n1 dom0=pvh dom0-iommu=none"),
        ("qemu", "-m 256 -smp 2 -icount shift=7,sleep=off"),
    ],
)
def test_a_mode_decides_what_qemu_is_given(machine: Machine, mode: str, options: str) -> None:
    machine.program(ECHO)
    outcome = boot(machine.image, mode=mode, qemu=str(machine.qemu), xen=str(machine.xen))
    assert options in outcome.console[0]


def test_options_in_qemus_command_line_come_last(machine: Machine) -> None:
    machine.program(ECHO)
    outcome = boot(machine.image, mode="qemu", qemu=f"{machine.qemu} -s -m '1 2'")
    assert outcome.console[0].endswith(" -s -m 1 2")


def test_an_unfinished_quote_in_qemus_command_line_is_an_error(machine: Machine) -> None:
    assert "is no command line: No closing quotation" in refused(machine, qemu="qemu '")


def test_a_mode_can_use_the_real_clock(machine: Machine) -> None:
    machine.program(ECHO)
    mode = named("pv")._replace(real_time=True)
    outcome = boot(machine.image, mode=mode, qemu=str(machine.qemu), xen=str(machine.xen))
    assert "icount" not in outcome.console[0]


def test_a_mode_without_xen_needs_no_hypervisor(machine: Machine) -> None:
    machine.program(ECHO)
    outcome = boot(machine.image, mode="qemu", qemu=str(machine.qemu), xen="/nowhere")
    assert "-kernel" in outcome.console[0] and "/nowhere" not in outcome.console[0]


def test_an_unknown_mode_names_them_all(machine: Machine) -> None:
    message = refused(machine, mode="pw")
    assert message.startswith("there is no boot mode pw: ")
    for mode in MODES:
        assert f"{mode.name} ({mode.alias})" in message


@pytest.mark.parametrize("cpus", [0, -1, 33])
def test_a_bad_number_of_cpus(machine: Machine, cpus: int) -> None:
    assert "1 to 32 CPUs" in refused(machine, cpus=cpus)


def test_an_uncompressed_hypervisor_is_accepted(machine: Machine) -> None:
    machine.xen.write_bytes(XEN)
    assert machine.boot(f"say({PASSED!r}); sys.exit(33)").passed


def test_a_missing_hypervisor_file(machine: Machine) -> None:
    assert "cannot be opened" in refused(machine, xen=str(machine.folder / "none"))


def test_a_version_may_stand_for_the_hypervisor(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions: list[str] = []

    def hypervisor(version: str, say: object) -> Path:
        versions.append(version)
        return machine.xen

    monkeypatch.setattr(suites, "hypervisor", hypervisor)
    machine.program(f"say({PASSED!r}); sys.exit(33)")
    assert boot(machine.image, qemu=str(machine.qemu), xen="4.14").passed
    assert versions == ["4.14"]


@pytest.mark.parametrize("version", ["4.14", "4.17", "4.20"])
def test_a_refusal_is_that_of_the_xen_that_was_booted(machine: Machine, version: str) -> None:
    image = guest(machine.folder, "xen-shim-pv32")
    xen = machine.folder / f"xen-{version}-amd64.gz"
    xen.write_bytes(gzip.compress(XEN))
    outcome = boot(image, qemu=str(machine.qemu), xen=str(xen))
    assert outcome.details == tuple(refusal(str(image), Xen.parse(version), "xen-pv-dom0"))
    old = "Dom0 failed to switch to compat: -95"
    assert any(old in line for line in outcome.details) == (version == "4.14")


def test_a_xen_of_an_unknown_release_adds_no_details(machine: Machine) -> None:
    image = guest(machine.folder, "xen-shim-pv32")
    xen = machine.folder / "xen-4.9-amd64.gz"
    xen.write_bytes(gzip.compress(XEN))
    assert boot(image, qemu=str(machine.qemu), xen=str(xen)).details == ()


def test_a_domu_needs_to_know_xens_version(machine: Machine) -> None:
    xen = machine.folder / "xen.gz"
    xen.write_bytes(gzip.compress(XEN))
    message = refused(machine, mode="pv-domu", xen=str(xen))
    assert "does not say its version" in message


@pytest.mark.parametrize("cut", [5, -4])
def test_a_damaged_hypervisor(machine: Machine, cut: int) -> None:
    machine.xen.write_bytes(gzip.compress(XEN)[:cut])
    assert "is damaged" in refused(machine)


def test_a_hypervisor_that_is_no_elf_file(machine: Machine) -> None:
    machine.xen.write_bytes(gzip.compress(b"text"))
    assert "is not an ELF file" in refused(machine)


def test_a_program_in_the_hypervisors_place(machine: Machine) -> None:
    machine.xen.write_bytes(Path("/bin/sh").read_bytes())
    assert "is an ELF file, but no Xen hypervisor" in refused(machine)


def test_a_pipe_in_the_hypervisors_place(machine: Machine) -> None:
    machine.xen.unlink()
    os.mkfifo(machine.xen)
    assert "is a device or a pipe; name the xen-*-amd64.gz" in refused(machine)


def install(root: Path, *versions: str) -> None:
    (root / "boot").mkdir(parents=True, exist_ok=True)
    for version in versions:
        (root / "boot" / f"xen-{version}-amd64.gz").write_bytes(gzip.compress(XEN))
        (root / "boot" / f"xen-{version}-amd64.efi").write_bytes(b"not this one")
        (root / "boot" / f"xen-{version}-amd64.config").write_bytes(b"nor this one")


def test_the_newest_hypervisor_is_found(tmp_path: Path) -> None:
    install(tmp_path / "a", "4.9", "4.17", "4.8.5")
    install(tmp_path / "b", "4.14")
    roots = [tmp_path / "none", tmp_path / "a", tmp_path / "b"]
    found = find_hypervisor(roots)
    assert found == tmp_path / "a" / "boot" / "xen-4.17-amd64.gz"
    assert read_hypervisor(found) == XEN


def test_the_variable_names_another_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "99.1")
    monkeypatch.setenv(PACKAGES_ROOT_VARIABLE, str(tmp_path))
    assert find_hypervisor() == tmp_path / "boot" / "xen-99.1-amd64.gz"


def test_the_error_for_a_missing_hypervisor_names_the_packages(tmp_path: Path) -> None:
    with pytest.raises(XenToolError) as error:
        find_hypervisor([tmp_path])
    for words in ("xen-hypervisor-4.17-amd64", "xen-hypervisor-4.20-amd64", str(tmp_path / "boot")):
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("mode", "values", "options"),
    [
        ("qemu", {"cmdline": "a b,c"}, "-append a b,c"),
        ("qemu", {"mem": 99}, "-m 99 "),
        ("qemu", {"module": "M"}, "-initrd /proc/self/fd/"),
        ("qemu", {"qemu_options": "-s -name 'a b'"}, " -s -name a b"),
        ("pv", {"mem": "99"}, "-m 99 "),
        ("pv", {"xen_options": "sync_console x=1"}, "com1=115200,8n1 sync_console x=1 -initrd"),
    ],
)
def test_settings_become_options_of_qemu(
    machine: Machine, mode: str, values: dict[str, object], options: str
) -> None:
    (machine.folder / "M").touch()
    values = {**values, **({"module": machine.folder / "M"} if "module" in values else {})}
    machine.program(ECHO)
    outcome = boot(
        machine.image,
        mode=mode,
        qemu=str(machine.qemu),
        xen=str(machine.xen),
        settings=BootSettings.parse(values),
    )
    assert options in outcome.console[0]


def test_a_dom0_gets_its_command_line_and_modules_in_order(machine: Machine) -> None:
    (machine.folder / "one").write_bytes(b"1")
    (machine.folder / "two").write_bytes(b"2")
    machine.program("say(sys.argv[sys.argv.index('-initrd') + 1])")
    modules = f"{machine.folder / 'one'} its words, {machine.folder / 'two'}"
    what = BootSettings.parse({"cmdline": "a,b c", "module": modules})
    outcome = boot(machine.image, qemu=str(machine.qemu), xen=str(machine.xen), settings=what)
    name = "/proc/self/fd/[0-9]+"
    # QEMU reads a list in which commas within an item are doubled.
    assert re.fullmatch(f"{name} a,,b c,{name} its words,{name}", outcome.console[0])


@pytest.mark.parametrize(
    ("mode", "values", "words"),
    [
        ("pv", {"domain": "a=1"}, "DOMAIN is for a domU"),
        ("qemu", {"xen_options": "a"}, "XEN_OPTIONS is for Xen"),
        ("qemu", {"module": "a,b"}, "gets one MODULE, without words"),
        ("pv", {"module": "/nowhere"}, "/nowhere: cannot be opened"),
    ],
)
def test_a_setting_that_the_mode_cannot_use_is_an_error(
    machine: Machine, mode: str, values: dict[str, object], words: str
) -> None:
    assert words in refused(machine, mode=mode, settings=BootSettings.parse(values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mem": "many"}, "MEM=many: MEM is a number of MiB above 0"),
        ({"mem": "0"}, "MEM is a number"),
        ({"cmdline": "a\nb"}, "CMDLINE must be one line"),
        ({"qemu_options": "'"}, "QEMU_OPTIONS is not part of a command line"),
        ({"memory": "1"}, "a boot has no setting memory; its settings are cmdline, mem"),
    ],
)
def test_a_wrong_value_of_a_setting_is_an_error(values: dict[str, object], words: str) -> None:
    with pytest.raises(XenToolError) as error:
        BootSettings.parse(values)
    assert words in str(error.value)


def test_settings_become_the_configuration_of_a_domu() -> None:
    lines_of_user = "vcpus = 3; name = 'x'"
    what = BootSettings.parse(
        {"cmdline": 'say "a"', "mem": 77, "module": "M", "domain": lines_of_user}
    )
    lines = domu._configuration(named("pv-domu"), 2, what).splitlines()
    assert lines[-1] == lines_of_user
    assert {'cmdline = "say \\"a\\""', "memory = 77", 'ramdisk = "/module"'} <= set(lines)
    for name in ("vcpus", "name", "memory"):
        statements = [part.strip() for line in lines for part in line.split(";")]
        assert sum(statement.startswith(f"{name} ") for statement in statements) == 1


def test_a_mode_sets_each_name_of_the_domain_once() -> None:
    mode = named("pvh-domu")._replace(domain=("vcpus = 1", "memory = 64", 'name = "other"'))
    lines = domu._configuration(mode, 3, BootSettings.parse({})).splitlines()
    found = {line for line in lines if line.startswith(("vcpus", "memory", "name"))}
    assert found == {"vcpus = 3", "memory = 64", 'name = "other"'}
    assert lines.count("vcpus = 3") == 1


def test_the_files_that_qemu_loads_can_be_kept(machine: Machine) -> None:
    started: list[str] = []
    machine.program("say(' '.join(sys.argv[1:])); sys.exit(33)")
    files = machine.folder / "files"
    outcome = boot(
        machine.image,
        qemu=f"{machine.qemu} -s",
        xen=str(machine.xen),
        files=files,
        started=lambda running: started.extend(running.command),
    )
    assert started[0] == str(machine.qemu)
    # The command for users has no options for the monitor.
    words = [word for word in outcome.console[0].split() if word in started[1:]]
    assert words == [word for line in started[1:] for word in line.split() if word in words]
    assert not any("/proc/self/fd" in word or "-no-shutdown" in word for word in started)
    assert (files / "0").read_bytes() == ELF
    assert (files / "1").read_bytes() == XEN
    assert "cannot be kept there" in refused_files(machine, machine.folder / "a b")


def test_a_command_for_a_debugged_machine_can_be_typed(machine: Machine) -> None:
    started: list[Sequence[str]] = []
    what = {
        "gdb": machine.folder / "gdb",
        "record": machine.folder / "r",
        "dump": machine.folder / "core",
    }
    for values in ({}, what):
        machine.program("sys.exit(33)")
        boot(
            machine.image,
            qemu=str(machine.qemu),
            xen=str(machine.xen),
            cpus=1,
            files=machine.folder / "files",
            settings=BootSettings.parse(values),
            started=lambda running: started.append(running.command),
            say=lambda line: None,
        )
    assert started[1] == [*started[0], *by_hand(where(f"{machine.folder}/gdb"))]
    assert "/proc/self/fd" not in " ".join(started[1])


def test_a_recording_is_the_same_with_a_command_and_without(machine: Machine) -> None:
    file = machine.folder / "r"
    body = f"open({str(file)!r}, 'w').close(); sys.exit(33)"
    machine.program(body)
    for name, folder, image in (
        ("record", machine.folder / "files", ELF),
        ("replay", None, ELF),
        ("replay", machine.folder / "files", ELF + b"2"),
    ):
        machine.image.write_bytes(image)
        options = {"qemu": str(machine.qemu), "xen": str(machine.xen), "cpus": 1, "files": folder}
        if image == ELF:
            boot(machine.image, settings=BootSettings.parse({name: file}), **options)  # type: ignore[arg-type]
        else:
            machine.pid.unlink()
            assert "another image" in refused(
                machine, settings=BootSettings.parse({name: file}), **options
            )


def refused_files(machine: Machine, files: Path) -> str:
    machine.pid.unlink()
    return refused(machine, files=files)


def test_xens_own_lines_are_dimmed_or_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["(XEN) a", "b", "(d1) (XEN) c", "(XEN) (d1) d", "[ 1.2] e", "(XEN) [ 1.2] f"]
    for options in ({}, {"dim": True}, {"quiet": True}, {"dim": True, "quiet": True}):
        for line in lines:
            shower(**options)(line)
    plain, dim, quiet = lines, list(lines), [lines[i] for i in (1, 3, 4)]
    for i in (0, 2, 5):
        dim[i] = f"\x1b[2m{lines[i]}\x1b[m"
    assert capsys.readouterr().out.splitlines() == [*plain, *dim, *quiet, *quiet]


def test_a_console_is_kept_as_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "k.log"
    echoed: list[str] = []
    with Log(path, echoed.append) as log:
        log.line("one")
        assert path.read_text() == "one\n"
        log.line("\udcff")
    assert path.read_text() == "one\n\\udcff\n"
    assert echoed == ["one", "\udcff"]
    with pytest.raises(XenToolError, match="cannot be written"):
        Log(path / "below")


def test_a_prompt_that_goes_away_is_no_pass(machine: Machine) -> None:
    machine.program("say('login: '); time.sleep(0.1); say('\\rno     \\n'); sys.exit(33)")
    what = BootSettings.parse({"pass_regex": "^login"})
    outcome = boot(machine.image, qemu=str(machine.qemu), xen=str(machine.xen), settings=what)
    assert outcome.result.value == "crashed"


def test_a_prompt_does_not_end_a_debugged_run(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "GRACE_SECONDS", 0.1)
    machine.program("say('login: '); time.sleep(1); say('later\\n'); sys.exit(33)")
    outcome = boot(
        machine.image,
        qemu=str(machine.qemu),
        xen=str(machine.xen),
        cpus=1,
        settings=BootSettings.parse({"pass_regex": "^login", "gdb": machine.folder / "gdb"}),
        say=lambda line: None,
    )
    assert (outcome.status, outcome.console[-1]) == (33, "login: later")
