# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A row of the rules as data: who applies it, when it holds, what is printed, what to change.

The modules beside this one hold Rules in the order in which a loader comes to
them.  A condition is a function of the Subject that returns None while all is
well, and else the Fields of the rule's texts: message and fix are format
strings of them, and the field "where" names the note, segment or header field
at fault.  One letter names the rows of one function of a loader; several Rules
may share an id, where loaders or releases differ in their words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from ...light import NamedTuple
from ..model.releases import Change, Xen
from ..model.subject import Subject

Fields = Mapping[str, object]
Condition = Callable[[Subject], Fields | None]


class Effect(Enum):
    """What follows when a rule's condition holds."""

    REFUSED = "the loader refuses the image"
    ERROR = "the loader accepts the image, but the guest cannot run"
    WARNING = "the loader accepts the image; the guest may not run, or it depends on the machine"


class Probe(Enum):
    """What a loader finds out before it takes a file for its own.

    libxenguest probes without a log, so a rule's words are lost there; what it does
    next, rules/libxenguest/probing.py says.
    """

    FILE = "whether there is an ELF file, perhaps in a container"
    KERNEL = "whether the ELF file is a kernel for Xen"


class Finding(NamedTuple):
    """What was found of one rule, in words."""

    id: str
    message: str
    """The loader's words; where it has none, what is the matter."""
    fix: str
    """What to change in the source, the linker script or the configuration."""
    where: str = ""
    """The note, segment or header field at fault, its value and its place in the file."""
    reason: str = ""
    """What the loader found, where it keeps that to itself."""


class Rule(NamedTuple):
    """A row of the rules."""

    id: str
    loaders: tuple[str, ...]
    condition: Condition
    message: str
    fix: str
    effect: Effect = Effect.REFUSED
    since: Change | None = None
    """With what the rule came; None: every release has it."""
    before: Change | None = None
    """With what it went; None: the newest release still has it."""
    last: bool = False
    """Whether the loader is done with the image here, even if it takes it."""
    probe: Probe | None = None
    """Of which question it is a part; None: the loader has taken the file for its own."""
    source: str = ""
    """Where it was read: a file and a function of Xen 4.22.0, unless it says QEMU, whose 7.2,
    or names another project with its release."""
    live: bool = False
    """Whether a test asks the real loader about it; else it is known from the source alone."""

    @property
    def condition_in_words(self) -> str:
        """When it holds: the first line of the condition's docstring."""
        return (self.condition.__doc__ or "").partition("\n")[0]

    def concerns(self, xen: Xen) -> bool:
        """Whether the loaders of this Xen apply the rule."""
        return (self.since is None or xen.has(self.since)) and (
            self.before is None or not xen.has(self.before)
        )

    def apply(self, subject: Subject) -> Finding | None:
        """What the rule finds; None if its condition does not hold."""
        fields = self.condition(subject)
        if fields is None:
            return None
        where = str(fields.get("where", ""))
        return Finding(self.id, self.message.format_map(fields), self.fix.format_map(fields), where)


def of(loader: str, *tables: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rows that a loader applies, of tables that it shares with others."""
    return tuple(rule for table in tables for rule in table if loader in rule.loaders)
