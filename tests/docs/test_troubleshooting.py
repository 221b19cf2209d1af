# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""docs/troubleshooting.md: its messages are those of the code, and its commands exist."""

from __future__ import annotations

import re

import pytest

from project import TOP
from xen_tool.cli import COMMANDS
from xen_tool.scons.settings import RESERVED

pytestmark = pytest.mark.unit

_TEXT = (TOP / "docs/troubleshooting.md").read_text()
_ROWS = [
    cells
    for line in _TEXT.splitlines()
    if len(cells := line.strip("|").split("|")) == 3 and "`" in line
]


def _quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_the_messages_are_those_of_the_code() -> None:
    files = [TOP / "sconsw", *(TOP / "site_scons").rglob("*.py")]
    # Adjacent literals are one text.
    code = re.sub(r'"\s*\\?\s*f?"', "", "".join(path.read_text() for path in files))
    messages = [message for what, _, _ in _ROWS for message in _quoted(what)]
    assert len(messages) > 15
    assert [message for message in messages if message not in code] == []


def test_the_commands_and_settings_exist() -> None:
    scons = TOP / "site_scons/xen_tool/scons"
    usage, kernel = ((scons / name).read_text() for name in ("usage.py", "kernel.py"))
    for _, _, type_this in _ROWS:
        for command in _quoted(type_this):
            for name in re.findall(r"\b([A-Z]{2,})=", command):
                assert name in RESERVED or name in ("NAME", "PIP"), command
            match command.split():
                case ["xen-tool", word, *_]:
                    assert word in COMMANDS, command
                case ["scons" | "./sconsw", word, *_] if word[0].isalpha():
                    assert f"scons {word}" in usage or f'"{word}{{ending}}"' in kernel, command
