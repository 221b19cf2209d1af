# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Format the documents that --json prints; used by the commands of xen-tool and scons.

The packages that make the documents describe them.  The number "schema" of a document is raised
when a field is removed or changes its meaning, but not for a new field.  Each element of a list in
a document is one line, so a long list is a table, and needs neither much memory nor the slow
encoder that json.dumps() has for indented text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def pieces(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of a document in pieces, the last of which ends with a line break.

    An iterator among its values is written as a list, and read one element at a time.
    """
    before = "{\n  "
    for key, value in document.items():
        yield f"{before}{json.dumps(key)}: "
        if isinstance(value, (list, Iterator)):
            yield from _elements(value)
        else:
            yield json.dumps(value, indent=2).replace("\n", "\n  ")
        before = ",\n  "
    yield "\n}\n" if document else "{}\n"


def _elements(values: Iterable[Any]) -> Iterator[str]:
    before = "[\n    "
    for value in values:
        yield before
        yield json.dumps(value)
        before = ",\n    "
    yield "[]" if before.startswith("[") else "\n  ]"
