# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Parse the bytes of a console into text, control characters, escape sequences and strings.

The states are those of a VT100's parser, as in xterm and Linux's console (ECMA-48): a control
character is executed in the middle of a sequence too, CAN and SUB end a sequence, and ESC begins
a new one.  The parser keeps only the sequence that has begun, so the result does not depend on
how the bytes are split between calls.
"""

from __future__ import annotations

import codecs
import re
from abc import ABC, abstractmethod
from collections.abc import Callable

# A byte that is not UTF-8 is shown as U+FFFD, but a terminal of 8-bit characters executes these:
# NEL, CSI, ST and OSC.  Others of its control characters are letters in code pages of the PC.
_EIGHT_BIT = b"\x85\x9b\x9c\x9d"

_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
_PLAIN_LINE = re.compile(r"([\x20-\x7e]*)\r{0,2}\n")

_PALETTE = re.compile(r"^P[0-9A-Fa-f]{7}")
"""A string of Linux's console, which ends it after these characters; others hide what follows."""
_CANCEL = "\x18\x1a"
_END_OF_STRING = "\a\x9c" + _CANCEL
_MAX_PARAMETERS = 32
_MAX_PARAMETER = 9999
_MAX_PRIVATE = 4
_MAX_HIDDEN = 4096


class Parser(ABC):
    """Accept bytes by feed(), and call the abstract methods with what they mean."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(_ERRORS)
        self._state: Callable[[str], None] | None = None
        """The function for the next character; None outside of sequences and strings."""
        self._parameters = [0]
        self._private = ""
        self._hidden = ""
        self._end = _END_OF_STRING
        """The characters that end the string."""

    def feed(self, data: bytes) -> None:
        """Parse the next bytes."""
        text = self._decoder.decode(data)
        at = 0
        while at < len(text):
            if self._state:
                self._state(text[at])
                at += 1
            elif (line := _PLAIN_LINE.match(text, at)) and self.line(line[1]):
                at = line.end()
            elif run := _TEXT.match(text, at):
                self.write(run[0])
                at = run.end()
            else:
                self._ground(text[at])
                at += 1

    @abstractmethod
    def line(self, text: str) -> bool:
        """Accept a whole line of ASCII; return False to get it by write() and control()."""

    @abstractmethod
    def write(self, text: str) -> None:
        """Accept text without control characters."""

    @abstractmethod
    def control(self, character: str) -> None:
        """Accept a control character that does not begin a sequence."""

    @abstractmethod
    def escape(self, sequence: str) -> None:
        """Accept the characters after ESC: one, or an intermediate one and one, such as "(0"."""

    @abstractmethod
    def command(self, final: str, parameters: list[int]) -> None:
        """Accept a control sequence; there is at least one parameter, and a missing one is 0.

        final: the final character, behind the private and intermediate ones, as in "?h".
        """

    @abstractmethod
    def hidden(self, text: str) -> None:
        """Accept a line of a string that terminals hide, such as a window's title."""

    def _ground(self, character: str) -> None:
        if character == "\x1b":
            self._state = self._escape
        elif "\x80" <= character <= "\x9f":
            self._escape(chr(ord(character) - 0x40))  # short for ESC and this character
        else:
            self.control(character)

    def _escape(self, character: str) -> None:
        self._state = None
        if character == "[":
            self._begin_sequence()
        elif character in "]PX^_":
            # BEL ends only a string such as a title (OSC).
            self._end = _END_OF_STRING if character == "]" else _END_OF_STRING[1:]
            self._state = self._string
        elif " " <= character <= "/":
            self._private = character
            self._state = self._intermediate
        elif character == "\x1b":
            self._state = self._escape
        elif character >= " ":
            self.escape(character)
        elif character not in _CANCEL:
            self.control(character)
            self._state = self._escape

    def _intermediate(self, character: str) -> None:
        if " " <= character <= "/":
            self._add_private(character)
        elif character == "\x1b":
            self._state = self._escape
        elif character < " " and character not in _CANCEL:
            self.control(character)
        else:
            self._state = None
            if character not in _CANCEL:
                self.escape(self._private + character)

    def _add_private(self, character: str) -> None:
        self._private = (self._private + character)[:_MAX_PRIVATE]

    def _string(self, character: str) -> None:
        ends = character == "\x1b" or character in self._end
        if ends or character in "\a\n" or len(self._hidden) >= _MAX_HIDDEN:
            self.hidden(_PALETTE.sub("", self._hidden))
            self._hidden = ""
        if ends:
            self._state = self._escape if character == "\x1b" else None
        elif character.isprintable():
            self._hidden += character

    def _begin_sequence(self) -> None:
        self._parameters = [0]
        self._private = ""
        self._state = self._sequence

    def _sequence(self, character: str) -> None:
        if character.isascii() and character.isdigit():
            value = self._parameters[-1] * 10 + int(character)
            self._parameters[-1] = min(value, _MAX_PARAMETER)
        elif character == ";":
            if len(self._parameters) < _MAX_PARAMETERS:
                self._parameters.append(0)
        elif character == ":":
            # What follows is a part of the parameter, which is none that matters.
            self._parameters[-1] = _MAX_PARAMETER
        elif " " <= character <= "?":
            self._add_private(character)
        elif character == "\x1b":
            self._state = self._escape
        elif character < " " and character not in _CANCEL:
            self.control(character)
        else:
            self._state = None
            self.command(self._private + character, self._parameters)


def _control_or_replacement(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    bad = error.object[error.start : error.end]
    return (chr(bad[0]) if bad in _EIGHT_BIT else "\N{REPLACEMENT CHARACTER}"), error.end


_ERRORS = "xen-tool-console"
codecs.register_error(_ERRORS, _control_or_replacement)
