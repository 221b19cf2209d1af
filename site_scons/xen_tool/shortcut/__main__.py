# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool build [SCONS ARGUMENTS]`: like scons, with the same output and exit status.

Also run as a file, `python -I -S .../xen_tool/shortcut/__main__.py [SCONS ARGUMENTS]`, which
starts faster: no installed packages are searched.  SCons itself is started as a new program.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xen_tool.shortcut.reading import Reading


def main(arguments: Sequence[str]) -> int:
    """Build without SCons if a valid reading exists, and return the exit status; or start SCons."""
    from xen_tool.shortcut import reading

    key = reading.key(arguments)
    place = reading.place(key)
    if not place or _watcher_needs_scons():
        return _through_scons(arguments)
    found = reading.load(place, key)
    if found is None and any("=" in word for word in arguments):
        found = _derived(arguments)
    elif found is not None and not found.is_valid():
        found = None
    if found is None:
        return _through_scons(arguments)
    os.chdir(found.top)
    status = _build(found)
    return _through_scons(arguments) if status is None else status


def _derived(arguments: Sequence[str]) -> Reading | None:
    """Return a reading derived from that without NAME=value; None if SCons is needed."""
    from xen_tool.shortcut import other_values

    return other_values.derived(arguments)


def _watcher_needs_scons() -> bool:
    """Whether `scons watch` started this build, and needs the SConscripts to be read."""
    from xen_tool.shortcut import reading

    if reading.WATCHER not in os.environ:
        return False
    from xen_tool.shortcut import watch_messages

    return watch_messages.expects_reading()


def _build(reading: Reading) -> int | None:
    """Build without SCons and return the exit status; None if SCons is needed."""
    from xen_tool.build.contents import Contents
    from xen_tool.build.database import FILE, Database

    dirty = []
    for plan in reading.plans:
        database = Database(os.path.join(plan.folder, FILE))
        contents = Contents(database.known())
        # If a file had to be read, a session stores its stamp, so that it is not read again.
        if not database.has(plan.mark) or database.stale(contents) or contents.learned:
            dirty.append((plan, database, contents))
    status = 0
    if dirty:
        from xen_tool.shortcut import run_plans

        made = run_plans.build(reading, dirty)
        if made is None:
            return None
        status = made
    else:
        reading.print_output()
        reading.print_up_to_date(())
    if not status:
        _print_unless_quiet(reading, "scons: done building targets.\n")
        sys.stdout.write(reading.closing)
        reading.store()
    else:
        _print_unless_quiet(reading, "scons: building terminated because of errors.\n")
    return status


def _print_unless_quiet(reading: Reading, line: str) -> None:
    if not (reading.quiet or reading.silent):
        sys.stdout.write(line)


def _through_scons(arguments: Sequence[str]) -> int:
    """Replace this process by SCons."""
    sys.stdout.flush()
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    through = os.path.join(package, "scons", "through.py")
    os.chdir(_START)
    os.execv(sys.executable, [sys.executable, through, *arguments])


_START = os.getcwd()
"""The folder in which the command was typed."""

if __name__ == "__main__":
    # A short process needs no garbage collection.
    gc.disable()
    # Python has put the folder of this file there; imports need the folder of xen_tool.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from xen_tool.process import leave

    leave(main(sys.argv[1:]))
