# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The target report: build the requested image and write $O/report.html about it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ...abi import PAGE_SIZE
from ...boot.console import log
from ...errors import XenToolError
from ...files import write_if_changed
from ...report import page
from ...report.image_report import read_report
from ...report.map.maps import read_maps
from ...sbom import writing
from ..graph.nodes import Graph
from ..graph.short_names import REPORT
from ..paths import path_of
from ..user_errors import while_building, while_reading
from . import size

_FILE = "report.html"
_PAGES = (256 << 20) // PAGE_SIZE
"""Pages of memory of the guest in the maps, as in xen-tool map."""


@while_reading
def target(graphs: Sequence[Graph], folder: str) -> Any:
    """Return the node of the target; another requested name is relative to folder."""
    env = graphs[0].env
    images = size.images_besides(REPORT, folder)
    if len(images) != 1:
        raise XenToolError(f"{REPORT}: name one image that XenImage makes: scons {REPORT} IMAGE")

    def action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        _write(images[0])

    (alias,) = env.Alias(REPORT, images, env.Action(while_building(action), cmdstr=None))
    env.AlwaysBuild(alias)
    return alias


def _write(node: Any) -> None:
    """Write the page about an image, and print its path."""
    graph: Graph = node.attributes.xen_graph
    image, folder, requirement = path_of(node), graph.plan.folder, node.attributes.xen_requirement
    configuration = graph.env["XEN_CONFIG"]
    session = graph.session
    licences = writing.licences(
        graph.plan, session.database, session.contents, image, graph.others.files()
    )
    sections = [
        page.verdicts(read_report(image, requirement.xen, requirement.loaders)),
        page.maps(read_maps(image, requirement.xen, requirement.loaders, pages=_PAGES)),
        page.sizes(*size.measured(node)),
        page.configuration(configuration.values, configuration.origins),
        page.licences(licences.by_path, licences.problems),
        page.boots(_logs(folder)),
    ]
    path = f"{folder}/{_FILE}"
    about = f"built for {configuration.arch.name}, and checked as by Xen {requirement.xen}"
    write_if_changed(path, page.page(image, about, sections))
    print(path)


def _logs(folder: str) -> dict[str, str]:
    """Return the text of each boot's console by the name of its log, the newest first."""
    found = sorted(log.folder(folder).glob("*.log"), key=os.path.getmtime, reverse=True)
    return {path.stem: path.read_text(encoding="utf-8", errors="replace") for path in found}
