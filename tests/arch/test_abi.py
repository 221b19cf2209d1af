# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compare the guest's ABI headers with Xen's: every number, size and offset."""

from __future__ import annotations

import re
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from programs import installed
from project import TOP

HEADERS = [TOP / "arch/x86/xen/xen-abi.h", TOP / "arch/x86/xen/pvh-abi.h"]

XENS = ["xen.h", "callback.h", "errno.h", "event_channel.h", "features.h", "io/console.h"]
XENS += ["physdev.h", "platform.h", "sched.h", "vcpu.h", "version.h"]
XENS += ["arch-x86/cpuid.h", "arch-x86/hvm/start_info.h"]
XENS += ["hvm/hvm_op.h", "hvm/params.h", "memory.h"]

SHORTENED = {"sizeof(struct shared_info)"}
"""Structures that are longer in Xen: the guest leaves out their last fields."""

OWN = {
    "offsetof(struct xen_platform_op, u.aligned)",
    *(f"XEN_CPUID_{name}" for name in ("LAST_FIRST_LEAF", "LEAF_VERSION", "LEAF_MSR")),
    # Xen fills the table, whose layout no header of Xen has.
    "sizeof(struct e820entry)",
    *(f"offsetof(struct e820entry, {field})" for field in ("addr", "size", "type")),
}
"""Names without a counterpart in Xen's headers, which have them as text or in another form."""

RENAMED = {"__MACH2PHYS_VIRT_START": "MACH2PHYS_VIRT_START"}
"""Names of the guest's headers to those of Xen's, whose 32-bit header has none without a suffix."""


@pytest.fixture(scope="module")
def xen_headers() -> Path:
    header, _ = installed("usr/include/xen/xen.h")
    return header.parents[1]


def _text(gcc: str, bits: int, header: Path) -> str:
    """Return the preprocessed header for a width in bits, with its definitions of numbers."""
    command = [gcc, f"-m{bits}", "-ffreestanding", "-E", "-P", "-dD", str(header)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return result.stdout


def _expressions(text: str, header: Path) -> list[str]:
    """Return every number, size and offset in a header; text is the preprocessed header."""
    header_text = header.read_text()
    names = re.findall(r"^#define (\w+) \S", header_text, re.M)
    expressions = [name for name in names if f"#define {name} " in text]
    for name, body in re.findall(r"^struct (\w+) \{\n(.*?)^\}", text, re.M | re.S):
        if f"struct {name} {{" not in header_text:
            continue
        expressions.append(f"sizeof(struct {name})")
        expressions += [f"offsetof(struct {name}, {field})" for field in _fields(body)]
    return expressions


def _fields(body: str) -> list[str]:
    """Return the names of fields in declarations; those of a nested structure as outer.inner."""
    names: list[str] = []
    rest = body.strip()
    while rest:
        if inner := re.match(r"(?:struct|union) \{", rest):
            end = _closing(rest, inner.end())
            name = re.match(r"\}\s*(\w+);", rest[end:])
            assert name, rest
            inside = _fields(rest[inner.end() : end])
            names += [name[1], *(f"{name[1]}.{field}" for field in inside)]
            rest = rest[end + name.end() :].strip()
        else:
            declaration, _, rest = rest.partition(";")
            names += re.findall(r"(\w+)(?:\[[^,]*\])?\s*(?:,|$)", declaration)
            rest = rest.strip()
    return names


def _closing(text: str, start: int) -> int:
    depth = 1
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise AssertionError(text)


def _values(
    gcc: str, bits: int, includes: list[str], expressions: list[str], *flags: str
) -> dict[str, int]:
    """Return the values of expressions for a width in bits, from a section of an object."""
    lines = ["#include <stddef.h>", "#include <stdint.h>"]
    lines += [f"#include {include}" for include in includes]
    lines.append('__attribute__((section(".values"))) uint64_t values[] = {')
    lines += [f"(unsigned long)({expression})," for expression in expressions]
    lines.append("};")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.o"
        command = [gcc, f"-m{bits}", "-ffreestanding", *flags, "-c", "-x", "c", "-o", str(file)]
        result = subprocess.run(
            [*command, "-"], input="\n".join(lines), capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        with file.open("rb") as stream:
            section = ELFFile(stream).get_section_by_name(".values")
            assert section is not None
            data = section.data()
    return dict(zip(expressions, struct.unpack(f"<{len(expressions)}Q", data), strict=True))


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.stem)
@pytest.mark.parametrize("bits", [64, 32])
def test_numbers_sizes_and_offsets_are_xens(
    gcc: str, xen_headers: Path, bits: int, header: Path
) -> None:
    found = _expressions(_text(gcc, bits, header), header)
    expressions = [expression for expression in found if expression not in SHORTENED | OWN]
    assert len(expressions) > 30
    ours = _values(gcc, bits, [f'"{header}"'], expressions)
    xens_names = [RENAMED.get(expression, expression) for expression in expressions]
    flags = ["-idirafter", str(xen_headers), "-D__XEN_INTERFACE_VERSION__=0x00040d00"]
    values_of_xen = _values(gcc, bits, [f"<xen/{name}>" for name in XENS], xens_names, *flags)
    different = {
        ours_name: (ours[ours_name], values_of_xen[xens_name])
        for ours_name, xens_name in zip(expressions, xens_names, strict=True)
        if ours[ours_name] != values_of_xen[xens_name]
    }
    assert different == {}


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.stem)
def test_every_block_names_its_source(header: Path) -> None:
    source = ""
    for line in header.read_text().splitlines():
        if match := re.match(r"/\* (xen/include/public/\S+)", line):
            source = match[1]
        if line.startswith(("#define ", "struct ", "typedef ")) and "_ABI_H" not in line:
            assert source, line


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.stem)
def test_every_name_of_a_header_is_used(header: Path) -> None:
    text = header.read_text()
    others = [path for path in header.parent.rglob("*.[chS]") if path != header]
    used = "\n".join(path.read_text() for path in others)
    names = re.findall(r"^#define (\w+) \S|^struct (\w+) \{", text, re.M)
    for name in (number or structure for number, structure in names):
        inside = len(re.findall(rf"\b{name}\b", text)) > 1
        assert inside or re.search(rf"\b{name}\b", used), f"no source uses {name}"
