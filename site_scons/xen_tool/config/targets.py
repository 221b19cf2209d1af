# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The configuration targets: what each does to the saved configuration, with the names of Linux.

A target is a row of CHANGING, and a branch of _one(); merge.py sets many symbols.
scons/targets/config_targets.py, which gives SCons the targets, needs no change.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..abi import ARCHES, X86_64, Arch
from ..errors import XenToolError, print_message
from ..files import shown, write_if_changed
from . import saved
from .assignments import Assignment, Origins, from_settings, origins
from .frontends import run
from .language.kconf import Kconfig, read_kconfig, refuse
from .language.problems import unmet
from .language.symbol_values import is_logical
from .merge import ALL, merge, randomize, set_all
from .overrides import apply, overruled
from .texts import defconfig_text

SETCONFIG = "setconfig"
"""The target that takes NAME=value."""

CHANGING = {
    "defconfig": "replaces it by the defconfig of the architecture",
    **run.MODULES,
    "olddefconfig": "gives each new symbol its default",
    "allnoconfig": "sets as much as possible to n",
    "allyesconfig": "sets as much as possible to y",
    "allmodconfig": "sets as much as possible to m, or else to y",
    "alldefconfig": "gives every symbol its default",
    "listnewconfig": "lists the symbols that it does not mention",
    "randconfig": "sets it at random; SEED=NUMBER repeats it",
    SETCONFIG: "NAME=value ... sets these, and the symbols that they need",
    "savedefconfig": "writes the shortest file that means the same, defconfig",
}
"""The targets that work on the saved configuration, each with its description."""

_FRAGMENT = ".config"
_DEFCONFIG = "_defconfig"


def is_file(name: str) -> bool:
    """Whether a target names a defconfig or a fragment; $O/.config is neither."""
    return name.endswith(_DEFCONFIG) or Path(name).suffix == _FRAGMENT


class ConfigTargets:
    """Runs the configuration targets of one environment.

    kconfig: the Kconfig file.  text: the text to read in its place, or None.  srctree: the folder
    of the SConstruct.  variables: the variables that Kconfig files read.  config: the saved
    configuration.  defconfig: a path from srctree in which {arch} stands for the architecture, or
    None.  seed: the value of SEED=, or None.
    """

    def __init__(
        self,
        *,
        kconfig: Path,
        text: str | None,
        srctree: Path,
        variables: Mapping[str, str],
        config: Path,
        defconfig: str | None,
        seed: str | None,
    ) -> None:
        self._kconfig = kconfig
        self._text = text
        self._srctree = srctree
        self._variables = variables
        self._config = config
        self._defconfig = defconfig
        self._seed = seed

    def run(
        self,
        names: Sequence[str],
        arch: str,
        *,
        typed_arch: str | None,
        settings: Mapping[str, str],
    ) -> None:
        """Run targets in order; files that follow one another are merged.

        arch: the architecture of the saved configuration.  typed_arch: ARCH= of the command
        line, or None.  settings: what setconfig sets.

        Raises XenToolError if a target cannot be run; the saved configuration then is as it was
        before that target.
        """
        files: list[str] = []
        for name in [*names, None]:
            if name is not None and (name == "defconfig" or name not in CHANGING):
                files.append(name)
                continue
            if files:
                arch = self._merge(files, arch, typed_arch)
                files = []
            if name == SETCONFIG:
                self._set(settings, arch)
            elif name is not None:
                self._one(name, arch)

    def load(self, arch: Arch) -> tuple[Kconfig, Origins]:
        """Read Kconfig with the values of a build without settings; return their origins, too."""
        kconf, assignments, _notes = self._start(arch.name)
        return kconf, origins(assignments)

    def _start(self, arch: str) -> tuple[Kconfig, list[Assignment], list[str]]:
        """Read Kconfig, then the saved configuration, or else the defconfig, if there is one.

        Return the Kconfig object, the assignments of that file, and notes on those that have no
        effect.
        """
        kconf = self._read(arch)
        config: Path | None = saved.find(self._config)
        if config is None and self._defconfig is not None:
            config = self._file("defconfig", arch)
        if config is None:
            return kconf, [], []
        loaded = saved.load(kconf, config)
        return kconf, loaded.assignments, loaded.notes + overruled(loaded.assignments, [])

    def _read(self, arch: str) -> Kconfig:
        seen = {**self._variables, "ARCH": arch}
        return read_kconfig(self._kconfig, self._srctree, seen, text=self._text)

    def _one(self, name: str, arch: str) -> None:
        """Run one target of CHANGING other than defconfig and setconfig."""
        if name == "randconfig":
            kconf = self._read(arch)
            seed = random.randrange(1 << 32) if self._seed is None else int(self._seed)
            print(f"seed {seed}: `scons randconfig SEED={seed}` makes the same again")
            randomize(kconf, seed)
            self._save(kconf)
            return
        # This also checks the saved file: one with a mistake is not overwritten.
        kconf, assignments, notes = self._start(arch)
        if name in ALL:
            before = [a for a in assignments if a.holds() and not is_logical(a.symbol)]
            notes += set_all(kconf, name, top=self._srctree)
            notes += [f"{a} {a.origin} is not kept by {name}" for a in before if not a.holds()]
        _print_notes(notes)
        if name in run.MODULES:
            run.run(
                name,
                self._kconfig,
                text=self._text,
                srctree=self._srctree,
                variables={**self._variables, "ARCH": arch},
                config=self._config,
                defconfig=self._file("defconfig", arch) if self._defconfig else None,
            )
        elif name == "listnewconfig":
            print("".join(f"{line}\n" for line in saved.new_symbols(kconf)), end="")
        elif name == "savedefconfig":
            path = self._srctree / "defconfig"
            text = defconfig_text(kconf)
            write_if_changed(path, text)
            of_arch = f"; it is for ARCH={arch}, and says so" if f"# ARCH={arch}\n" in text else ""
            print(f"the shortest configuration is in {path.name}{of_arch}")
        else:
            assert name in ALL or name == "olddefconfig", f"CHANGING has {name}, which does nothing"
            self._save(kconf)

    def _set(self, settings: Mapping[str, str], arch: str) -> None:
        """Save the saved configuration with settings added, which must hold."""
        if not settings:
            raise XenToolError(
                f"{SETCONFIG} needs settings: type `scons {SETCONFIG} XEN_PVH=1 SMP=0`"
            )
        kconf, assignments, notes = self._start(arch)
        new = from_settings(kconf, settings)
        changed = {assignment.symbol for assignment in new}
        # The notes already report assignments that did not hold before.
        kept = [a for a in assignments if a.holds() and a.symbol not in changed]
        _print_notes(notes + apply(new, kept))
        self._save(kconf)

    def _merge(self, names: Sequence[str], arch: str, typed_arch: str | None) -> str:
        """Save the merged files; return the architecture that they are for."""
        replaces = [n == "defconfig" or n.endswith(_DEFCONFIG) for n in names]
        if any(replaces[1:]):
            raise XenToolError(
                f"{names[replaces.index(True, 1)]} replaces the whole configuration: name it first"
            )
        if names[0].endswith(_DEFCONFIG):
            arch = self._arch_of(names[0], typed_arch)
        paths = [self._file(name, arch) for name in names]
        kconf = self._read(arch)
        onto = self._config if not replaces[0] and saved.find(self._config) else None
        _print_notes(merge(kconf, paths, onto=onto))
        self._save(kconf)
        return arch

    def _arch_of(self, name: str, typed_arch: str | None) -> str:
        """Return the architecture of NAME_defconfig: by its contents, its name, or else ARCH=.

        Raises XenToolError if ARCH= is another than the file's.
        """
        found = saved.saved_arch(self._file(name, ""))
        known = found.name if found else name.removesuffix(_DEFCONFIG)
        if known not in ARCHES:
            return typed_arch or X86_64.name
        if typed_arch not in (None, known):
            raise XenToolError(f"ARCH={typed_arch}: {name} is for ARCH={known}")
        return known

    def _file(self, name: str, arch: str) -> Path:
        """Return the path of a defconfig or fragment.

        Raises XenToolError if there is no such file.
        """
        if name == "defconfig" and self._defconfig is not None:
            path = self._srctree / self._defconfig.format(arch=arch)
            if not path.is_file():
                raise XenToolError(
                    f"there is no {shown(path)}, which defconfig= of env.XenConfigure names: write "
                    "it, or move there what `scons savedefconfig` writes"
                )
            return path
        here = self._srctree / name
        if self._defconfig is None:
            if name != "defconfig" and here.is_file():
                return here
            raise XenToolError(
                f"{name}: no folder of configurations is named: write "
                'env.XenConfigure(..., defconfig="configs/{arch}_defconfig") in the SConstruct, '
                f"and write configs/{f'{arch}_' if name == 'defconfig' else ''}{name}"
            )
        folder = (self._srctree / self._defconfig).parent
        for path in (folder / name, here):
            if path.is_file():
                return path
        where, there = f"{shown(folder)}/", ", ".join(self.files())
        has = f"{where} has {there}" if there else f"write it in {where}, which has none"
        raise XenToolError(f"there is no configuration {name}; {has}")

    def files(self) -> list[str]:
        """Return the names of the defconfigs and fragments beside the defconfig, sorted."""
        if self._defconfig is None:
            return []
        folder = (self._srctree / self._defconfig).parent
        return sorted(path.name for path in folder.glob("*config"))

    def _save(self, kconf: Kconfig) -> None:
        """Write the saved configuration, and print warnings and whether the file changed."""
        selected = unmet(kconf)
        refuse(selected)
        _print_notes(selected, "warning")
        changed = saved.save(kconf, self._config)
        print(f"{shown(self._config)}: {'written' if changed else 'no change'}")


def _print_notes(notes: Sequence[str], kind: str = "note") -> None:
    for note in notes:
        print_message(note, kind)
