# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""XenToolError, the base class of every error that a user can act on; and the form of messages.

Any package may raise XenToolError or a subclass.  The entry points (scons/, shortcut/, cli/)
print the text as one sentence and exit with a status, never with a traceback.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


BUILD, COMMAND = "xen_tool", "xen-tool"
"""The words with which the messages of builds, and those of the command, begin."""


class XenToolError(Exception):
    """An error for the user: one sentence with what is wrong, where, and what to do."""


def unreadable(path: object, error: OSError) -> XenToolError:
    """Return the error for a file that cannot be read."""
    return XenToolError(f"{path}: cannot be read: {error.strerror}")


def unwritable(path: object, error: OSError) -> XenToolError:
    """Return the error for a file or folder that cannot be written."""
    return XenToolError(f"{path}: cannot be written: {error.strerror}")


def meant(name: str, names: Iterable[str], *, most: int = 3, cutoff: float = 0.6) -> str:
    """Return the end of a message on an unknown name: suggestion() of the names most like it.

    most: the largest number of names.  cutoff: the least likeness, 0 to 1, as in difflib.
    """
    import difflib

    return suggestion(difflib.get_close_matches(name, names, most, cutoff))


def suggestion(names: Iterable[str]) -> str:
    """Return the end of a message: "; do you mean A or B?"; "" without names."""
    from .printable import printable

    choice = " or ".join(map(printable, names))
    return f"; do you mean {choice}?" if choice else ""


def print_message(text: str, kind: str = "", *, program: str = BUILD) -> None:
    """Print a message to standard error.

    kind: note, warning or failed; "" for progress, and for the error that ends the program.
    """
    import sys

    print(f"{program}: {kind}{': ' if kind else ''}{text}", file=sys.stderr, flush=True)
