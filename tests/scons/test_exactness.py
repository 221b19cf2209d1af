# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Toggling any symbol rebuilds exactly what mentions it; toggling it back restores every byte.

The expectation is made without the tool: kconfiglib says which symbols can be
toggled and which values follow, gcc -M which files an object is made from, and
a step is due when a symbol that those mention has another value than when its
output was made.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from project import Project
from sources import SCRIPT, SOURCES, Values, configured, sources_of, values_of

HEAD = "xen-head.o"
HEAD_SYMBOLS = {
    *("XEN", "XEN_PV", "XEN_PVH", "XEN_HYPERCALL_PAGE", "SMP", "KASAN", "STACK_VALIDATION"),
    *("X86_ALIGNMENT_16", "PAGE_OFFSET"),
}
"""Symbols on which the head object depends; those of the memory split through PAGE_OFFSET."""

_MENTIONED: dict[tuple[object, ...], set[str]] = {}
"""A cache: the symbols that a source mentions in a configuration."""

RECORDS = (".lock", ".sconsign", ".build.db")


def _toggles(arch: str, base: Mapping[str, str]) -> dict[str, str]:
    """Return each symbol that a user can change from this configuration, and its other value."""
    symbols = configured(arch, base).unique_defined_syms
    return {s.name: "01"[s.str_value == "n"] for s in symbols if len(s.assignable) == 2} | {
        # One symbol of a choice is y; setting another replaces it.
        s.name: "1"
        for s in symbols
        if s.choice and s.visibility and s.str_value == "n"
    }


def _object(source: str) -> str:
    return f"{SOURCES}/{Path(source).with_suffix('.o')}"


class Model:
    """What a build directory holds, and what the next run must do, known without the records."""

    def __init__(self, project: Project, arch: str, gcc: str) -> None:
        self._project = project
        self._arch = arch
        self._gcc = gcc
        self.build = project.top / "build" / arch
        self._config: Values = {}
        # For each output, the values of the symbols that it mentions, when it was made.
        self._made: dict[str, Values] = {}
        self._linked: dict[str, bytes] = {}

    def run(self, settings: Mapping[str, str]) -> None:
        """Run SCons, and compare what it does with what it must do."""
        values = values_of(self._arch, settings)
        before, image = self._linked, self._image()
        arguments = [f"{name}={value}" for name, value in settings.items()]
        steps = self._project.scons(f"ARCH={self._arch}", *arguments).steps
        names = {step.replace(f"build/{self._arch}/", "") for step in steps}
        expected = {name for name in self._outputs(values) if self._is_due(name, values)}
        if values != self._config:
            expected.add("CONFIG .config")
        self._learn(values)
        # Objects with the same bytes are not linked again.
        if self._linked != before:
            expected.add("LD vmlinux.unchecked")
        if self._image() != image:
            expected.add("CHECK vmlinux")
        assert names == expected, settings

    def _image(self) -> bytes | None:
        path = self.build / "vmlinux.unchecked"
        return path.read_bytes() if path.exists() else None

    def snapshot(self) -> dict[str, bytes]:
        """Return the contents of all that was built, without the lock and the records."""
        return {
            str(path.relative_to(self.build)): path.read_bytes()
            for path in self.build.rglob("*")
            if path.is_file() and not path.name.startswith(RECORDS)
        }

    def _outputs(self, values: Values) -> dict[str, str]:
        """Return the source of each step but CONFIG and LD."""
        found = {f"CC {_object(name)}": name for name in sources_of(values)}
        found[f"LDS {SOURCES}/vmlinux.lds"] = SCRIPT
        if values["XEN"] == "y":
            found[f"HEAD {SOURCES}/{HEAD}"] = ""
        return found

    def _is_due(self, name: str, values: Values) -> bool:
        made = self._made.get(name)
        return made is None or any(values.get(s, "n") != value for s, value in made.items())

    def _learn(self, values: Values) -> None:
        outputs = self._outputs(values)
        for name, source in outputs.items():
            mentioned = self._mentioned(source, values) if source else HEAD_SYMBOLS
            self._made[name] = {s: values.get(s, "n") for s in mentioned}
        files = {name.split()[1] for name in outputs}
        self._linked = {name: (self.build / name).read_bytes() for name in sorted(files)}
        self._config = values

    def _mentioned(self, source: str, values: Values) -> set[str]:
        """Return the symbols that the files read by gcc mention outside of comments."""
        key = (self._arch, source, *sorted(values.items()))
        if key not in _MENTIONED:
            _MENTIONED[key] = self._read_by_gcc(source)
        return _MENTIONED[key]

    def _read_by_gcc(self, source: str) -> set[str]:
        include = [self._gcc, "-print-file-name=include"]
        folder = subprocess.run(include, capture_output=True, text=True, check=True).stdout.strip()
        command = [self._gcc, "-M", "-m64" if self._arch == "x86_64" else "-m32", "-ffreestanding"]
        command += ["-nostdinc", "-isystem", folder]
        command += ["-include", str(self.build / "include/generated/autoconf.h")]
        if source == SCRIPT:
            command += ["-x", "assembler-with-cpp"]
        command.append(f"{SOURCES}/{source}")
        run = subprocess.run(
            command, cwd=self._project.top, capture_output=True, text=True, check=True
        )
        files = run.stdout.replace("\\\n", " ").split(":", 1)[1].split()
        found: set[str] = set()
        for file in files:
            if not file.endswith("/autoconf.h"):
                text = (self._project.top / file).read_text()
                text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
                found |= set(re.findall(r"\bCONFIG_(\w+)", text))
        return found


@pytest.mark.parametrize("base", [{}, {"XEN_PV": "0"}], ids=["defconfig", "XEN_PV=0"])
@pytest.mark.parametrize(
    ("arch", "toggled"),
    [
        ("x86_64", {"XEN_PVH", "KASAN", "STACK_VALIDATION"}),
        ("i386", {"VMSPLIT_2G", "VMSPLIT_1G", "X86_ALIGNMENT_16"}),
    ],
    ids=["x86_64", "i386"],
)
def test_a_toggle_rebuilds_exactly_what_mentions_the_symbol(
    built_kernel: Project, gcc: str, arch: str, toggled: set[str], base: dict[str, str]
) -> None:
    toggles = _toggles(arch, base)
    assert set(toggles) == {"SMP", "XEN", "XEN_PV", "XEN_HYPERCALL_PAGE"} | toggled
    # A separate folder, in which nothing was built yet.
    built_kernel.scons("-c")
    model = Model(built_kernel, arch, gcc)
    model.run(base)
    others: set[str] = set()
    for symbol, value in toggles.items():
        before = model.snapshot()
        model.run(base | {symbol: value})
        assert model.snapshot() != before, symbol
        model.run(base)
        after = model.snapshot()
        # Only outputs that this configuration does not have may be left, or differ.
        others |= {_object(name) for name in sources_of(values_of(arch, base | {symbol: value}))}
        others -= {_object(name) for name in sources_of(values_of(arch, base))}
        unaffected = set(before) - others
        assert {path: after[path] for path in unaffected} == {
            path: before[path] for path in unaffected
        }, symbol
        left = set(after) - set(before)
        assert left <= others | {f"{SOURCES}/{HEAD}"}, symbol


def test_an_edit_of_config_that_changes_no_value_rebuilds_nothing(built_kernel: Project) -> None:
    lines = (built_kernel.top / "build/x86_64/.config").read_text().splitlines()
    mixed = random.Random(3).sample(lines, len(lines))
    assert mixed != lines
    minimal = [line for line in lines if re.match(r"CONFIG_(SMP|XEN)=y", line)]
    assert len(minimal) == 2
    for edited in (lines, mixed, minimal, ["", "# a comment", "", *lines], [*lines, *minimal]):
        built_kernel.write(".config", "\n".join(edited) + "\n")
        run = built_kernel.run()
        assert (run.status, run.steps) == (0, []), edited
