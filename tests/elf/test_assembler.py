# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Machine code and its relocated fields; head/ holds all of it against GNU as."""

from __future__ import annotations

import threading

import pytest

from xen_tool.elf.assembler import Field, Instruction, assemble
from xen_tool.errors import XenToolError


def test_a_symbol_is_a_zeroed_field() -> None:
    code, fields = assemble(
        [Instruction("cld"), Instruction("movq ${}, %rsp", "stack", 0x4000)], bits=64
    )
    assert code == bytes.fromhex("fc48c7c400000000")
    assert fields == [Field(4, "stack", 0x4000, pc_relative=False)]


def test_a_jump_counts_from_its_end() -> None:
    assert assemble([Instruction("jmp {}", "there")], bits=32) == (
        bytes.fromhex("e900000000"),
        [Field(1, "there", -4, pc_relative=True)],
    )


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
