# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write the examples of `xen-tool explain`: for each rule, the smallest image that breaks it.

    PYTHONPATH=site_scons:tests python tests/loaders/examples.py

The images are those of the tables of tests.  A line of the file has the id, loader and release
that find it, how the image is compressed by zlib in base64, and what is wrong with it in words.
"""

from __future__ import annotations

import base64
import zlib

from loaders.cases import CASES
from loaders.rows import IMAGES, ROWS
from loaders.rows.row import Row
from xen_tool.report.rule_text import EXAMPLES

_BROKEN = {case.id: case.broken for case in CASES}
_WORDS = {
    "good-pv32": "a valid 32-bit PV kernel",
    "good-pvh32": "a valid 32-bit PVH kernel",
    "good-pvh64": "a valid 64-bit PVH kernel",
    "good-both": "a valid kernel for PV and PVH",
    "init-p2m-32": "INIT_P2M in a 32-bit kernel",
    "very-far": "p_paddr is 0xffffffff80200000, and there is no VIRT_BASE",
    "reloc-align-0": "PHYS32_RELOC with an alignment of 0, and p_paddr is 0xc0000000",
    "reloc-default": "PHYS32_RELOC without a value, and p_paddr is 0xc0000000",
    "high-segment": "a second segment at 0x20000000",
    "65537-notes": "65537 notes",
    "pv-no-page-but-symbol": "a PV kernel with the symbol hypercall_page, without the note",
    "page-at-entry": "HYPERCALL_PAGE is the entry",
    "entry-in-bss": "ENTRY and PHYS32_ENTRY are beyond p_filesz",
    "relocated-notes": "a relocation of .note.Xen",
    "thunks": "a section .return_sites",
    "R3-entry-0": "e_entry is 0",
    "G3-large": "the memory of the kernel ends above that of a small machine",
    "J2-interpreter": "a PT_INTERP",
    "J2-long-name": "a note with a name of almost 4 GiB",
    "J3-between-pages": "a multiboot header with a load address of 0x200800",
    "J6-same-page": "a segment ends in the first page of another one",
    "J7-many": "14 segments",
    "J8-range": "a multiboot 2 header that lets the kernel lie in too few bytes",
    "J9-raw": "a multiboot header with addresses, and no ELF header",
    "P2-cut": "a section .kernel that extends beyond the end of the file",
    "P3-no-kernel": "a section .config that names a configuration without a kernel",
    "P4-between-pages": "a section .kernel that begins within a page",
    "P5-overlapping": "a section .kernel at the addresses of .text",
    "P8-no-config": "no section .config",
    "P3-alone": "no section .kernel, and no .config",
    "P7-other": "the Xen of the file is 4.20",
}
"""Words about images, by name, where the tables of images have none."""
_HEAD = (
    "# SPDX-License-" + "Identifier: GPL-2.0-only OR MIT\n"
    "# Made by tests/loaders/examples.py, from images that tests judge.\n"
)


def lines() -> str:
    """Return the file's content."""
    chosen: dict[str, Row] = {}
    for row in sorted(ROWS, key=lambda row: (row.image not in _BROKEN, len(IMAGES[row.image]))):
        chosen.setdefault(row.rule, row)
    return _HEAD + "".join(
        f"{rule} {row.loaders[0]} {row.xen} {_packed(IMAGES[row.image])} {_words(row.image)}\n"
        for rule, row in sorted(chosen.items())
    )


def _words(image: str) -> str:
    words = _WORDS.get(image) or _BROKEN.get(image)
    assert words, f"{image} is an example of xen-tool explain: describe it in _WORDS"
    return words


def _packed(image: bytes) -> str:
    return base64.b64encode(zlib.compress(image, 9)).decode()


if __name__ == "__main__":
    EXAMPLES.write_text(lines())
