# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Format an inventory as three SPDX 3.0.1 documents in JSON-LD.

Their names and their parts are those of the documents that Linux makes for itself:

    sbom-source.spdx.json  the files of the tree that were read, and their licences
    sbom-build.spdx.json   each step as a Build, with its command, inputs, outputs, tools and
                           configuration symbols; files that are not sources
    sbom-output.spdx.json  the image as a Package, its build and its configuration

Elements refer to each other by their spdxId also across documents, which import them.
Identifiers are derived from the contents, so the same build gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from ..light import NamedTuple
from . import portable
from .inventory import Inventory, RecordedStep
from .jsonld import Document, Element

SOURCE, BUILD, OUTPUT = (f"sbom-{name}.spdx.json" for name in ("source", "build", "output"))
STEP_TYPE = "urn:xen_tool:step"
IMAGE_TYPE = "urn:xen_tool:image"
"""The types of Builds: of one step, and of all steps of an image."""
TARGET = "target"
"""The parameter, of the Build of all steps, with the name of the image.  Its other parameters are
SETTINGS, words of the command line, and CONFIG_ symbols as a saved configuration has them."""
SETTINGS = (
    *("ARCH", "O", "TOOLCHAIN", "CROSS_COMPILE", "LLVM", "CC", "CC_LAUNCHER", "LD"),
    *("LOADERS", "XEN_RELEASE"),
)
"""The settings of the command line that decide what is built."""
WORD = "word["
"""The start of the names of parameters with further words of the command line."""
REVISION = "swh:1:rev:"
"""The start of the identifier of a revision of git (www.swhid.org)."""


class About(NamedTuple):
    """Facts about an image that do not follow from its build."""

    name: str
    version: str
    supplier: str
    created: str
    """The time of creation, as 2026-01-31T12:00:00Z."""
    licence: str = ""
    """The licence of the image; "": that of together(), from its sources."""
    revision: str = ""
    """The revision of git that was checked out: 40 hexadecimal digits; "" if there is none."""
    settings: Mapping[str, str] = {}
    """The values of SETTINGS that the command line has, by name."""
    words: tuple[str, ...] = ()
    """Further words of the command line: those that name the SConstruct, or that it interprets."""


def documents(inventory: Inventory, licences: Mapping[str, str], about: About) -> dict[str, str]:
    """Return the texts of the three documents by file name.

    licences: the sources, by name, and their licence expressions; "" if a file states none.
    """
    base = f"https://spdx.org/spdxdocs/{quote(about.name)}-{fingerprint(inventory)[:32]}"
    source = Document(base, "source", about.name, about.created)
    build = Document(base, "build", about.name, about.created)
    output = Document(base, "output", about.name, about.created)
    ids: dict[str, str] = {}
    _describe_sources(source, inventory, licences, ids, about.revision)
    packages = _describe_files(build, inventory, licences, ids)
    whole = _describe_steps(build, inventory, ids, about)
    build.relate(whole, "usesTool", packages, "build")
    build.imports = {ids[path]: SOURCE for path in licences}
    _describe_image(output, build, inventory, licences, ids, whole, about)
    return {
        SOURCE: source.text(source.id("tree"), "source", ["simpleLicensing"]),
        BUILD: build.text(whole, "build", ["build", "simpleLicensing"]),
        OUTPUT: output.text(output.id("image"), "build", ["build", "simpleLicensing"]),
    }


def fingerprint(inventory: Inventory) -> str:
    """Return the SHA-256 of an inventory's steps and of the digests of its files."""
    return hashlib.sha256(
        json.dumps([inventory.steps, dict(inventory.digests)]).encode()
    ).hexdigest()


def _hashes(digest: str) -> list[Element]:
    return [{"type": "Hash", "algorithm": "sha256", "hashValue": digest}]


def _describe_sources(
    document: Document,
    inventory: Inventory,
    licences: Mapping[str, str],
    ids: dict[str, str],
    revision: str,
) -> None:
    """Add the tree and its sources, with their licences; add the sources' identifiers to ids."""
    identifier = {
        "type": "ExternalIdentifier",
        "externalIdentifierType": "swhid",
        "identifier": f"{REVISION}{revision}",
    }
    tree = document.add(
        "software_File",
        "tree",
        name=portable.TOP,
        software_fileKind="directory",
        software_primaryPurpose="source",
        externalIdentifier=[identifier] if revision else [],
    )
    for path in licences:
        ids[path] = document.add(
            "software_File",
            f"file/{path}",
            name=path,
            software_primaryPurpose="source",
            verifiedUsing=_hashes(inventory.digests[path]),
        )
    document.relate(tree, "contains", [ids[path] for path in licences])
    _licence(document, licences, ids)


def _licence(document: Document, licences: Mapping[str, str], ids: Mapping[str, str]) -> None:
    """Add the licence expressions, and which sources declare them."""
    by_expression: dict[str, list[str]] = {}
    for path, expression in licences.items():
        if expression:
            by_expression.setdefault(expression, []).append(path)
    for expression, paths in by_expression.items():
        named = document.add(
            "simplelicensing_LicenseExpression",
            f"licence/{expression}",
            simplelicensing_licenseExpression=expression,
        )
        for path in paths:
            document.relate(ids[path], "hasDeclaredLicense", [named])


def _describe_files(
    document: Document, inventory: Inventory, licences: Mapping[str, str], ids: dict[str, str]
) -> list[str]:
    """Add all files but the sources, and the toolchains' programs as packages.

    Add the identifiers of the files to ids.  Return the identifiers of the packages.
    """
    tools = {path for step in inventory.steps for path in step.tools}
    for path, digest in inventory.digests.items():
        if path in licences:
            continue
        purpose = "application" if path in tools else "other"
        if path == inventory.image:
            purpose = "executable"
        ids[path] = document.add(
            "software_File",
            f"file/{path}",
            name=path,
            software_primaryPurpose=purpose,
            verifiedUsing=_hashes(digest),
        )
    packages = []
    for path, program in sorted(inventory.programs.items()):
        package = document.add(
            "software_Package",
            f"tool/{path}",
            name=os.path.basename(path),
            software_packageVersion=program.version,
            software_primaryPurpose="application",
            verifiedUsing=_hashes(inventory.digests[path]),
        )
        document.relate(package, "contains", [ids[path]])
        packages.append(package)
    return packages


def _entries(pairs: Iterable[tuple[str, str]]) -> list[Element]:
    return [{"type": "DictionaryEntry", "key": key, "value": value} for key, value in pairs]


def _describe_steps(
    document: Document,
    inventory: Inventory,
    ids: Mapping[str, str],
    about: About,
) -> str:
    """Add a Build for each step, and one of all steps; return the identifier of the latter."""
    config = inventory.configuration
    words = [(f"{WORD}{number}]", word) for number, word in enumerate(about.words)]
    whole = document.add(
        "build_Build",
        "build",
        name=f"build of {inventory.image}",
        build_buildType=IMAGE_TYPE,
        build_buildId=fingerprint(inventory),
        build_configSourceUri=[ids[config]] if config else [],
        build_configSourceDigest=_hashes(inventory.digests[config]) if config else [],
        build_configSourceEntrypoint=[config] if config else [],
        build_parameter=_entries(
            [(TARGET, inventory.image), *about.settings.items(), *words, *inventory.values.items()]
        ),
    )
    steps = []
    for step in inventory.steps:
        found = document.add(
            "build_Build",
            f"step/{step.path}",
            name=f"{step.name} {step.path}",
            build_buildType=STEP_TYPE,
            build_buildId=step.path,
            comment=shlex.join(step.command),
            build_parameter=_entries(_parameters(step)),
        )
        steps.append(found)
        document.relate(found, "hasInput", [ids[path] for path in step.inputs], "build")
        document.relate(found, "hasOutput", [ids[path] for path in step.outputs], "build")
        document.relate(found, "usesTool", [ids[path] for path in step.tools], "build")
    document.relate(whole, "ancestorOf", steps)
    return whole


def _parameters(step: RecordedStep) -> Iterable[tuple[str, str]]:
    """Yield the parameters of a step's Build: its command, its symbols, and what is incomplete."""
    for number, word in enumerate(step.command):
        yield f"argv[{number}]", word
    for name, value in step.symbols.items():
        yield f"CONFIG_{name}", value
    if step.incomplete:
        yield "incomplete", step.incomplete


def _describe_image(
    document: Document,
    build: Document,
    inventory: Inventory,
    licences: Mapping[str, str],
    ids: Mapping[str, str],
    whole: str,
    about: About,
) -> None:
    """Add the image as a package, and its licence; whole: the identifier of its Build."""
    supplier = document.add("Organization", "supplier", name=about.supplier)
    image = inventory.image
    package = document.add(
        "software_Package",
        "image",
        name=about.name,
        software_packageVersion=about.version,
        # Readers such as sbom-cve-check take packages that are installed, and their Builds.
        software_primaryPurpose="install",
        software_additionalPurpose=["operatingSystem"],
        suppliedBy=supplier,
        originatedBy=[supplier],
        verifiedUsing=_hashes(inventory.digests[image]),
    )
    document.copy(build, BUILD, ids[image])
    document.copy(build, BUILD, whole)
    if inventory.configuration:
        document.imports[ids[inventory.configuration]] = BUILD
    document.relate(package, "hasDistributionArtifact", [ids[image]])
    document.relate(package, "contains", [ids[image]])
    document.relate(whole, "hasOutput", [ids[image], package], "build")
    expression = about.licence or together(licences.values())
    if expression:
        licence = document.add(
            "simplelicensing_LicenseExpression",
            f"licence/{expression}",
            simplelicensing_licenseExpression=expression,
        )
        document.relate(package, "hasDeclaredLicense", [licence])
        document.relate(package, "hasConcludedLicense", [licence])


def together(expressions: Iterable[str]) -> str:
    """Return the licence of something made from files with these licences: all, joined by AND."""
    each = sorted(set(filter(None, expressions)))
    if len(each) < 2:
        return "".join(each)
    return " AND ".join(f"({one})" if " " in one else one for one in each)
