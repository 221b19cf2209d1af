# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Real gdb on the reference kernel, in every mode: at its entry, single steps, and its output."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from boot.debugger.guest import COMMAND, DEBUG_INFO, environment, gdb, without_xen
from project import TOP, Project, reference_kernel
from xen_tool.boot.modes import MODES, Mode

pytestmark = pytest.mark.usefixtures("linux_dom0", "gdb")

# gdb itself prints the last line, by reading memory, which it cannot do in all modes.
SCRIPT = """
printf "STOPPED at %lx\\n", $pc
xen start-info
break xen_start_kernel
break xen_pvh_start_kernel
continue
echo ENTERED\\n
backtrace 1
step
step
info line
xen start-info
xen events
printf "VIEW %lx %lx\\n", xen_start_info->nr_pages, xen_start_info->shared_info
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The reference kernel with debug information, by bits."""
    project = reference_kernel(tmp_path_factory.mktemp("debugged") / "kernel")
    project.scons("ARCH=x86_64", "XEN_PVH=1", DEBUG_INFO)
    project.scons("ARCH=i386", DEBUG_INFO)
    return {64: project.top / "build/x86_64/vmlinux", 32: project.top / "build/i386/vmlinux"}


def symbol(image: Path, name: str) -> int:
    listed = subprocess.run(["nm", str(image)], capture_output=True, text=True, check=True).stdout
    found = re.search(rf"^([0-9a-f]+) . {name}$", listed, re.M)
    assert found, name
    return int(found[1], 16)


Runs = dict[str, "Future[subprocess.CompletedProcess[str]]"]


@pytest.fixture(scope="module")
def runs(images: dict[int, Path]) -> Iterator[Runs]:
    """The output of gdb, by mode."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {
            mode.name: pool.submit(
                gdb, images[mode.bits or 64], mode.alias, SCRIPT, "--cmdline", "say hello"
            )
            for mode in sorted(MODES, key=lambda mode: -mode.timeout)
        }


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.alias)
def test_it_stops_at_the_entry_and_steps(runs: Runs, images: dict[int, Path], mode: Mode) -> None:
    run = runs[mode.name].result()
    image = images[mode.bits or 64]
    entry = symbol(image, "startup_xen")
    if mode.starts_by_pvh:
        entry = symbol(image, "pvh_start_xen") - 0xFFFFFFFF80000000
    assert f"STOPPED at {entry:x}\n" in run.stdout, run.stdout + run.stderr
    name = "xen_pvh_start_kernel" if mode.starts_by_pvh else "xen_start_kernel"
    entered = run.stdout.partition("ENTERED")[2]
    assert re.search(rf"^#0 +{name} \(.*\) at arch/x86/xen/\w+\.[ch]:\d+$", entered, re.M), entered
    # gdb finds the source, and steps by its lines.
    assert re.search(r"^\d+\t\s*\S", entered, re.M), entered
    assert re.search(r'^Line \d+ of "\S*arch/x86/xen/\w+\.[ch]"', entered, re.M), entered


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.alias)
def test_start_info_is_read_at_the_entry_and_later(runs: Runs, mode: Mode) -> None:
    output = runs[mode.name].result().stdout
    shown = re.findall(r"^(?:hvm_)?start_info at .*:\n(?:  .*\n)+", output, re.M)
    assert len(shown) == 2 and shown[0] == shown[1], output
    if mode.starts_by_pvh:
        assert re.search(r"^  magic +0x336ec578$", shown[0], re.M)
        assert re.search(r'^  command line +"say hello"$', shown[0], re.M)
        return
    assert re.search(r'^  magic +"xen-3\.0-x86_', shown[0], re.M)
    assert re.search(r'^  cmd_line +"say hello"$', shown[0], re.M)
    if not mode.is_nested:
        # gdb itself reads the same by the guest's debug information.
        view = re.search(r"^VIEW (\w+) (\w+)$", output, re.M)
        assert view, output
        for name, value in zip(("nr_pages", "shared_info"), view.groups(), strict=True):
            assert re.search(rf"^  {name} +0x{value}$", shown[0], re.M)


@pytest.mark.parametrize("mode", [m for m in MODES if not m.starts_by_pvh], ids=lambda m: m.alias)
def test_no_event_comes_to_a_pv_guest_that_has_just_started(runs: Runs, mode: Mode) -> None:
    output = runs[mode.name].result().stdout
    assert "no event channel is pending\n" in output
    assert "vCPU 0: upcall none, masked, evtchn_pending_sel 0x0\n" in output


EVENTS = """
break handle_upcall
continue
printf "VIEW %lx %lx\\n", HYPERVISOR_shared_info->evtchn_pending[0], \\
    HYPERVISOR_shared_info->evtchn_mask[0]
xen events
xen shared-info
xen notes
python
for line in ("xen shared-info 1", "xen start-info nonsense"):
    try:
        gdb.execute(line)
    except gdb.error as error:
        print("TOLD", error)
end
"""


def test_commands_show_events_and_notes_and_report_bad_arguments(images: dict[int, Path]) -> None:
    run = gdb(images[64], "pv", EVENTS)
    view = re.search(r"^VIEW (\w+) (\w+)$", run.stdout, re.M)
    assert view, run.stdout + run.stderr
    pending, mask = (int(word, 16) for word in view.groups())
    ports = [port for port in range(64) if pending >> port & 1]
    assert ports
    shown = re.findall(r"^event channel (\d+): pending(, masked)?$", run.stdout, re.M)
    assert shown == [(str(port), ", masked" if mask >> port & 1 else "") for port in ports]
    assert "vCPU 0: upcall pending, masked, evtchn_pending_sel 0x1\n" in run.stdout
    assert re.search(r"^  evtchn_upcall_pending +0x1$", run.stdout, re.M)
    # As `xen-tool inspect` shows them, and with the names that gdb has.
    assert re.search(r"^ +0x1 +ENTRY +0x[0-9a-f]+ <startup_xen> +PT_NOTE ", run.stdout, re.M)
    messages = re.findall(r"^TOLD (.*)$", run.stdout, re.M)
    assert messages == ["there is no page at 0x1", 'No symbol "nonsense" in current context.']
    assert "Python" not in run.stderr


def test_commands_show_the_shared_page_of_a_pvh_guest(images: dict[int, Path]) -> None:
    # checks/pvh_xen.c has sent an event to a channel, and its upcall comes.
    run = gdb(images[64], "pvh", "break pvh_upcall\ncontinue\nxen events\nxen shared-info\n")
    assert re.search(r"^event channel [1-9]\d*: pending$", run.stdout, re.M), run.stdout
    assert re.search(r"^vCPU 0: upcall pending, .*, evtchn_pending_sel 0x1$", run.stdout, re.M)
    assert re.search(r"^  time.tsc_to_system_mul +0x[1-9a-f]", run.stdout, re.M)


PVH32 = """
__asm__(".section .note, \\"a\\", @note\\n.long 4, 4, 18\\n.asciz \\"Xen\\"\\n.long start\\n"
    ".text\\n.globl start\\nstart: mov $stack + 4096, %esp\\npush $0\\ncall outer\\nud2\\n");
char stack[4096];
int __attribute__((noinline)) inner(int n)
{
\t__asm__ volatile("");
\treturn n + 1;
}
void outer(void)
{
\t__asm__ volatile("outl %0, %1" : : "a"(inner(6)), "Nd"((short)0xf4));
}
"""


@pytest.mark.parametrize("qemu", ["qemu-system-x86_64", "qemu-system-i386"])
def test_a_32_bit_pvh_kernel_without_xen(gcc: str, tmp_path: Path, qemu: str) -> None:
    top = tmp_path / "build/i386"
    top.mkdir(parents=True)
    (top / "kernel.c").write_text(PVH32)
    options = "-m32 -g -O1 -ffreestanding -fno-pic -no-pie -nostdlib -static -Wl,-Ttext=0x100000"
    words = [gcc, *options.split(), "-Wl,-e,start,--build-id=none", "-o", "kernel", "kernel.c"]
    subprocess.run(words, cwd=top, check=True)
    script = "xen start-info\nbreak inner\ncontinue\nbacktrace\n"
    os.symlink(TOP / "site_scons", tmp_path / "site_scons")
    run = gdb(top / "kernel", "qemu", script, "--qemu", qemu, "--cmdline", "say hello")
    assert re.search(r"^  magic +0x336ec578$", run.stdout, re.M), run.stdout + run.stderr
    assert re.search(r'^  command line +"say hello"$', run.stdout, re.M)
    assert re.search(r"^#0  inner \(n=.*\) at kernel\.c:8$", run.stdout, re.M)
    # Arguments and callers are correct where the CPU has the kernel's width.
    if qemu.endswith("i386"):
        calls = r"^#0  inner \(n=6\) .*\n#1 .* outer \(\) at kernel\.c:12\n#2 .* start \(\)$"
        assert re.search(calls, run.stdout, re.M), run.stdout


def test_scons_gdb_stops_at_the_entry(images: dict[int, Path]) -> None:
    project = Project(images[64].parents[2])
    options = "-batch -ex 'bt 1'"
    run = project.scons("ARCH=x86_64", "XEN_PVH=1", DEBUG_INFO, "gdb", f"GDB_OPTIONS={options}")
    assert "  GDB     build/x86_64/vmlinux\n" in run.out
    assert re.search(r"^#0 +0x[0-9a-f]+ in startup_xen \(\)$", without_xen(run.out), re.M)
    assert run.out.endswith("build/x86_64/vmlinux: no result came: the debugger ended the run\n")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@pytest.mark.parametrize("place", ["port", "socket"])
def test_boot_prints_the_gdb_command_and_waits_for_gdb(
    images: dict[int, Path], tmp_path: Path, place: str
) -> None:
    where = str(free_port()) if place == "port" else str(tmp_path / "gdb.sock")
    boot = waiting(images[64], where)
    assert boot.stderr
    assert boot.stderr.readline().startswith("xen_tool: the machine waits for gdb; type")
    line = boot.stderr.readline()
    # The command as a user would type it; the guest then runs to its end.
    gdb = subprocess.run(
        [*shlex.split(line), "-batch", "-ex", "continue", "-ex", "bt 1", "-ex", "detach"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert re.search(r"^#0 .* in startup_xen \(\)$", gdb.stdout, re.M), gdb.stdout + gdb.stderr
    output, _ = boot.communicate(timeout=60)
    assert boot.returncode == 0
    assert output.endswith("vmlinux: the guest reported RESULT: PASS\n")
    assert not (tmp_path / "gdb.sock").exists()


def waiting(image: Path, where: str) -> subprocess.Popen[str]:
    words = ["boot", f"--gdb={where}", "--mode", "pv", "--qemu-options", f"-name {where}"]
    return subprocess.Popen(
        [*COMMAND, *words, str(image)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def processes(word: str) -> list[str]:
    """Return the command lines of processes that contain a text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in text:
            found.append(text)
    return found


def test_a_boot_that_waits_is_interrupted(images: dict[int, Path], tmp_path: Path) -> None:
    where = str(tmp_path / "gdb.sock")
    boot = waiting(images[64], where)
    assert boot.stderr
    boot.stderr.readline()
    assert Path(where).exists() and processes(where)
    boot.send_signal(signal.SIGINT)
    _, message = boot.communicate(timeout=20)
    assert boot.returncode == 130
    assert "interrupted" in message
    assert not Path(where).exists()
    assert processes(where) == []


class Terminal:
    """A terminal with `xen-tool gdb`."""

    def __init__(self, image: Path, mark: str, folder: Path) -> None:
        words = ["gdb", str(image), "--mode", "pv", f"--qemu-options=-name {mark}"]
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            inherited = {**environment(), "TERM": "dumb", "TMPDIR": str(folder)}
            os.execve(sys.executable, [*COMMAND, *words], inherited)
        self.output = ""

    def until(self, words: str) -> None:
        """Read until gdb has printed a text."""
        deadline = time.monotonic() + 60
        while words not in without_xen(self.output):
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self._file], [], [], left)[0], self.output
            self.output += os.read(self._file, 4096).decode(errors="replace")

    def type(self, text: str) -> None:
        self.output = ""
        os.write(self._file, text.encode())

    def end(self) -> int:
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self._file)
        return status


def test_ctrl_c_stops_the_guest_and_quit_ends_all(images: dict[int, Path], tmp_path: Path) -> None:
    mark = f"mark-{tmp_path.name}-{os.getpid()}"
    terminal = Terminal(images[64], mark, tmp_path)
    terminal.until("startup_xen")
    terminal.until("(gdb) ")
    # A guest that hangs at its entry, where a breakpoint would be hit by every instruction.
    terminal.type("delete 1\n")
    terminal.until("(gdb) ")
    terminal.type("set var *(short *)$pc = 0xfeeb\n")
    terminal.until("(gdb) ")
    # Ctrl-C may come while Xen runs, as its timer has just interrupted the guest: then try again.
    for _ in range(10):
        terminal.type("continue\n")
        terminal.until("Continuing.")
        time.sleep(0.5)
        terminal.type("\x03")
        terminal.until("received signal SIGINT")
        terminal.until("(gdb) ")
        if " in startup_xen ()" in without_xen(terminal.output):
            break
    else:
        pytest.fail(f"Ctrl-C never stopped the guest at its entry: {terminal.output}")
    assert processes(mark)
    # If the run is killed now, no folder is left.
    assert list(tmp_path.glob("xen-tool-*")) == []
    terminal.type("set confirm off\nquit\n")
    assert terminal.end() == 0
    assert processes(mark) == []
    assert list(tmp_path.glob("xen-tool-*")) == []


def test_a_qemu_that_dies_is_reported(images: dict[int, Path]) -> None:
    run = gdb(images[64], "pv", "", "--qemu-options=-no-such-option")
    assert "-no-such-option: invalid option" in run.stdout
    assert "QEMU ended with status 1" in run.stdout
    # gdb prints this when an answer is late.
    assert "packet error" not in run.stdout
    assert "Traceback" not in run.stderr


def test_without_gdb_it_says_what_to_install(images: dict[int, Path], tmp_path: Path) -> None:
    run = subprocess.run(
        [*COMMAND, "gdb", str(images[64])],
        capture_output=True,
        text=True,
        check=False,
        env={**environment(), "PATH": str(tmp_path)},
    )
    assert run.returncode == 4
    assert "there is no gdb in PATH: install it (on Debian: apt-get install gdb)" in run.stderr
