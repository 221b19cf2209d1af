# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The configuration of one build: the effective value of every symbol, and its files.

read() makes a Configuration from the Kconfig files, the saved .config and NAME=value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..abi import ARCHES, X86_64, Arch
from ..errors import XenToolError
from . import saved
from .assignments import Assignment, from_settings, origins
from .explain.reasons import origin
from .language.kconf import Kconfig, read_kconfig, refuse
from .language.problems import unmet
from .overrides import apply
from .texts import autoconf_text, config_text


@dataclass(frozen=True)
class Configuration:
    """The configuration of one build, as read() returns it."""

    arch: Arch
    values: Mapping[str, str]
    """Values by name, as Kconfig writes them: y, m, n, a number or a string; "" if not set."""
    prompts: Mapping[str, str]
    """Prompts by name, of the symbols that a user can set, in the order of Kconfig."""
    origins: Mapping[str, str]
    """Where each value comes from, by name: a text as reasons.origin() returns it."""
    dotconfig: str
    """The text of .config."""
    autoconf: str
    """The text of autoconf.h: `#define CONFIG_SMP 1`."""
    notes: tuple[str, ...]
    """Sentences for the user on assignments without effect."""
    warnings: tuple[str, ...]
    """Sentences on mistakes in Kconfig files, with file and line."""

    def enabled(self, name: str) -> bool:
        """Whether a bool or tristate is y; a symbol that is not in Kconfig is n."""
        return self.values.get(name) == "y"


def read(
    kconfig: Path,
    *,
    srctree: Path,
    saved_config: Path | None = None,
    defconfig: str | None = None,
    arch: str | None = None,
    settings: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    text: str | None = None,
    others: Iterable[str] = (),
) -> Configuration:
    """Read Kconfig, then the saved configuration, then apply the settings.

    The values start from saved_config if it exists; else from defconfig, a path in which {arch}
    stands for the architecture's name; else from Kconfig's defaults.  The architecture is arch,
    else the one that was saved, else x86_64; Kconfig files read it as $(ARCH), and variables
    such as CC by their names.  text: the text to read in place of the file kconfig.  others:
    further names to suggest if a setting is unknown.

    Raises XenToolError for a mistake in any of them.
    """
    base = saved.find(saved_config) if saved_config is not None else None
    is_saved = base is not None
    chosen = _arch(arch, base)
    if base is None and defconfig is not None:
        base = srctree / defconfig.format(arch=chosen.name)
    seen = {**(variables or {}), "ARCH": chosen.name}
    kconf = read_kconfig(kconfig, srctree, seen, text=text)
    earlier, notes = saved.load(kconf, base) if base is not None else ([], [])
    assignments = from_settings(kconf, settings or {}, others=others)
    notes += apply(assignments, earlier if is_saved else [])
    selected = unmet(kconf)
    refuse(selected)
    return Configuration(
        arch=chosen,
        values={symbol.name: symbol.str_value for symbol in kconf.unique_defined_syms},
        prompts=_prompts(kconf),
        origins=_origins(kconf, [*earlier, *assignments]),
        dotconfig=config_text(kconf),
        autoconf=autoconf_text(kconf),
        notes=tuple(notes),
        warnings=(*kconf.problems, *selected),
    )


def _arch(name: str | None, saved_config: Path | None) -> Arch:
    """Return the architecture of a name, else of the saved configuration, else x86_64."""
    if name is None:
        of_saved = saved.saved_arch(saved_config) if saved_config is not None else None
        return of_saved or X86_64
    if name not in ARCHES:
        raise XenToolError(f"ARCH={name}: the architectures are {' and '.join(ARCHES)}")
    return ARCHES[name]


def _prompts(kconf: Kconfig) -> dict[str, str]:
    """Return Configuration.prompts."""
    # A user cannot set a symbol whose prompt is not visible.
    return {
        symbol.name: node.prompt[0]
        for symbol in kconf.unique_defined_syms
        for node in symbol.nodes
        if node.prompt and symbol.visibility
    }


def _origins(kconf: Kconfig, assignments: Sequence[Assignment]) -> dict[str, str]:
    holding = origins(assignments)
    return {s.name: origin(s, holding) for s in kconf.unique_defined_syms}
