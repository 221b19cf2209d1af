# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A small tree with files for which caches of objects return stale objects, and changes of them."""

from __future__ import annotations

from pathlib import Path

from project import Project

SCONSTRUCT = """
env.Append(CPPPATH=["first", "second"], CCFLAGS=["@more", "-fdiagnostics-color=always"])
objects = [env.XenObject(name) for name in ("main.c", "embed.c", "blob.S", "both.cpp")]
env.XenImage("kernel", objects, script="k.lds", loaders="none")
env.XenConfigTargets()
"""
SOURCES = {
    "main.c": '#include "h.h"\n#warning seen\nint value = VALUE;\n#ifdef CONFIG_A\nint a;\n#endif',
    # The header embeds the file, which is thus known only when the launcher has run.
    "embed.c": '#include "embed.h"\nint embed;\n',
    "blob.S": '.data\n.incbin "data"\n',
    "both.cpp": '#include "h.h"\nint cpp = VALUE;\n',
    "second/h.h": "#define VALUE 0x11111111\n",
    "second/embed.h": '__asm__(".pushsection .data\\n.incbin \\"data\\"\\n.popsection");\n',
    "data": "one data",
    "more": "-DMORE=1",
}
CHANGES: tuple[tuple[str, str | None], ...] = (
    ("second/h.h", "#define VALUE 0x22222222\n"),
    # A new header is found before the old one; then the new one is removed.
    ("first/h.h", "#define VALUE 0x33333333\n"),
    ("first/h.h", None),
    # Files that launchers do not know: a copied object would be stale.
    ("data", "two data"),
    ("data", "one data"),
    ("more", "-DMORE=2 -DVALUE=3 -w"),
)
"""Files and their next contents; None: the file is removed."""


def tree(top: Path) -> Project:
    """Write the tree, not yet built."""
    project = Project(top)
    project.write_small(SCONSTRUCT)
    for name, text in SOURCES.items():
        project.write(name, text)
    (top / "first").mkdir()
    return project


def change(project: Project, name: str, text: str | None) -> None:
    """Make one of CHANGES: write a file, or remove it if text is None."""
    if text is None:
        (project.top / name).unlink()
    else:
        project.write(name, text)


def made(project: Project, folder: str = "build/x86_64") -> dict[str, bytes]:
    """Return the contents of the objects and the image, by name."""
    top = project.top / folder
    found = {p.name: p.read_bytes() for p in [*top.glob("*.o"), top / "kernel"]}
    assert len(found) == 5
    return found
