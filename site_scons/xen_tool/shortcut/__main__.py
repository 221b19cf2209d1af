# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool build [SCONS ARGUMENTS]`: as scons, with the same lines and status.

Also a program of its own: `python -I -S .../xen_tool/shortcut/__main__.py [SCONS ARGUMENTS]`
starts without looking for installed packages, which SCons gets in a process of its own.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xen_tool.shortcut.reading import Reading

INTERRUPTED = FAILED = 2


def main(arguments: Sequence[str]) -> int:
    """Build; returns the status."""
    from xen_tool.shortcut import reading

    of = reading.key(arguments)
    place = reading.place(of)
    known = reading.load(place, of) if place else None
    if known is None or _is_to_read() or not known.holds():
        return _through_scons(arguments)
    os.chdir(known.top)
    status = _build(known)
    return _through_scons(arguments) if status is None else status


def _is_to_read() -> bool:
    """Whether a watcher has to be told what SCons finds in the SConscripts."""
    from xen_tool.shortcut import reading

    if reading.WATCHER not in os.environ:
        return False
    from xen_tool.shortcut import watched

    return watched.expects_reading()


def _build(known: Reading) -> int | None:
    """Build without SCons; None if it has to do that."""
    from xen_tool.build.contents import Contents
    from xen_tool.build.database import FILE, Database

    dirty = []
    for plan in known.plans:
        database = Database(os.path.join(plan.folder, FILE))
        contents = Contents(database.known())
        if not database.has(plan.mark) or database.stale(contents) or contents.learned:
            dirty.append((plan, database, contents))
    status = 0
    if dirty:
        from xen_tool.shortcut import building

        made = building.build(known, dirty)
        if made is None:
            return None
        status = made
    else:
        known.say()
    if not status:
        if not known.silent:
            built = [plan for plan, _, _ in dirty]
            clean = (target for plan in known.plans if plan not in built for target in plan.targets)
            sys.stdout.writelines(f"scons: `{target}' is up to date.\n" for target in clean)
        _closing(known, "scons: done building targets.\n")
        sys.stdout.write(known.closing)
    else:
        _closing(known, "scons: building terminated because of errors.\n")
    return status


def _closing(known: Reading, line: str) -> None:
    if not (known.quiet or known.silent):
        sys.stdout.write(line)


def _through_scons(arguments: Sequence[str]) -> int:
    """Run SCons in the place of this process, with all packages."""
    sys.stdout.flush()
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    through = os.path.join(package, "scons", "through.py")
    os.chdir(_START)
    os.execv(sys.executable, [sys.executable, through, *arguments])


_START = os.getcwd()

if __name__ == "__main__":
    # It lives too short for garbage.
    gc.disable()
    # Python has put this file's own folder there.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    sys.exit(main(sys.argv[1:]))
