# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Build with other values of symbols (NAME=value) without SCons.

The reading of the same command line without NAME=value says how the configuration is made, and
of which symbols the SConscripts read the values.  If these symbols keep their values, the
SConscripts would describe the same steps: only the step CONFIG is replaced.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..build import stored
from ..build.contents import digest
from ..config.configuration import Configuration, read
from ..errors import XenToolError
from ..functions import configuration_step
from ..light import NamedTuple
from . import reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..build.plan import Plan

HINT = "boot it on Xen with: "
"""The text before the command in the closing line of a build.  A derived reading adds its settings
to the end of that line."""


class Described(NamedTuple):
    """How XenConfigure made a configuration: the arguments of config.configuration.read()."""

    kconfig: str
    srctree: str
    saved_config: str
    defconfig: str
    arch: str
    variables: dict[str, str]
    others: tuple[str, ...] = ()
    """Names of settings that are no symbols."""
    read: Mapping[str, str] = {}
    """The values of the symbols that the SConscripts read, by name."""

    def packed(self) -> list[str] | None:
        """Return the fields as texts, for a file; None if a name or value has a line break."""
        parts = (_pairs(self.variables), list(self.others), _pairs(self.read))
        if any("\n" in line for part in parts for line in part):
            return None
        return [*self[:5], *map("\n".join, parts)]

    @classmethod
    def unpacked(cls, fields: Sequence[str]) -> Described:
        """Return the Described from the result of its packed()."""
        kconfig, srctree, saved, defconfig, arch, *texts = fields
        variables, others, values = (text.split("\n") if text else [] for text in texts)
        return cls(
            *(kconfig, srctree, saved, defconfig, arch),
            _dict(variables),
            tuple(others),
            _dict(values),
        )

    def configuration(self, settings: Mapping[str, str]) -> Configuration | None:
        """Return the configuration with these settings (values by symbols).

        Returns None if SCons is needed: to print an error, a note or a warning, for a setting that
        is no symbol, or because a symbol that the SConscripts read gets another value.
        """
        if not settings.keys().isdisjoint(self.others):
            return None
        try:
            made = read(
                Path(self.kconfig),
                srctree=Path(self.srctree),
                saved_config=Path(self.saved_config),
                defconfig=self.defconfig or None,
                arch=self.arch or None,
                settings=settings,
                variables=self.variables,
                others=self.others,
            )
        except XenToolError:
            return None
        is_same = all(made.values.get(name) == value for name, value in self.read.items())
        return made if is_same and not (made.notes or made.warnings) else None


def _pairs(values: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in values.items()]


def _dict(pairs: Sequence[str]) -> dict[str, str]:
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


class _Plan(reading.StoredPlan):
    """The plan of a reading, with the symbols and the step CONFIG of another configuration."""

    def __init__(self, base: reading.StoredPlan, file: str, configuration: Configuration) -> None:
        request = "\n".join([base.mark, *_pairs(configuration.values)])
        mark = digest(request.encode("utf-8", "surrogateescape"))
        super().__init__(file, base.folder, "\n".join(base.targets), mark)
        self._base = base
        self._configuration = configuration

    def read(self) -> Plan | None:
        """Return the plan; None if that of the reading cannot be read."""
        plan = self._base.read()
        if plan is None:
            return None
        made = self._configuration
        plan.symbols = made.values
        step = configuration_step(plan.folder, made.values, made.dotconfig, made.autoconf)
        plan.steps.update(dict.fromkeys(step.outputs, step))
        return plan


class Derived(reading.Reading):
    """A reading that was derived from another one; it is stored if its build succeeds."""

    place = key = ""

    def store(self) -> None:
        """Store the reading and its plans, as after a run of SCons."""
        rows: list[str] = []
        for plan in self.plans:
            steps = plan.read()
            if steps is None:
                return
            stored.write(plan.file, steps)
            rows += [plan.file, plan.folder, "\n".join(plan.targets), plan.mark]
        files = [text for row in self.files for text in row]
        reading.save(self.place, self.key, self.header, rows, files)


def derived(arguments: Sequence[str]) -> reading.Reading | None:
    """Return the reading for a command line with settings; None if SCons is needed."""
    words = [word for word in arguments if _is_setting(word)]
    names = [word.partition("=")[0] for word in words]
    base_key = reading.key([word for word in arguments if not _is_setting(word)])
    base = reading.load(reading.place(base_key), base_key)
    if base is None or not base.described or base.error_output or len(set(names)) < len(names):
        return None
    if not base.is_valid():
        return None
    # The folder of kconfiglib.
    sys.path.append(base.described[0])
    configuration = Described.unpacked(base.described[1:]).configuration(_dict(words))
    if configuration is None:
        return None
    key = reading.key(arguments)
    place = reading.place(key)
    plans = [
        _Plan(plan, f"{place}.{number}", configuration) for number, plan in enumerate(base.plans)
    ]
    made = Derived([*base.header[:-1], _closing(base.closing, words)], plans, base.files)
    made.key, made.place = key, place
    return made


def _closing(text: str, words: Sequence[str]) -> str:
    """Return the closing lines, with the words added to the command for a boot."""
    if HINT not in text:
        return text
    import shlex

    lines = text.splitlines()
    more = f" {shlex.join(words)}"
    return "".join(f"{line}{more if HINT in line else ''}\n" for line in lines)


def _is_setting(word: str) -> bool:
    """Whether a word of a command line is NAME=value."""
    name, is_set, _ = word.partition("=")
    return bool(is_set) and name.isidentifier()
