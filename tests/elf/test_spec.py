# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Names of the ELF specification's numbers, against pyelftools."""

from __future__ import annotations

from elftools.elf.constants import P_FLAGS
from elftools.elf.enums import ENUM_P_TYPE_BASE

from xen_tool.elf import spec


def test_names_of_segment_types() -> None:
    assert {name: ENUM_P_TYPE_BASE[name] for name in spec.PT_NAMES.values()} == {
        name: p_type for p_type, name in spec.PT_NAMES.items()
    }


def test_letters_of_segment_flags() -> None:
    flags = {letter: flag for flag, letter in spec.PF_LETTERS.items()}
    assert flags == {"r": P_FLAGS.PF_R, "w": P_FLAGS.PF_W, "x": P_FLAGS.PF_X}
    assert "".join(flags) == "rwx"
