# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The target size: build the requested images and print the sizes of their parts.

The linker's map names the object that each byte comes from.  The link is run once more for it, in a
temporary folder, so ordinary builds pay nothing.  Without AGAINST= the change since the last run
of this target is shown: $O/.sizes/IMAGE.json has its sizes, and IMAGE.history.json those of earlier
runs.  AGAINST= names another image, or a revision of git, which is built in a temporary folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from SCons.Errors import BuildError

from ...build.database import FILE as DATABASE
from ...build.database import Database
from ...build.record import lines
from ...build.step import LINK
from ...errors import XenToolError
from ...files import write_if_changed
from ...functions import UNCHECKED
from ...json_text import pieces
from ...light import NamedTuple
from ...report.size import history, linker_map, size_text
from ...report.size.history import Entry
from ...report.size.parts import Placed
from ...report.size.sizes import Sizes, document, read_sizes
from ...report.size.sizes import stored as stored_sizes
from ...sbom.writing import revision
from ..graph.nodes import Graph
from ..graph.request import arguments, nodes_besides
from ..graph.short_names import SIZE
from ..graph.step_file import StepFile
from ..paths import path_of
from ..settings import print_json, wants_json
from ..user_errors import while_building, while_reading

_KEPT = ".sizes"
_HISTORY = ".history.json"


@while_reading
def target(graphs: Sequence[Graph], folder: str) -> Any:
    """Return the node of the target; other requested names are relative to folder."""
    env = graphs[0].env
    images: list[Any] = []

    def action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        for image in images:
            _print_sizes(image)

    (alias,) = env.Alias(SIZE, [], env.Action(while_building(action), cmdstr=None))
    env.AlwaysBuild(alias)
    images += images_besides(SIZE, folder)
    if not images:
        raise XenToolError(f"{SIZE}: name an image that XenImage makes: scons {SIZE} IMAGE")
    env.Depends(alias, images)
    return alias


def images_besides(target: str, folder: str) -> list[Any]:
    """Return the images of XenImage among the other requested or default targets."""
    return [
        node
        for node in dict.fromkeys(nodes_besides(target, folder))
        if isinstance(node, StepFile) and hasattr(node.attributes, "xen_requirement")
    ]


def _print_sizes(node: Any) -> None:
    sizes, before, _ = measured(node)
    if wants_json():
        print_json(document(sizes, before))
    else:
        print("\n".join(size_text.lines(sizes, before)))


class Measured(NamedTuple):
    """The sizes of an image, and earlier ones."""

    sizes: Sizes
    before: Sizes | None
    """Those to compare with."""
    history: Sequence[Entry]


def measured(node: Any) -> Measured:
    """Return the sizes of an image, and those to compare with: AGAINST='s, or the last run's.

    Writes the sizes to $O/.sizes/, for later runs.
    """
    graph: Graph = node.attributes.xen_graph
    image = path_of(node)
    step = graph.plan.steps.get(f"{image}{UNCHECKED}")
    # Post-link commands may come between.
    while step is not None and step.action != LINK:
        step = graph.plan.steps.get(step.inputs[0]) if step.inputs else None
    placed = None
    if step is not None:
        argv = [*step.flags, *step.files]
        placed = _placed(argv, step.path, graph.top, graph.plan.folder)
    sizes = read_sizes(image, placed)
    relative = os.path.relpath(image, graph.plan.folder)
    kept, past = (f"{graph.plan.folder}/{_KEPT}/{relative}{end}" for end in (".json", _HISTORY))
    against = graph.env["XEN_SETTINGS"].get("AGAINST")
    before = stored_sizes(kept) if against is None else _other(graph, image, against)
    write_if_changed(kept, "".join(pieces(document(sizes, None))))
    now = int(time.time())
    return Measured(sizes, before, history.add(past, sizes, now, revision(graph.top)))


def _placed(argv: Sequence[str], linked: str, top: str, build: str) -> dict[str, list[Placed]]:
    """Return the bytes of objects in an image, by section; names are below the build directory.

    argv: the command, without `-o OUTPUT`, that made the file linked in the folder top.

    Raises XenToolError if the linker fails, or now makes a different file.
    """
    with tempfile.TemporaryDirectory(prefix="xen_tool-") as folder:
        output, map_file = os.path.join(folder, "linked"), os.path.join(folder, "map")
        run = subprocess.run(
            [*argv, f"-Map={map_file}", "-o", output],
            cwd=top,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise XenToolError(f"{SIZE}: the linker makes no map: {run.stderr.strip()}")
        with open(output, "rb") as again, open(os.path.join(top, linked), "rb") as was:
            if again.read() != was.read():
                raise XenToolError(
                    f"{SIZE}: {linked} differs when it is linked again, so the sizes of its "
                    "objects are unknown"
                )
        return {
            section: [p._replace(object=p.object.removeprefix(f"{build}/")) for p in placed]
            for section, placed in linker_map.read(map_file).items()
        }


def _other(graph: Graph, image: str, against: str) -> Sizes:
    """Return the sizes of the image or revision that is the value of AGAINST=.

    image: the path of the image in this build.

    Raises XenToolError if it is neither, and BuildError if the revision cannot be built.
    """
    if os.path.exists(against):
        return read_sizes(against)
    with tempfile.TemporaryDirectory(prefix="xen_tool-") as folder:
        _check_out(graph.top, against, folder)
        words = [word for word in arguments() if not word.startswith(("AGAINST=", "--json", "O="))]
        relative = os.path.relpath(image, graph.plan.folder)
        built = os.path.join(folder, "built", relative)
        run = subprocess.run(
            [sys.executable, "-m", "SCons", *words, "O=built", "-Q", "-s", f"built/{relative}"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode or not os.path.exists(built):
            sys.stderr.write(run.stdout + run.stderr)
            raise BuildError(errstr=f"{against} of git cannot be built, as is shown above")
        names = (f"built/{relative}.linked", f"built/{relative}{UNCHECKED}")
        linked = next(name for name in names if os.path.exists(os.path.join(folder, name)))
        # Another revision may have another format of the database.
        database = Database(os.path.join(folder, "built", DATABASE))
        record = database.get(linked)
        placed = None
        if record is not None:
            # After the flags come -o and the output.
            argv = [*lines(database.text(record.flags)), *lines(record.files)[2:]]
            placed = _placed(argv, linked, folder, "built")
        return read_sizes(built, placed)._replace(image=f"{against} of git")


def _check_out(top: str, revision: str, folder: str) -> None:
    """Write the files below top, as they are in a revision of git, to a folder."""
    prefix = _git(top, "rev-parse", "--show-prefix").decode().strip()
    name = _git(top, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    archive = _git(top, "archive", "--format=tar", f"{name}:{prefix}")
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)


def _git(top: str, *words: str) -> bytes:
    """Return the output of git in the folder top.

    Raises XenToolError if git cannot be run or fails; the last word then names the revision.
    """
    try:
        run = subprocess.run(
            ["git", "-C", top, *words], capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise XenToolError(f"{SIZE}: git cannot be run: {error.strerror}") from error
    if run.returncode:
        revision = words[-1].removesuffix("^{commit}")
        raise XenToolError(
            f"{SIZE}: AGAINST={revision} is neither a file nor a revision of git in {top}"
        )
    return run.stdout
