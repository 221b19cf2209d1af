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
from xen_tool.report.explain import EXAMPLES

_BROKEN = {case.id: case.broken for case in CASES}
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
    return _BROKEN.get(image, image.replace("-", " "))


def _packed(image: bytes) -> str:
    return base64.b64encode(zlib.compress(image, 9)).decode()


if __name__ == "__main__":
    EXAMPLES.write_text(lines())
