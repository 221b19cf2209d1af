# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Parse and check what a user sets for a boot besides the mode: for the guest, Xen, QEMU and gdb.

The names are the same everywhere: CMDLINE= of SCons, cmdline= of env.XenBoot(), --cmdline of
xen-tool boot.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import XenToolError
from .debugger.stub import GdbPlace, where
from .modes import Mode, Place
from .result import protocols
from .result.protocols import NO_PATTERNS, Patterns, Protocol

WORDS = {
    "cmdline": "the guest's command line",
    "mem": "MiB of memory: the machine's, or a domU's own (the mode's)",
    "module": "files for the guest, such as an initrd: FILE [WORDS], separated by commas",
    "xen_options": "more options for Xen's command line",
    "domain": "lines of xl.cfg(5) for a domU, separated by semicolons; they override others",
    "qemu_options": "more options for QEMU; they override others",
    "protocol": f"how the guest reports: {protocols.listed()} (recognized by what it prints)",
    "pass_regex": "the guest passes with a line that this matches; for guests of no protocol",
    "fail_regex": "the guest fails with a line that this matches",
    "gdb": "start stopped, and wait for gdb: 1 (port 1234), a port, or a socket's path",
    "gdb_options": "more options for gdb, if it is started as well",
    "record": "a file to record the run in",
    "dump": "a file for the memory of a guest that failed, for gdb",
    "replay": "a file in which a run was recorded; runs it again, backwards too with gdb",
}
"""The names of the settings, each with its description for users."""


class Module(NamedTuple):
    """A file for the guest, such as an initrd."""

    path: str
    words: str
    """The module's command line: what follows the path.  Only a dom0 may have one."""


class BootSettings(NamedTuple):
    """The settings of one boot, parsed; WORDS describes them.  A text that is not set is ""."""

    cmdline: str = ""
    mem: int | None = None
    modules: tuple[Module, ...] = ()
    xen_options: str = ""
    domain: str = ""
    qemu_options: str = ""
    protocol: Protocol | None = None
    patterns: Patterns = NO_PATTERNS
    gdb: GdbPlace | None = None
    gdb_options: str = ""
    record: str = ""
    replay: str = ""
    dump: str = ""

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> BootSettings:
        """Return the settings with these values, by their names in WORDS; None means unset.

        Raises XenToolError for a name that is not in WORDS, or a value that is not valid.
        """
        texts = {name: str(value) for name, value in values.items() if value is not None}
        _check(texts)
        modules = [text.strip().partition(" ") for text in texts.get("module", "").split(",")]
        return cls(
            texts.get("cmdline", ""),
            int(texts["mem"]) if "mem" in texts else None,
            tuple(Module(path, words.strip()) for path, _, words in modules if path),
            texts.get("xen_options", ""),
            texts.get("domain", ""),
            texts.get("qemu_options", ""),
            protocols.named(texts["protocol"]) if "protocol" in texts else None,
            Patterns(*(_pattern(texts, name) for name in ("pass_regex", "fail_regex"))),
            where(texts["gdb"]) if "gdb" in texts else None,
            texts.get("gdb_options", ""),
            texts.get("record", ""),
            texts.get("replay", ""),
            texts.get("dump", ""),
        )

    @property
    def qemu_words(self) -> list[str]:
        """The options for QEMU as words."""
        return shlex.split(self.qemu_options)

    @property
    def gdb_words(self) -> list[str]:
        """The options for gdb as words."""
        return shlex.split(self.gdb_options)

    @property
    def set_of_domain(self) -> set[str]:
        """The names that the lines of `domain` set, such as "memory"."""
        return set(re.findall(r"(?:^|[;\n])\s*(\w+)\s*=", self.domain))

    @property
    def is_recorded(self) -> bool:
        """Whether the run is recorded or replayed."""
        return bool(self.record or self.replay)

    @property
    def is_debugged(self) -> bool:
        """Whether the run needs debugger/aids.py: for gdb, a recording, a replay or a dump."""
        return bool(self.gdb or self.is_recorded or self.dump)

    def check(self, mode: Mode) -> None:
        """Raise XenToolError if a setting does not apply to this mode."""
        if self.is_recorded and mode.is_nested:
            raise XenToolError(
                f"a run in the mode {mode.name} cannot be replayed: QEMU's replay diverges "
                "where Xen runs a guest by AMD-V; record another mode, such as MODE=pv or MODE=qemu"
            )
        if self.domain and mode.place is not Place.DOMU:
            raise XenToolError(f"DOMAIN is for a domU, and not for the mode {mode.name}")
        if self.xen_options and mode.place is Place.KERNEL:
            raise XenToolError(f"XEN_OPTIONS is for Xen, which the mode {mode.name} does without")
        if mode.place is not Place.DOM0 and (
            len(self.modules) > 1 or any(module.words for module in self.modules)
        ):
            raise XenToolError(f"in the mode {mode.name} a guest gets one MODULE, without words")


DEFAULTS = BootSettings()


def _check(texts: Mapping[str, str]) -> None:
    """Raise XenToolError for an unknown name, or a value that is not valid in any mode."""
    for name, text in texts.items():
        if name not in WORDS:
            raise XenToolError(f"a boot has no setting {name}; its settings are {', '.join(WORDS)}")
        if "\n" in text and name != "domain":
            raise XenToolError(f"{name.upper()} must be one line")
    for name in ("qemu_options", "gdb_options"):
        try:
            shlex.split(texts.get(name, ""))
        except ValueError as error:
            raise XenToolError(f"{name.upper()} is not part of a command line: {error}") from error
    if "protocol" in texts and "pass_regex" in texts:
        raise XenToolError("PASS_REGEX replaces the protocol: leave PROTOCOL out")
    if "record" in texts and "replay" in texts:
        raise XenToolError("a run is recorded or replayed: give RECORD or REPLAY, not both")
    if not re.fullmatch(r"[1-9][0-9]{0,6}", mem := texts.get("mem", "1"), re.ASCII):
        raise XenToolError(f"MEM={mem}: MEM is a number of MiB above 0")


def _pattern(texts: Mapping[str, str], name: str) -> re.Pattern[str] | None:
    if name not in texts:
        return None
    text, called = texts[name], name.upper()
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise XenToolError(f"{called}={text} is no regular expression: {error}") from error
    if pattern.search(""):
        raise XenToolError(f"{called}={text} matches every line: write text of this line only")
    return pattern
