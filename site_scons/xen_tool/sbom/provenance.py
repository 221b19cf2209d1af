# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Format an inventory as an in-toto statement with SLSA provenance v1, ready to be signed.

The subject is the image; resolvedDependencies are the revision of git, each source, and each
program of the toolchain, with its hash.  (https://in-toto.io/Statement/v1,
https://slsa.dev/provenance/v1)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .. import __version__
from .inventory import Inventory
from .portable import TOP
from .spdx import About

NAME = "provenance.intoto.json"
_BUILD_TYPE = "urn:xen_tool:image"
_BUILDER = "urn:xen_tool:builder"


def statement(inventory: Inventory, symbols: Mapping[str, str], about: About) -> str:
    """Return the statement as JSON; symbols: configuration values by name without CONFIG_."""
    digests = inventory.digests
    read = {path for step in inventory.steps for path in (*step.inputs, *step.tools)}
    revision = {"name": TOP, "digest": {"gitCommit": about.revision}}
    document: dict[str, Any] = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [_resource(inventory.image, digests[inventory.image])],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD_TYPE,
                "externalParameters": {
                    "target": inventory.image,
                    "settings": dict(about.settings),
                    "words": list(about.words),
                    "configuration": {f"CONFIG_{name}": v for name, v in symbols.items()},
                },
                "internalParameters": {
                    "steps": [[step.path, list(step.command)] for step in inventory.steps]
                },
                "resolvedDependencies": [
                    *([revision] if about.revision else []),
                    *(_resource(path, digests[path]) for path in sorted(read - inventory.made)),
                ],
            },
            "runDetails": {
                "builder": {"id": _BUILDER, "version": {"xen_tool": __version__}},
                "byproducts": [
                    _resource(path, digests[path])
                    for path in sorted(inventory.made)
                    if path != inventory.image
                ],
            },
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _resource(path: str, digest: str) -> dict[str, Any]:
    return {"name": path, "digest": {"sha256": digest}}
