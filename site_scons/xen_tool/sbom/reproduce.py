# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Build an image again from its bill of materials, and say what differs.

The sources of the checkout must be those of the documents.  The tree is copied and built with
the recorded settings and configuration.  document() returns what `xen-tool rebuild --json` prints:

    {"schema": 1, "image": NAME, "revision": TEXT or null (the revision of git),
     "same": true, false, or null (it was not built, as sources differ),
     "sha256": {"recorded": TEXT, "built": TEXT or null},
     "differences": [{"kind": "source", "tool", "configuration", "flag" or "file",
                      "name": TEXT, "place": TEXT or null,
                      "recorded": TEXT or null, "here": TEXT or null (null: there is none)}]}

A tool is a program, a library or module that it loads, or a header of the compiler.  Of the files
that steps make, only those are listed whose commands, inputs and tools are all the same.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ..build import tree
from ..build.database import FILE as DATABASE
from ..build.database import Database
from ..build.record import lines
from ..errors import XenToolError
from ..files import read_regular, write_if_changed
from ..light import NamedTuple
from ..printable import printable
from ..report.bitwise import difference
from ..toolchain.words import LAUNCHER_SETTINGS
from . import toolchain_files
from .inventory import CONFIG_FILE, values
from .parse import Built, Recorded
from .portable import BUILD, TOP, Names, is_elsewhere

SCHEMA = 1
SOURCE, TOOL, CONFIGURATION, FLAG, FILE = "source", "tool", "configuration", "flag", "file"
_SHOWN = 20
"""Largest number of differences that are shown as text."""
_NOTHING = "(nothing)"
_MACHINE = frozenset(("/etc/ld.so.cache",))
"""Files that are different on each machine, and only lists of others."""
_SAVED = ".config-of-the-documents"
"""The file with the recorded configuration, in the top of the copy."""
_UNWANTED = ("SCONSFLAGS", "KCONFIG_CONFIG", "XEN_TOOL_COMMAND")
"""Variables of the environment that would add to the recorded settings."""


class RebuildDifference(NamedTuple):
    """One difference between the recorded build and the new one."""

    kind: str
    """SOURCE, TOOL, CONFIGURATION, FLAG or FILE."""
    name: str
    recorded: str | None
    """The recorded fact; None if only the new build has it."""
    here: str | None
    """The fact now; None if only the recorded build has it."""
    place: str | None = None
    """The place of the difference in a file; None if it is unknown."""


class Rebuilt(NamedTuple):
    """The result of building again."""

    recorded: Recorded
    built: str | None
    """SHA-256 of the new image; None if it was not built, as sources differ."""
    differences: tuple[RebuildDifference, ...]

    @property
    def same(self) -> bool:
        """Whether the new image is the same, bit for bit."""
        return self.built == self.recorded.digests[self.recorded.image]


def document(found: Rebuilt) -> dict[str, Any]:
    """Return what --json prints."""
    recorded = found.recorded
    return {
        "schema": SCHEMA,
        "image": recorded.image,
        "revision": recorded.revision or None,
        "same": None if found.built is None else found.same,
        "sha256": {"recorded": recorded.digests[recorded.image], "built": found.built},
        "differences": [each._asdict() for each in found.differences],
    }


def text(found: Rebuilt) -> Iterator[str]:
    """Yield the lines that `xen-tool rebuild` prints."""
    recorded = found.recorded
    image, count = printable(recorded.image), Counter(each.kind for each in found.differences)
    if found.built is None:
        at = f"check out {recorded.revision}" if recorded.revision else "get those"
        yield f"{image} was not built again: {count[SOURCE]} of its sources differ: {printable(at)}"
    elif found.same:
        yield f"{image} is the same, bit for bit: sha256 {found.built}"
    else:
        yield f"{image} differs when it is built again"
    for each in found.differences[:_SHOWN]:
        yield f"  {each.kind} {printable(each.name)}{f': {each.place}' if each.place else ''}"
        yield f"    recorded: {_NOTHING if each.recorded is None else printable(each.recorded)}"
        yield f"    here:     {_NOTHING if each.here is None else printable(each.here)}"
    if rest := found.differences[_SHOWN:]:
        yield f"  and {len(rest)} more"


def rebuild(recorded: Recorded, top: str, image: str | None = None) -> Rebuilt:
    """Build an image again from the checkout in the folder top, an absolute path.

    image: the path of the recorded image; None if it is where its build put it.
    Raises XenToolError if the tree cannot be copied or built, or if image is not the recorded one.
    """
    if image is not None and _sha256(image) != recorded.digests[recorded.image]:
        raise XenToolError(
            f"{printable(image)}: is not the image that {printable(recorded.path)} is of"
        )
    # The documents are in sbom/ of the build directory.
    here = Names(
        top,
        _build_folder(recorded, os.path.dirname(os.path.dirname(os.path.abspath(recorded.path)))),
    )
    if differs := tuple(_changed(SOURCE, recorded.sources, recorded, here)):
        return Rebuilt(recorded, None, differs)
    used = sorted(name for name in recorded.digests.keys() - _MACHINE if is_elsewhere(name))
    tools = list(_changed(TOOL, used, recorded, here))
    with tempfile.TemporaryDirectory(prefix="xen_tool-") as folder:
        # The path of the temporary folder may have links.
        place = os.path.realpath(folder)
        there = Names(os.path.join(place, "tree"), _build_folder(recorded, f"{place}/build"))
        tree.copy(top, there.here(TOP), ())
        _build(recorded, there)
        compared = _Compared(recorded, here, there, {each.name for each in tools}, image)
        return Rebuilt(recorded, _sha256(there.path(recorded.image)), (*tools, *compared.all()))


def _build_folder(recorded: Recorded, outside: str) -> str:
    """Return the build directory for Names: as recorded, or outside if it was not in the tree."""
    folder = recorded.settings.get("O", "")
    return outside if folder.startswith(BUILD) else folder


def _changed(
    kind: str, names: Iterable[str], recorded: Recorded, here: Names
) -> Iterator[RebuildDifference]:
    """Yield the named files that are missing here, or whose content is not the recorded one."""
    for name in names:
        path = here.path(name)
        now, was = _sha256(path), recorded.digests[name]
        if now != was:
            version = recorded.versions.get(name)
            present = toolchain_files.version(path) if version and now else ""
            yield RebuildDifference(
                kind, name, _about(was, version), _about(now, present) if now else None
            )


def _about(digest: str, version: str | None) -> str:
    """Return the text for a file: the version of a program, if known, and its SHA-256."""
    return f"{version}, sha256 {digest}" if version else f"sha256 {digest}"


def _sha256(path: str) -> str | None:
    """Return the SHA-256 of a file; None if it cannot be read."""
    try:
        return hashlib.sha256(read_regular(path, "a file")[0]).hexdigest()
    except XenToolError:
        return None


def _build(recorded: Recorded, there: Names) -> None:
    """Build the image in the copy of the tree, of which there has the folders.

    Raises XenToolError if SCons fails, whose output is then printed on standard error.
    """
    top = there.here(TOP)
    saved = os.path.join(top, _SAVED)
    symbols = [f"# {n} is not set" if v == "n" else f"{n}={v}" for n, v in recorded.values.items()]
    write_if_changed(saved, "".join(f"{line}\n" for line in symbols))
    settings = (f"{name}={value}" for name, value in recorded.settings.items())
    words = map(there.here, (*settings, *recorded.words))
    options = ("-Q", "-s", f"-j{os.cpu_count() or 1}", "--cache-disable")
    run = subprocess.run(
        [sys.executable, "-m", "SCons", *options, *words, there.here(recorded.image)],
        cwd=top,
        env={
            **{name: value for name, value in os.environ.items() if name not in _UNWANTED},
            "KCONFIG_CONFIG": saved,
            "GIT_OPTIONAL_LOCKS": "0",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if run.returncode or not os.path.exists(there.path(recorded.image)):
        sys.stderr.write(run.stdout.decode("utf-8", "backslashreplace"))
        raise XenToolError(
            f"{printable(recorded.image)}: a copy of the tree cannot be built with the recorded "
            "settings, as is shown above"
        )


class _Compared:
    """The recorded build, and the new one in the copy of the tree.

    here, there: the folders of the checkout, and of the copy.  tools: the names of differing tools.
    image: as in rebuild().
    """

    def __init__(
        self, recorded: Recorded, here: Names, there: Names, tools: set[str], image: str | None
    ) -> None:
        self._recorded = recorded
        self._here = here
        self._there = there
        self._differing = tools
        """The names of files that differ, which explains differences of files made of them."""
        self._image = image
        folder = there.path(recorded.settings.get("O", ""))
        self._database = Database(os.path.join(folder, DATABASE))

    def all(self) -> Iterator[RebuildDifference]:
        """Yield the differences that others do not explain, in the order of the build."""
        made = {name for step in self._recorded.steps for name in step.outputs}
        others = self._recorded.digests.keys() - self._recorded.sources.keys() - made
        for name in self._wrong(sorted(name for name in others if not is_elsewhere(name))):
            self._differing.add(name)
            yield self._file(name)
        for step in self._recorded.steps:
            wrong = self._wrong(step.outputs)
            if not wrong:
                continue
            explained = not self._differing.isdisjoint((*step.inputs, *step.tools))
            self._differing.update(wrong)
            if wrong[0].endswith(CONFIG_FILE):
                yield from self._configuration(wrong[0])
            elif words := self._words(step):
                yield RebuildDifference(FLAG, step.title, *words)
            elif not explained:
                yield self._file(wrong[0])

    def _wrong(self, names: Iterable[str]) -> list[str]:
        """Return the names of files whose content in the copy is not the recorded one."""
        digests = self._recorded.digests
        return [name for name in names if _sha256(self._there.path(name)) != digests[name]]

    def _configuration(self, name: str) -> Iterator[RebuildDifference]:
        """Yield the symbols whose values differ; name: that of the configuration."""
        was, now = self._recorded.values, values(self._there.path(name))
        for symbol in dict.fromkeys((*was, *now)):
            if was.get(symbol) != now.get(symbol):
                yield RebuildDifference(CONFIGURATION, symbol, was.get(symbol), now.get(symbol))

    def _words(self, step: Built) -> tuple[str | None, str | None] | None:
        """Return the words that only the recorded command has, and those that only the new one has.

        Return both whole commands if they differ in the order of words, and None if they are equal
        or unknown.
        """
        record = self._database.get(self._there.here(step.outputs[0]))
        if record is None or not step.command:
            return None
        words = (*lines(self._database.text(record.flags)), *lines(record.files))
        # The database has a dot for the tree, and begins with settings of the launcher.
        new = [self._there.word(each) for each in words if not each.startswith(LAUNCHER_SETTINGS)]
        was, now = ([w.replace(TOP, os.curdir) for w in each] for each in (step.command, new))
        if was == now:
            return None
        gone, come = Counter(was) - Counter(now), Counter(now) - Counter(was)
        if not (gone or come):
            # They are in another order.
            return shlex.join(was), shlex.join(now)
        return shlex.join(gone.elements()) or None, shlex.join(come.elements()) or None

    def _file(self, name: str) -> RebuildDifference:
        """Return the difference of a file: its place if the recorded file is here, else SHA-256."""
        was = self._recorded.digests[name]
        now = _sha256(self._there.path(name))
        is_image = name == self._recorded.image
        path = self._image if is_image and self._image else self._here.path(name)
        if now is not None and _sha256(path) == was:
            contents = (read_regular(each, "a file")[0] for each in (path, self._there.path(name)))
            found = difference(*contents)
            if found is not None:
                return RebuildDifference(FILE, name, found.here, found.there, found.place)
        return RebuildDifference(FILE, name, _about(was, None), now and _about(now, None))
