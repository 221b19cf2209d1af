# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The address for gdb, and Xen's symbols: accepted values, and errors."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from boot.standin import Machine
from xen_tool.boot.boot import boot
from xen_tool.boot.boot_settings import BootSettings
from xen_tool.boot.debugger.gdb_arguments import xen_symbols
from xen_tool.boot.debugger.stub import GdbPlace, by_hand, listening, where
from xen_tool.boot.qemu import find_qemu
from xen_tool.errors import XenToolError


@pytest.mark.parametrize(
    ("text", "target"),
    [("1", "127.0.0.1:1234"), ("2345", "127.0.0.1:2345"), ("./a b", "./a b"), ("/tmp/x", "/tmp/x")],
)
def test_values_of_gdb_name_an_address(text: str, target: str) -> None:
    place = BootSettings.parse({"gdb": text}).gdb
    assert place and place.target == target


@pytest.mark.parametrize(
    "text", ["x", "0", "80", "65536", "-1", "1234 ", "\u0661\u0662\u0663\u0664", "a.sock"]
)
def test_wrong_values_of_gdb_are_errors(text: str) -> None:
    with pytest.raises(XenToolError) as error:
        where(text)
    assert str(error.value).startswith(f"GDB={text}: GDB is 1 (the port 1234), a port from 1024")


def test_a_path_that_is_too_long() -> None:
    with pytest.raises(XenToolError, match="the path of a socket has at most 107 bytes"):
        where("/" + "x" * 107)


def test_a_port_in_use() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(XenToolError) as error, listening(where(str(port))):
            pass
    words = f"cannot listen for gdb at 127.0.0.1:{port}: Address already in use; name another"
    assert str(error.value).startswith(words)


def test_an_existing_file_at_the_path_is_not_replaced(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    with (
        pytest.raises(XenToolError, match="Address already in use; name another"),
        listening(where(str(taken))),
    ):
        pass
    assert taken.read_text() == "mine"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(XenToolError, match="No such file or directory"),
        listening(where(f"{tmp_path}/none/gdb")),
    ):
        pass


def test_a_path_is_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "gdb"
    with listening(where(str(path))):
        assert path.is_socket()
    assert not path.exists()


@pytest.mark.usefixtures("xen_under_qemu")
def test_a_machine_started_by_hand_waits_at_the_same_place(tmp_path: Path) -> None:
    port = socket.create_server(("127.0.0.1", 0))
    number = str(port.getsockname()[1])
    port.close()
    for place in (where(f"{tmp_path}/a, b"), where(number)):
        words = [*find_qemu(None, print), *("-display", "none", "-nodefaults"), *by_hand(place)]
        with subprocess.Popen(words) as qemu:
            try:
                with reached(place) as gdb:
                    gdb.sendall(b"$?#3f")
                    assert gdb.recv(2, socket.MSG_WAITALL) == b"+$"
            finally:
                qemu.kill()


def reached(place: GdbPlace) -> socket.socket:
    """Connect to a place as soon as a program listens there."""
    for _ in range(300):
        gdb = socket.socket(socket.AF_UNIX if place.path else socket.AF_INET)
        try:
            gdb.connect(place.path or ("127.0.0.1", place.port))
        except OSError:
            gdb.close()
            time.sleep(0.1)
        else:
            return gdb
    raise TimeoutError(place.target)


@pytest.mark.parametrize("setting", ["record", "dump"])
def test_no_device_or_folder_is_replaced(tmp_path: Path, setting: str) -> None:
    machine = Machine(tmp_path)
    machine.program("sys.exit(1)")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, kind in ((pipe, "a device or a pipe"), (tmp_path, "a folder")):
        with pytest.raises(XenToolError, match=f"{path}: is {kind}; name a file"):
            boot(
                machine.image,
                qemu=str(machine.qemu),
                xen=str(machine.xen),
                cpus=1,
                settings=BootSettings.parse({setting: path}),
            )
    assert pipe.is_fifo()
    assert not machine.pid.exists()


@pytest.mark.parametrize(
    "place", ["boot/xen-syms", "boot/xen-syms-4.17-amd64", "usr/lib/debug/boot/xen-syms-4.17-amd64"]
)
def test_xens_symbols_are_found_by_its_build_id(tmp_path: Path, gcc: str, place: str) -> None:
    symbols = tmp_path / place
    symbols.parent.mkdir(parents=True, exist_ok=True)
    options = ["-x", "c", "-", "-nostdlib", "-static", "-Wl,--build-id=0x1234567890abcdef", "-o"]
    command = [gcc, *options, str(symbols)]
    subprocess.run(command, input="void _start(void) {}", text=True, check=True)
    hypervisor = tmp_path / "boot/xen-4.17-amd64.gz"
    note = b"\x04\0\0\0\x08\0\0\0\x03\0\0\0GNU\0" + bytes.fromhex("1234567890abcdef")
    assert xen_symbols(hypervisor, b"code" + note + b"code", "4.17") == symbols
    # A file of symbols with another build ID must not be taken.
    assert xen_symbols(hypervisor, b"code" + note[:-1] + b"\0", "4.17") is None
    symbols.write_text("no ELF file")
    assert xen_symbols(hypervisor, note, "4.17") is None
