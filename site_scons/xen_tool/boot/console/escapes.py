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

# A byte that is not UTF-8 becomes U+FFFD, except for these 8-bit control characters: NEL, CSI, ST
# and OSC.  The other ones from 0x80 to 0x9f are letters in code pages of the PC.
_EIGHT_BIT = b"\x85\x9b\x9c\x9d"

_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
_PLAIN_LINE = re.compile(r"([\x20-\x7e]*)\r{0,2}\n")

_PALETTE = re.compile(r"^P[0-9A-Fa-f]{7}")
"""The start of the string by which Linux's console sets a colour (ESC ] P).  There the text after
it is visible, while other terminals hide all until the end of a string."""
_CANCEL = "\x18\x1a"
_END_OF_STRING = "\a\x9c" + _CANCEL
_MAX_PARAMETERS = 32
_MAX_PARAMETER = 9999
_MAX_PREFIX = 4
_MAX_HIDDEN = 4096


class Parser(ABC):
    """Accept bytes by feed(), and call the abstract methods with what they mean."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(_ERRORS)
        self._state: Callable[[str], None] | None = None
        """The function for the next character; None outside of sequences and strings."""
        self._parameters = [0]
        self._prefix = ""
        """The private and intermediate characters of the sequence."""
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
        """Accept the characters after ESC: the final one, after intermediate ones if any: "(0"."""

    @abstractmethod
    def command(self, final: str, parameters: list[int]) -> None:
        """Accept a control sequence.

        final: the final character, after private and intermediate ones, if any, as in "?h".
        parameters: at least one; a missing one is 0.
        """

    @abstractmethod
    def hidden(self, text: str) -> None:
        """Accept a line of a string that terminals hide, such as a window's title."""

    # The states: each takes the next character, and sets the state after it.

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
            self._prefix = character
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
            self._add_prefix(character)
        elif character == "\x1b":
            self._state = self._escape
        elif character < " " and character not in _CANCEL:
            self.control(character)
        else:
            self._state = None
            if character not in _CANCEL:
                self.escape(self._prefix + character)

    def _add_prefix(self, character: str) -> None:
        self._prefix = (self._prefix + character)[:_MAX_PREFIX]

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
        self._prefix = ""
        self._state = self._sequence

    def _sequence(self, character: str) -> None:
        if character.isascii() and character.isdigit():
            value = self._parameters[-1] * 10 + int(character)
            self._parameters[-1] = min(value, _MAX_PARAMETER)
        elif character == ";":
            if len(self._parameters) < _MAX_PARAMETERS:
                self._parameters.append(0)
        elif character == ":":
            # A parameter with parts, as in "38:5:1", is replaced by one that has no meaning.
            self._parameters[-1] = _MAX_PARAMETER
        elif " " <= character <= "?":
            self._add_prefix(character)
        elif character == "\x1b":
            self._state = self._escape
        elif character < " " and character not in _CANCEL:
            self.control(character)
        else:
            self._state = None
            self.command(self._prefix + character, self._parameters)


def _control_or_replacement(error: UnicodeError) -> tuple[str, int]:
    """Return what replaces bytes that are not UTF-8, and where to go on (an error handler)."""
    assert isinstance(error, UnicodeDecodeError)
    bad = error.object[error.start : error.end]
    return (chr(bad[0]) if bad in _EIGHT_BIT else "\N{REPLACEMENT CHARACTER}"), error.end


_ERRORS = "xen-tool-console"
codecs.register_error(_ERRORS, _control_or_replacement)
