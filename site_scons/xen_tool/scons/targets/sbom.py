# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenSbom(): add an alias that writes a software bill of materials of an image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from SCons.Errors import BuildError
from SCons.Script import GetOption

from ...errors import print_message
from ..graph.nodes import Graph
from ..paths import path_of
from ..settings import project_words, wants_provenance
from ..user_errors import no_image, one_image, while_building, while_reading

if TYPE_CHECKING:
    from ...sbom.spdx import About

_FOLDER = "sbom"
_images: dict[Graph, set[str]] = {}
"""The images of each graph that have a bill of materials."""


@while_reading
def xen_sbom(
    env: Any,
    target: str,
    image: Sequence[Any],
    *,
    name: str | None = None,
    version: str | None = None,
    supplier: str | None = None,
    licence: str = "",
) -> list[Any]:
    """env.XenSbom(): add an alias that writes SPDX documents of an image.

    They are in $XEN_BUILD/sbom/, or, for several images, in sbom/IMAGE/.  The documents contain
    name (default: that of the image), version (the start of its SHA-256), supplier (none) and
    licence (that of its sources).  With --provenance, its provenance is written beside them.
    """
    node = one_image(env, "XenSbom", image)
    graph: Graph = env["XEN_GRAPH"]
    path = path_of(node)
    if not hasattr(node.attributes, "xen_requirement"):
        raise no_image("XenSbom", node)
    _images.setdefault(graph, set()).add(path)

    def action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        from ...sbom import spdx, writing

        about = spdx.About(
            name or os.path.basename(path),
            version or "",
            supplier or "NOASSERTION",
            writing.created(graph.top),
            licence,
            writing.revision(graph.top),
            _settings(graph.env),
            tuple(project_words(graph.env["XEN_SETTINGS"])),
        )
        _write(graph, path, about, strict=env["XEN_SETTINGS"].get("SBOM_STRICT") == "1")

    alias = env.Alias(target, node, env.Action(while_building(action), cmdstr=None))
    env.AlwaysBuild(alias)
    return list(alias)


def _write(graph: Graph, path: str, about: About, *, strict: bool) -> None:
    """Write the documents of an image, and print warnings.

    Raises BuildError if strict, and there are warnings.
    """
    from ...sbom import writing

    folder = f"{graph.plan.folder}/{_FOLDER}"
    if len(_images[graph]) > 1:
        folder += path.removeprefix(graph.plan.folder)
    problems = writing.write(
        graph.plan,
        graph.session.database,
        graph.session.contents,
        path,
        folder,
        about,
        graph.others.files(),
        provenance=wants_provenance(),
    )
    for problem in problems:
        print_message(problem, "warning")
    if problems and strict:
        raise BuildError(errstr=f"{len(problems)} of the warnings above, and SBOM_STRICT=1")
    if not GetOption("silent"):
        print(f"{path}: its bill of materials is in {folder}")


def _settings(env: Any) -> dict[str, str]:
    """Return the settings that decide what is built."""
    from ...sbom.spdx import SETTINGS

    settings = {**env["XEN_SETTINGS"].tool, "ARCH": env["XEN_CONFIG"].arch.name}
    settings["O"] = path_of(env["XEN_BUILD"])
    return {name: settings[name] for name in SETTINGS if name in settings}
