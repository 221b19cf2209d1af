# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Every combination of settings of the reference kernel: 4,096, of which 132 are legal.

All symbols with a prompt are set at once, in every combination, for each architecture.  A legal
combination gives these values, and its head object agrees with GNU as; all others are refused.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from objects import meaning
from project import TOP, Project
from xen_tool.abi import ARCHES, Arch
from xen_tool.config.configuration import Configuration, read
from xen_tool.config.language.kconf import read_kconfig
from xen_tool.errors import XenToolError
from xen_tool.head import emit, gas
from xen_tool.head.config import HeadConfig

KCONFIG = TOP / "kconfig/Kconfig"
SPLITS = ("VMSPLIT_3G", "VMSPLIT_2G", "VMSPLIT_1G")
ONLY_64 = ("XEN_PVH", "KASAN", "STACK_VALIDATION")
ONLY_32 = ("X86_ALIGNMENT_16", *SPLITS)
SYMBOLS = ("SMP", "XEN", "XEN_PV", "XEN_HYPERCALL_PAGE", *ONLY_64, *ONLY_32)

Symbols = dict[str, str]


def _combinations() -> Iterator[Symbols]:
    for values in itertools.product("01", repeat=len(SYMBOLS)):
        yield dict(zip(SYMBOLS, values, strict=True))


def _is_legal(arch: Arch, symbols: Symbols) -> bool:
    """Return whether a combination is legal, by a second version of the Kconfig files' rules."""
    on = {name for name, value in symbols.items() if value == "1"}
    if on & {"XEN_PV", "XEN_PVH", "XEN_HYPERCALL_PAGE"} and "XEN" not in on:
        return False
    if arch.bits == 64:
        return not on & set(ONLY_32)
    return not on & set(ONLY_64) and len(on & set(SPLITS)) == 1


def _read(arch: Arch, symbols: Symbols) -> Configuration:
    return read(KCONFIG, srctree=TOP, arch=arch.name, settings=symbols)


def _legal(arch: Arch) -> list[Symbols]:
    return [symbols for symbols in _combinations() if _is_legal(arch, symbols)]


@pytest.mark.parametrize("arch", ARCHES.values(), ids=list(ARCHES))
def test_these_are_all_symbols_with_a_prompt(arch: Arch) -> None:
    kconf = read_kconfig(KCONFIG, TOP, {"ARCH": arch.name})
    prompted = [s for s in kconf.unique_defined_syms if any(node.prompt for node in s.nodes)]
    assert {symbol.name for symbol in prompted} == set(SYMBOLS)


@pytest.mark.parametrize(("name", "legal"), [("x86_64", 72), ("i386", 60)])
def test_a_combination_holds_if_it_is_legal_and_is_refused_if_not(name: str, legal: int) -> None:
    arch = ARCHES[name]
    assert len(_legal(arch)) == legal
    for symbols in _combinations():
        if _is_legal(arch, symbols):
            values = _read(arch, symbols).values
            assert {n: values[n] for n in symbols} == {n: "ny"[int(v)] for n, v in symbols.items()}
        else:
            with pytest.raises(XenToolError, match="cannot hold"):
                _read(arch, symbols)


@pytest.mark.parametrize("arch", ARCHES.values(), ids=list(ARCHES))
def test_every_head_object_agrees_with_gnu_as(arch: Arch, tmp_path: Path, gnu_as: str) -> None:
    source, target = tmp_path / "head.S", tmp_path / "head.o"
    for symbols in _legal(arch):
        config = HeadConfig.from_symbols(arch, _read(arch, symbols).values)
        assert (config is None) == (symbols["XEN"] == "0"), symbols
        if config is None:
            continue
        source.write_text(gas.source(config))
        command = [gnu_as, f"--{arch.bits}", "-o", str(target), str(source)]
        subprocess.run(command, check=True)
        assert meaning(emit.emit(config)) == meaning(target.read_bytes()), symbols


@pytest.mark.parametrize("name", ARCHES)
def test_one_of_each_kind_links(kernel: Project, name: str) -> None:
    for xen, pv, pvh, page, smp in itertools.product("10", repeat=5):
        if (xen == "0" and "1" in (pv, pvh, page)) or (name == "i386" and pvh == "1"):
            continue
        values = {"XEN": xen, "XEN_PV": pv, "XEN_PVH": pvh, "XEN_HYPERCALL_PAGE": page, "SMP": smp}
        settings = [f"{symbol}={value}" for symbol, value in values.items()]
        # scons() fails on a warning, too.  Only what the change of symbols affects is compiled.
        run = kernel.scons(f"ARCH={name}", *settings)
        assert f"CONFIG build/{name}/.config" in run.steps
        with (kernel.top / f"build/{name}/vmlinux").open("rb") as file:
            elf = ELFFile(file)
            assert elf.elfclass == ARCHES[name].bits
            kinds = [segment["p_type"] for segment in elf.iter_segments()]
            assert ("PT_NOTE" in kinds) == (xen == "1"), settings
            symbols = elf.get_section_by_name(".symtab")
            assert isinstance(symbols, SymbolTableSection)
            start = "startup_xen" if pv == "1" else "startup_halt"
            if (pv, pvh) == ("0", "1"):
                start = "phys_pvh_start_xen"
            entries = [s["st_value"] for s in symbols.iter_symbols() if s.name == start]
            assert entries == [elf["e_entry"]], settings
    others = ("KASAN=1", "STACK_VALIDATION=1")
    if name == "i386":
        others = ("X86_ALIGNMENT_16=1", "VMSPLIT_1G=1")
    assert f"CHECK build/{name}/vmlinux" in kernel.scons(f"ARCH={name}", *others).steps
