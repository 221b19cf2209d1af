# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run pytest with the system programs that the tests need: python tests/run.py [PYTEST ARGUMENTS].

Gets them first, where that can be done; without them every other test still runs.  With --coverage
as the first argument, covered.py measures which lines of the tool the tests run.
"""

from __future__ import annotations

import compileall
import os
import sys
from pathlib import Path

from tiers import TIERS

TOP = Path(__file__).resolve().parent.parent
_WORKERS = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder")
"""A worker for each processor.  Each gets whole files, whose tests share their fixtures.

The order of the files is that of tiers.py.
"""


def main() -> None:
    arguments = sys.argv[1:]
    measured = arguments[:1] == ["--coverage"]
    if measured:
        del arguments[0]
    tier = arguments.pop(0) if arguments and arguments[0] in TIERS else None
    if tier:
        arguments = ["-m", tier, *arguments]
    if tier != "unit":
        _provide()
    _compile()
    os.chdir(TOP)
    if measured:
        from covered import measure

        sys.exit(measure([*_WORKERS, *(arguments or ["-m", "unit or build"])]))
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *_WORKERS, *arguments])


def _compile() -> None:
    """Compile the tool once, and not in each of the thousands of processes that the tests start.

    Those write nothing: a file that is edited twice in a second would be taken for the same.
    """
    compileall.compile_dir(TOP / "site_scons", quiet=2)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


def _provide() -> None:
    sys.path.insert(0, str(TOP / "site_scons"))
    import provision
    from xen_tool.errors import XenToolError

    def say(line: str) -> None:
        print(f"tests: {line}", file=sys.stderr, flush=True)

    try:
        os.environ.update(provision.provide(say))
    except XenToolError as error:
        say(str(error))
    for need in provision.missing():
        say(f"going on without {need.wanted}: the tests that need it are skipped")


if __name__ == "__main__":
    main()
