# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write the documents of an image if they are not up to date, and report problems of licences."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Collection, Container, Iterator
from typing import Any

from ..build.contents import Contents
from ..build.database import Database
from ..build.plan import Plan
from ..errors import XenToolError
from ..files import write_if_changed
from ..light import NamedTuple
from . import inventory as inventories
from . import licences as found_licences
from . import portable, spdx
from . import provenance as slsa
from .inventory import Digests, Inventory
from .toolchain_files import Programs

_KEPT = ".kept.json"
"""A file beside the documents, by which write() knows whether they are up to date."""

_FIELDS = {"mark", "documents", "problems", "digests", "programs"}
"""The fields of this file: the digest of all inputs, SHA-256 of each document, the problems of
licences, and what Digests and Programs knew."""
_SHORT = 12
"""Digits of a SHA-256 that serve as a version."""
_SHA1 = 40
"""Hexadecimal digits of a SHA-1."""


def created(top: str) -> str:
    """Return the creation time for the documents, the same for a repeated build.

    It is SOURCE_DATE_EPOCH, else the time of git's newest commit, else 1970-01-01T00:00:00Z.
    Raises XenToolError if SOURCE_DATE_EPOCH is not a time.
    """
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or _commit(top)[0] or "0"
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(seconds)))
    except (ValueError, OverflowError, OSError):
        raise XenToolError(f"SOURCE_DATE_EPOCH={seconds} is no number of seconds") from None


def revision(top: str) -> str:
    """Return the revision of git that is checked out; "" if there is none, or not a SHA-1."""
    found = _commit(top)[1]
    # SWHIDs, the identifiers in spdx.py, have no form for a repository that uses SHA-256.
    return found if len(found) == _SHA1 else ""


@functools.cache
def _commit(top: str) -> tuple[str, str]:
    """Return the time, in seconds since 1970, and the hash of git's newest commit; or "", ""."""
    try:
        command = ["git", "-C", top, "log", "-1", "--format=%ct %H"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "", ""
    seconds, _, found = run.stdout.strip().partition(" ") if run.returncode == 0 else ("", "", "")
    return seconds, found


def write(
    plan: Plan,
    database: Database,
    contents: Contents,
    image: str,
    folder: str,
    about: spdx.About,
    generated: Collection[str],
    *,
    provenance: bool,
) -> list[str]:
    """Write the documents of an image into folder; return the problems that _problems() finds.

    image: its path from the current folder, which must be the top of the tree.
    generated: files that are made by something else than a step of the plan.
    provenance: whether to write the SLSA statement, too; an existing one is kept up to date anyway.

    Nothing is written if the documents are as they were written last, and no input has changed.
    Raises XenToolError if a step has no record, or if a file cannot be read or written.
    """
    place = os.path.join(folder, _KEPT)
    kept = _read(place)
    mark = _mark(plan, database, contents, image, (about, *sorted(generated)))
    statement = os.path.join(folder, slsa.NAME)
    provenance = provenance or os.path.lexists(statement)
    is_known = not provenance or slsa.NAME in kept.get("documents", ())
    if kept.get("mark") == mark and is_known and _are_there(folder, kept["documents"]):
        return list(kept["problems"])
    cache = Digests(kept.get("digests", {}))
    programs = Programs(contents, kept.get("programs", {}))
    inventory = inventories.read(plan, database, contents, image, cache, programs)
    within = portable.Names(os.getcwd(), plan.folder)
    about = about._replace(
        version=about.version or inventory.digests[inventory.image][:_SHORT],
        settings={name: within.word(value) for name, value in about.settings.items()},
        words=tuple(map(within.word, about.words)),
    )
    licences = {path: found_licences.licence(path) for path in _sources(inventory, plan, generated)}
    texts = spdx.documents(inventory, licences, about)
    if provenance:
        texts[slsa.NAME] = slsa.statement(inventory, plan.symbols, about)
    for name, text in texts.items():
        write_if_changed(os.path.join(folder, name), text)
    now = {
        "mark": mark,
        "documents": {name: _sha256(text.encode()) for name, text in texts.items()},
        "problems": list(_problems(inventory, licences)),
        "digests": cache.used,
        "programs": programs.used,
    }
    write_if_changed(place, json.dumps(now))
    return list(now["problems"])


class Licences(NamedTuple):
    """The licences that the sources of an image state."""

    by_path: dict[str, str]
    """Licence expressions; "" if a file states none."""
    problems: list[str]


def licences(
    plan: Plan, database: Database, contents: Contents, image: str, generated: Container[str]
) -> Licences:
    """Return the licences of the sources of an image, and the problems that write() returns.

    Raises XenToolError if a step has no record, or if a file cannot be read.
    """
    none, programs = Digests({}), Programs(contents, {})
    inventory = inventories.read(plan, database, contents, image, none, programs)
    found = {path: found_licences.licence(path) for path in _sources(inventory, plan, generated)}
    return Licences(found, list(_problems(inventory, found)))


def _read(path: str) -> dict[str, Any]:
    """Return the fields of a file _KEPT; {} if it cannot be read, or lacks a field."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        return found if found.keys() >= _FIELDS else {}
    except (OSError, ValueError, AttributeError):
        return {}


def _are_there(folder: str, documents: dict[str, str]) -> bool:
    """Whether the documents in a folder have these SHA-256 digests, by name."""
    try:
        for name, digest in documents.items():
            with open(os.path.join(folder, name), "rb") as file:
                if _sha256(file.read()) != digest:
                    return False
    except OSError:
        return False
    return True


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _mark(
    plan: Plan, database: Database, contents: Contents, image: str, about: tuple[object, ...]
) -> str:
    """Return a digest of all inputs of the documents, and of the modules that make them."""
    digest = hashlib.sha256(repr((about, plan.folder, sorted(plan.symbols.items()))).encode())
    here = os.path.dirname(__file__)
    for name in sorted(os.listdir(here)):
        if name.endswith(".py"):
            digest.update(contents.digest(os.path.join(here, name)).encode())
    rows: dict[str, str] = {}
    for step in plan.closure([image], lambda each: inventories.recorded(database, each)):
        record = database.get(step.path)
        if record is None:
            continue
        for numbers in (record.inputs, record.outputs, database.text(record.group)):
            if numbers not in rows:
                rows[numbers] = repr(list(database.rows(numbers)))
            digest.update(rows[numbers].encode("utf-8", "surrogateescape"))
        words = (record.signature, record.symbols, record.dirty, database.text(record.provided))
        digest.update(repr(words).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _sources(inventory: Inventory, plan: Plan, generated: Container[str]) -> list[str]:
    """Return the names of the files of the tree that are neither made by anything nor tools."""
    tools = {path for step in inventory.steps for path in step.tools}
    return [
        path
        for path in inventory.digests
        if not (path in inventory.made or path in tools or path in generated)
        and not portable.is_elsewhere(path)
        and not path.startswith((f"{plan.folder}/", os.pardir, portable.BUILD))
    ]


def _problems(inventory: Inventory, licences: dict[str, str]) -> Iterator[str]:
    """Yield the problems as messages: no licence, licences in conflict, inputs that are unknown."""
    for path, expression in licences.items():
        if not expression:
            yield f"{path} states no licence: add a line SPDX-License-Identifier"
    for found in found_licences.conflicts(licences):
        yield (
            f"{found.path} ({found.licence}) and {found.other} ({found.other_licence}) are in one "
            "image, and their licences exclude each other"
        )
    for step in inventory.steps:
        if step.incomplete:
            yield f"{step.path}: not all files that it was made of are known: {step.incomplete}"
