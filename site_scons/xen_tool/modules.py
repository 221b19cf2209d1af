# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find the files of this tool that a step runs, by the imports of its modules.

The plan has them as groups of files (plan.Group), so that a change of the tool makes steps
dirty.  Used when SConscripts are read.
"""

from __future__ import annotations

import functools
import os
import re

_PACKAGE = os.path.dirname(__file__)
_IMPORT = r"(?m)^ *from (\.+)([\w.]*) import (?:\(([^)]*)\)|(.*))$"


def modules(*names: str) -> tuple[str, ...]:
    """Return the files of modules, of all that they import from this package, and functions.py.

    names: paths below this folder, such as "head/emit.py".
    """
    found = {os.path.join(_PACKAGE, "functions.py"): None}
    todo = [os.path.join(_PACKAGE, *name.split("/")) for name in names]
    while todo:
        path = todo.pop()
        if path not in found:
            found[path] = None
            todo += _imported(path)
    return tuple(sorted(found))


@functools.cache
def _imported(path: str) -> tuple[str, ...]:
    """Return the files of xen_tool that a module imports, also those it imports in functions."""
    found = []
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for dots, module, many, one in re.findall(_IMPORT, text):
        folder = path
        for _ in dots:
            folder = os.path.dirname(folder)
        base = os.path.join(folder, *module.split("."))
        names = [name.split()[0] for name in (many or one).split(",") if name.split()]
        places = [base, *(os.path.join(base, name) for name in names)]
        files = (f for place in places for f in (f"{place}.py", os.path.join(place, "__init__.py")))
        found += [name for name in files if os.path.isfile(name)]
    return tuple(name for name in found if name != os.path.join(_PACKAGE, "__init__.py"))
