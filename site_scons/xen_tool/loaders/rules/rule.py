# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The class Rule: loaders, condition, message and fix of a rule, as data.

The other modules list Rules in the order in which a loader checks them.  A condition is a function
of the Candidate that returns None if the image is correct, else the Fields of the rule's texts:
message and fix are format strings of them, and the field "where" names the note, segment or header
field at fault.  The first line of a condition's docstring states when it holds; `xen-tool explain`
prints it.  The letter of an id stands for one function of a loader; several Rules have the same id
if what is wrong, or what loaders or releases print, is not the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from ...light import NamedTuple
from ..model.candidate import Candidate
from ..model.releases import Change, Xen

Fields = Mapping[str, object]
Condition = Callable[[Candidate], Fields | None]


class Effect(Enum):
    """The effect of a rule whose condition holds."""

    REFUSED = "the loader refuses the image"
    ERROR = "the loader accepts the image, but the guest cannot run"
    WARNING = "the loader accepts the image; the guest may not run, or it depends on the machine"


class Probe(Enum):
    """A question about a file that a loader answers before it accepts the file.

    libxenguest probes without a log, so it does not print the message of such a rule;
    libxenguest/probing.py has the rules of what it does next.
    """

    FILE = "whether there is an ELF file, perhaps in a container"
    KERNEL = "whether the ELF file is a kernel for Xen"


class Finding(NamedTuple):
    """A rule whose condition holds for an image, with its texts filled in."""

    id: str
    message: str
    """The message of the loader; if it prints none, a description of the problem."""
    fix: str
    """What to change in the source, the linker script or the configuration."""
    where: str = ""
    """The note, segment or header field at fault, its value and its place in the file."""
    reason: str = ""
    """The reason that the loader found but does not print."""


class Rule(NamedTuple):
    """A rule of some loaders: what it looks for in an image, and what it says of that."""

    id: str
    loaders: tuple[str, ...]
    condition: Condition
    message: str
    """Empty if Xen prints nothing but its panic."""
    fix: str
    """Empty if libxenguest applies the rule after a refusal by libelf, which has the fix."""
    effect: Effect = Effect.REFUSED
    since: Change | None = None
    """The change of Xen that added the rule; None: every release has it."""
    before: Change | None = None
    """The change of Xen that removed the rule; None: the newest release has it."""
    last: bool = False
    """Whether the loader checks nothing after this rule, even if it accepts the image."""
    probe: Probe | None = None
    """The probe that fails if the condition holds; None: the rule is not part of a probe."""
    source: str = ""
    """The source of the rule: a file and a function of the newest release of Xen in releases.py;
    of QEMU 7.2 if it begins with QEMU; of another project if it begins with that and a release."""
    live: bool = False
    """Whether a test runs the real loader; False: the rule is known from the source alone."""

    @property
    def condition_in_words(self) -> str:
        """Return the first line of the condition's docstring, which states when the rule holds."""
        return (self.condition.__doc__ or "").partition("\n")[0]

    def concerns(self, xen: Xen) -> bool:
        """Whether the loaders of this Xen apply the rule."""
        return (self.since is None or xen.has(self.since)) and (
            self.before is None or not xen.has(self.before)
        )

    def apply(self, candidate: Candidate) -> Finding | None:
        """Return the finding; None: the condition does not hold."""
        fields = self.condition(candidate)
        if fields is None:
            return None
        where = str(fields.get("where", ""))
        return Finding(self.id, self.message.format_map(fields), self.fix.format_map(fields), where)


def of(loader: str, *tables: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules of a loader from tables that several loaders share, in their order."""
    return tuple(rule for table in tables for rule in table if loader in rule.loaders)
