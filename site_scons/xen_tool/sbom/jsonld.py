# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""One SPDX 3.0.1 document in JSON-LD: a list of elements.  Used by spdx."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

_CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
_DATA_LICENCE = "CC0-1.0"
_TOOL = "xen_tool"

Element = dict[str, Any]


class Document:
    """The elements of one document.

    base: the start of identifiers, shared by documents that belong together.
    kind: the name of this one among them.  name: the name of the image.
    created: the time of creation, as 2026-01-31T12:00:00Z.
    """

    def __init__(self, base: str, kind: str, name: str, created: str) -> None:
        self.base = f"{base}/{kind}#"
        self._name = f"{name}: {kind}"
        self._created = created
        self.elements: list[Element] = []
        self.imports: dict[str, str] = {}
        """File names of imported documents, by the identifiers of elements in them."""

    def id(self, name: str) -> str:
        """Return the identifier of an element of this document; name: its last part, unquoted."""
        return self.base + quote(name, safe="/.+-_~")

    def add(self, kind: str, part: str, /, **properties: Any) -> str:
        """Add an element of the type kind; return its identifier, which ends in part.

        Properties that are None, "" or [] are left out.
        """
        spdx_id = self.id(part)
        filled = {key: value for key, value in properties.items() if value not in (None, [], "")}
        self.elements.append(
            {"type": kind, "spdxId": spdx_id, "creationInfo": "_:created", **filled}
        )
        return spdx_id

    def relate(self, one: str, kind: str, others: Sequence[str], scope: str = "") -> None:
        """Add a relationship of an element to others; nothing if there are no others.

        kind: its relationshipType.  scope: the phase of the lifecycle, such as build; "" for any.
        """
        if not others:
            return
        number = f"relationship-{len(self.elements)}"
        name = "LifecycleScopedRelationship" if scope else "Relationship"
        ends = {"from": one, "to": list(others)}
        self.add(name, number, relationshipType=kind, scope=scope, **ends)

    def copy(self, other: Document, document: str, spdx_id: str) -> None:
        """Copy an element of another document, for readers that have only this one.

        document: the file name of the other one.
        """
        self.elements += [each for each in other.elements if each["spdxId"] == spdx_id]
        self.imports[spdx_id] = document

    def text(self, root: str, sbom_type: str, profiles: Sequence[str]) -> str:
        """Return the document as JSON, after adding the elements that describe the document itself.

        root: the identifier of its subject.  sbom_type: such as build.
        profiles: those of SPDX that it conforms to, besides core and software.
        """
        agent = self.add("SoftwareAgent", "agent", name=_TOOL)
        licence = self.add(
            "simplelicensing_LicenseExpression",
            "data-licence",
            simplelicensing_licenseExpression=_DATA_LICENCE,
        )
        members = [element["spdxId"] for element in self.elements]
        sbom = self.add(
            "software_Sbom",
            "sbom",
            rootElement=[root],
            element=members,
            software_sbomType=[sbom_type],
        )
        self.add(
            "SpdxDocument",
            "document",
            name=self._name,
            rootElement=[sbom],
            element=[*members, sbom],
            dataLicense=licence,
            profileConformance=["core", "software", *profiles],
            **{
                "import": [
                    {"type": "ExternalMap", "externalSpdxId": spdx_id, "locationHint": document}
                    for spdx_id, document in sorted(self.imports.items())
                ]
            },
        )
        created = {
            "type": "CreationInfo",
            "@id": "_:created",
            "specVersion": "3.0.1",
            "created": self._created,
            "createdBy": [agent],
        }
        graph = [created, *self.elements]
        return json.dumps({"@context": _CONTEXT, "@graph": graph}, indent=1) + "\n"
