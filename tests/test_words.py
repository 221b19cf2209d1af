# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Words that stay out of code, comments, messages and documents: the project's former jargon.

The terms of the field stand in docs/glossary.md.  A word that plain English needs is not here.
"""

from __future__ import annotations

import re
import shutil
import subprocess

from project import TOP

BANNED = {
    r"doors?": "method, command, bridge",
    r"houses?": "folder, package",
    r"doubt(s|ed|ful)?": "dirty, not known to be up to date",
    r"settle[sd]?|settling": "up to date, known",
    r"spare[sd]?|sparing": "save, skip; unused",
    r"whoever|whomever": "the program or person, by name",
    r"(no|some|any)body": "the loader, process, step or user, by name",
    r"who is asked|whom to ask": "the loaders that are checked",
    r"(at|by) its word": "as it is written",
    r"in vain": "without effect",
    r"this run only looks": "without -n",
    r"hereby|thereof|whereof|wherein|therein": "a plain preposition",
}
"""Patterns of words, each with what to write in its place."""
_EXEMPT = re.compile(r"^(LICENSES/|requirements/.*\.txt$|docs/map\.svg$|tests/test_words\.py$)")


def _sources() -> list[str]:
    git = shutil.which("git")
    assert git is not None
    command = [git, "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if not _EXEMPT.match(name)]


def test_no_private_words() -> None:
    words = {re.compile(rf"\b({word})\b", re.IGNORECASE): plain for word, plain in BANNED.items()}
    every = re.compile("|".join(rf"\b({word})\b" for word in BANNED), re.IGNORECASE)
    found = []
    for name in _sources():
        path = TOP / name
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if every.search(line):
                found += [
                    f"{name}:{number}: {match[0]!r}; write {plain}"
                    for word, plain in words.items()
                    for match in word.finditer(line)
                ]
    assert not found, "\n".join(found)
