# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Machine code and its relocated fields; head/ holds all of it against GNU as."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from objects import meaning
from xen_tool.elf.assembler import Field, Instruction, Jump, LocalLabel, assemble
from xen_tool.errors import XenToolError


def test_a_symbol_is_a_zeroed_field() -> None:
    assembled = assemble(
        [Instruction("cld"), Instruction("movq ${}, %rsp", "stack", 0x4000)], bits=64
    )
    assert assembled.code == bytes.fromhex("fc48c7c400000000")
    assert assembled.fields == [Field(4, "stack", 0x4000, pc_relative=False)]


def test_a_jump_counts_from_its_end() -> None:
    assembled = assemble([Instruction("jmp {}", "there")], bits=32)
    assert assembled.code == bytes.fromhex("e900000000")
    assert assembled.fields == [Field(1, "there", -4, pc_relative=True)]


@pytest.mark.parametrize("size", [0, 126, 127, 128, 300])
def test_jumps_to_labels_are_gnu_ass(size: int, tmp_path: Path, gnu_as: str) -> None:
    program: list[Instruction | Jump | LocalLabel] = [
        LocalLabel(".Lback"),
        Jump("jne {}", ".Lahead"),
        *[Instruction("nop")] * size,
        Jump("call {}", ".Lahead"),
        LocalLabel(".Lahead"),
        Jump("jmp {}", ".Lback"),
    ]
    assembled = assemble(program, bits=32)
    source, target = tmp_path / "jumps.S", tmp_path / "jumps.o"
    source.write_text(
        f".Lback: jne .Lahead; .rept {size}; nop; .endr; call .Lahead; .Lahead: jmp .Lback\n"
    )
    subprocess.run([gnu_as, "--32", "-o", str(target), str(source)], check=True)
    assert assembled.fields == []
    assert assembled.labels == {".Lback": 0, ".Lahead": assembled.code.index(b"\xe8") + 5}
    assert meaning(target.read_bytes())["sections"][".text"][3] == assembled.code


def test_a_jump_to_no_label_is_an_error() -> None:
    with pytest.raises(XenToolError, match=r"no label \.Lnowhere"):
        assemble([Jump("jmp {}", ".Lnowhere")], bits=64)


@pytest.mark.parametrize("text", ["frobnicate %rax", "movq $0x1", ".section .text", ""])
def test_what_keystone_does_not_take_is_an_error(text: str) -> None:
    with pytest.raises(XenToolError, match="assembler"):
        assemble([Instruction(text)], bits=64)


def test_a_symbol_without_a_field_is_an_error() -> None:
    with pytest.raises(XenToolError, match="no 32-bit field"):
        assemble([Instruction("cld", "nowhere")], bits=64)


def test_threads_do_not_disturb_each_other() -> None:
    program = [Instruction("movq ${}, %rsp", "stack"), Instruction("jmp {}", "start")] * 5
    expected = assemble(program, bits=64)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(assemble(program, bits=64)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 8
