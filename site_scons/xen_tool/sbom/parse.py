# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read the documents that spdx.py writes, to build an image again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import XenToolError
from ..files import read_regular
from ..light import NamedTuple
from ..printable import printable
from . import spdx

_ARGUMENT = "argv["
_CONFIG = "CONFIG_"


class Built(NamedTuple):
    """A step as it is recorded."""

    title: str
    """Its name in the output of the build and its first output, such as "CC build/main.o"."""
    command: tuple[str, ...]
    """() for a function of this tool."""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tools: tuple[str, ...]
    """The programs and modules that it ran, and the files that these loaded."""


class Recorded(NamedTuple):
    """What documents say of the build of an image; files are named as portable.py says."""

    path: str
    """The path of the document of the build."""
    image: str
    revision: str
    """The revision of git; "" if none was checked out."""
    settings: Mapping[str, str]
    words: tuple[str, ...]
    """Further words of the command line."""
    values: Mapping[str, str]
    """The CONFIG_ symbols, as inventory.values() returns them."""
    sources: Mapping[str, str]
    """SHA-256 of the files of the tree by name."""
    digests: Mapping[str, str]
    """SHA-256 of all files by name."""
    versions: Mapping[str, str]
    """The versions of the toolchain's programs by name; "" if a program prints none."""
    steps: tuple[Built, ...]
    """In an order in which they can run."""


def read(path: str) -> Recorded:
    """Read the document of a build and, beside it, that of its sources.

    path: the document, or the folder that it is in.
    Raises XenToolError if a document cannot be read, or does not have what spdx.py writes.
    """
    if os.path.isdir(path):
        path = os.path.join(path, spdx.BUILD)
    try:
        return _recorded(path, _Elements(path), _Elements(_beside(path, spdx.SOURCE)))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise XenToolError(
            f"{printable(path)}: is no {spdx.BUILD} of `scons sbom` with {spdx.SOURCE} beside it"
        ) from error


def _beside(path: str, name: str) -> str:
    return os.path.join(os.path.dirname(path), name)


class _Elements:
    """The elements of the document at path.

    Raises XenToolError if it cannot be read, and other exceptions if it is not as expected.
    """

    def __init__(self, path: str) -> None:
        content, _ = read_regular(path, f"the file {spdx.BUILD} that `scons sbom` writes")
        graph = json.loads(content)["@graph"]
        self._all = [each for each in graph if "spdxId" in each]
        self._relations: dict[tuple[str, str], list[str]] = {
            (each["from"], each["relationshipType"]): each["to"]
            for each in self._all
            if "relationshipType" in each
        }

    def of(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield the elements of a type, such as software_File."""
        return (each for each in self._all if each["type"] == kind)

    def related(self, one: str, kind: str) -> list[str]:
        """Return the identifiers of elements to which one has a relationship, such as hasInput."""
        return self._relations.get((one, kind), [])


def _recorded(path: str, build: _Elements, source: _Elements) -> Recorded:
    """Return what two documents say; raise as read() catches if they are not as spdx.py writes."""
    # sbom-output.spdx.json has this element, too, but no steps, so it is refused below.
    (whole,) = (each for each in _builds(build) if each["build_buildType"] == spdx.IMAGE_TYPE)
    parameters = _parameters(whole)
    names: dict[str, str] = {}
    sources = dict(_files(source, names))
    digests = {**sources, **dict(_files(build, names))}
    steps = []
    for each in _builds(build):
        if each["build_buildType"] == spdx.STEP_TYPE:
            files = (
                tuple(names[one] for one in build.related(each["spdxId"], kind))
                for kind in ("hasInput", "hasOutput", "usesTool")
            )
            steps.append(Built(each["name"], _words(_parameters(each), _ARGUMENT), *files))
    if not steps:
        raise ValueError
    versions = {
        names[one]: package.get("software_packageVersion", "")
        for package in build.of("software_Package")
        for one in build.related(package["spdxId"], "contains")
    }
    return Recorded(
        path,
        parameters[spdx.TARGET],
        _revision(source),
        {name: parameters[name] for name in spdx.SETTINGS if name in parameters},
        _words(parameters, spdx.WORD),
        {name: value for name, value in parameters.items() if name.startswith(_CONFIG)},
        sources,
        digests,
        versions,
        tuple(steps),
    )


def _builds(build: _Elements) -> Iterator[dict[str, Any]]:
    return build.of("build_Build")


def _parameters(build: Mapping[str, Any]) -> dict[str, str]:
    return {each["key"]: each.get("value", "") for each in build.get("build_parameter", [])}


def _words(parameters: Mapping[str, str], start: str) -> tuple[str, ...]:
    """Return the values of the parameters whose keys begin with start, in order."""
    return tuple(value for key, value in parameters.items() if key.startswith(start))


def _files(document: _Elements, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the SHA-256 of each file; add the name to names, by its identifier."""
    for each in document.of("software_File"):
        if "verifiedUsing" in each:
            (digest,) = each["verifiedUsing"]
            names[each["spdxId"]] = each["name"]
            yield each["name"], digest["hashValue"]


def _revision(source: _Elements) -> str:
    """Return the revision of git in the document of the sources; "" if it has none."""
    for each in source.of("software_File"):
        for identifier in each.get("externalIdentifier", []):
            return str(identifier["identifier"]).removeprefix(spdx.REVISION)
    return ""
