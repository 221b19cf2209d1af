# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Measure edit and build with GNU make, ninja and this tool, on equal trees.

    python tests/bench/loop.py [--files 10,100] [--work file,symbol] [--pairs 5] [--jobs 2]
                               [--folder DIR] [--fast COMMAND] [--json FILE] [--at-most RATIO]

For each number of files each program builds the same project (trees.py) in a tree of its own,
and then in turn, make, ninja, this tool, make, ninja, this tool, each does the same work:

    nothing   nothing to do
    file      one file was edited
    header    a header was edited that a tenth of the files include
    symbol    a symbol was toggled that 10 files use: by NAME=value, or an edit of those 10
    scratch   from nothing, once, by -j2

Each time just the objects that the change concerns must be compiled, the image must be another
than before, and all trees' images the same.  This tool also checks each image for Xen's loaders.
A table for each number of files has medians, and medians of the ratios within each turn.

Columns of this tool are `scons` with names of sources given to XenImage, the same with
[env.XenObject(source) for source in sources], `xen-tool build` where there is that command, and
COMMAND, to which -jN and NAME=value are added; files that it names are found from here.

Status 1 if a build fails or does not do what it should, or with --at-most if toggling the symbol
takes a column of this tool more than RATIO times make's time; 2 if make or ninja is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "site_scons"))

from bench.trees import AREAS, USERS, Change, Project, Tree, make_tree, ninja_tree, tool_tree
from xen_tool.errors import XenToolError
from xen_tool.toolchain.programs import Toolchain, find

FILES = (10, 100, 1000, 10000)
SCRATCH_JOBS = 2
OTHERS = ("make", "ninja")
"""The columns with which those of this tool are compared."""
CHANGES: dict[str, Callable[[Project, int], Change]] = {
    "nothing": Project.nothing,
    "file": Project.file,
    "header": Project.header,
    "symbol": Project.symbol,
}
SCRATCH = "scratch"
WORK = (*CHANGES, SCRATCH)

Times = Mapping[str, Sequence[float]]
"""Seconds of each turn, by column."""
MakeTree = Callable[[Path, Project], Tree]


def columns(tools: Toolchain, fast: str | None) -> dict[str, MakeTree]:
    """Return the functions that make each program's tree, by the name of the column."""
    scons = [sys.executable, "-m", "SCons", "-Q"]
    found: dict[str, MakeTree] = {
        "make": lambda top, project: make_tree(top, project, tools),
        "ninja": lambda top, project: ninja_tree(top, project, tools),
        "scons, names": lambda top, project: tool_tree(top, project, scons),
        "scons, XenObject": lambda top, project: tool_tree(top, project, scons, nodes=True),
    }
    build = [str(Path(sys.executable).with_name("xen-tool")), "build"]
    if _succeeds([*build, "--help"]):
        found["xen-tool build"] = lambda top, project: tool_tree(top, project, build)
    else:
        progress("xen-tool build is left out: `xen-tool build --help` fails")
    if fast:
        # It runs in the trees.
        words = [os.path.abspath(w) if os.path.isfile(w) else w for w in shlex.split(fast)]
        found["--fast"] = lambda top, project: tool_tree(top, project, words)
    return found


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def turn(trees: Mapping[str, Tree], change: Change, jobs: int) -> dict[str, float]:
    """Make a change in each tree; return the seconds of each build, whose result is verified."""
    before = {name: (tree.image(), tree.stamps()) for name, tree in trees.items()}
    seconds = {name: tree.change(change, jobs) for name, tree in trees.items()}
    for name, tree in trees.items():
        image, stamps = before[name]
        after = tree.stamps()
        compiled = [path for path, stamp in after.items() if stamp != stamps.get(path)]
        if compiled != list(change.compiled):
            sys.exit(f"{name}: compiled {_some(compiled)}, and not {_some(change.compiled)}")
        if (tree.image() != image) != bool(compiled):
            sys.exit(f"{name}: the image is {'the old one' if compiled else 'another'}")
    verify_images(trees)
    return seconds


def _some(paths: Sequence[str]) -> str:
    return f"{len(paths)} files{' such as ' if paths else ''}{', '.join(paths[:3])}"


def verify_images(trees: Mapping[str, Tree]) -> None:
    """End the program if the trees' images are not the same."""
    images = {name: tree.image() for name, tree in trees.items()}
    different = [name for name, image in images.items() if image != images["make"]]
    if different:
        sys.exit(f"of {', '.join(different)} the image is not the same as make's")


def measure(
    trees: Mapping[str, Tree], project: Project, work: Sequence[str], turns: int, jobs: int
) -> dict[str, Times]:
    """Return the seconds of each kind of work, by column and turn; first build the trees."""
    times: dict[str, Times] = {}
    if SCRATCH in work:
        progress(f"{len(project.sources)} files: {SCRATCH}")
        for tree in trees.values():
            tree.clean()
    first = {name: [tree.build(SCRATCH_JOBS)] for name, tree in trees.items()}
    verify_images(trees)
    # The second run may still have work, which must not be measured as that of later runs.
    turn(trees, project.nothing(0), jobs)
    for name in (name for name in CHANGES if name in work):
        progress(f"{len(project.sources)} files: {name}")
        # A symbol that was set is unset again, in a turn that may not count.
        last = turns + (turns % 2 if name == "symbol" else 0)
        rows = [turn(trees, CHANGES[name](project, n), jobs) for n in range(last)]
        times[name] = {column: [row[column] for row in rows[:turns]] for column in trees}
    return {**times, SCRATCH: first} if SCRATCH in work else times


def ratio(times: Times, column: str, other: str) -> float:
    """Return the median of a column's time as a multiple of another's in the same turn."""
    return statistics.median(a / b for a, b in zip(times[column], times[other], strict=True))


def table(files: int, results: Mapping[str, Times], turns: int, jobs: int) -> str:
    """Return the results for a number of files, in Markdown."""
    labels = {
        "nothing": "nothing to do",
        "file": "one file edited",
        "header": f"a header of {files // AREAS:,} edited",
        "symbol": f"a symbol of {USERS} toggled",
        SCRATCH: f"from nothing, once, -j{SCRATCH_JOBS}",
    }
    names = list(next(iter(results.values())))
    lines = [
        f"{files:,} files: seconds, and in brackets times make's / times ninja's"
        f" (medians of {turns}, -j{jobs})",
        "",
        f"| | {' | '.join(names)} |",
        f"|---|{'---:|' * len(names)}",
    ]
    for work, times in results.items():
        cells = [labels[work], *(_cell(times, column) for column in names)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(times: Times, column: str) -> str:
    seconds = statistics.median(times[column])
    text = f"{seconds:.3f}" if seconds < 10 else f"{seconds:.1f}"
    if column in OTHERS:
        return text
    return f"{text} ({' / '.join(f'{ratio(times, column, other):.2f}' for other in OTHERS)})"


def progress(text: str) -> None:
    """Print progress to the terminal, separate from the tables."""
    print(f"loop.py: {text}", file=sys.stderr, flush=True)


def _sizes(text: str) -> list[int]:
    sizes = [int(word) for word in text.split(",")]
    if any(size < USERS or size % USERS for size in sizes):
        raise argparse.ArgumentTypeError(f"{text}: these must be multiples of {USERS}")
    return sizes


def _work(text: str) -> list[str]:
    words = text.split(",")
    if unknown := [word for word in words if word not in WORK]:
        raise argparse.ArgumentTypeError(f"{unknown[0]}: this is none of {', '.join(WORK)}")
    return words


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text}: this is less than 1")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--files", type=_sizes, default=FILES, metavar="N,...", help="sizes of the trees (all)")
    add("--work", type=_work, default=WORK, metavar="NAME,...", help=f"of {', '.join(WORK)} (all)")
    add("--pairs", type=_positive, default=5, metavar="N", help="turns of each work (%(default)s)")
    add("--jobs", type=_positive, default=2, metavar="N", help="-j, but of scratch (%(default)s)")
    add("--folder", type=Path, metavar="DIR", help="where trees are kept, and used again")
    add("--fast", metavar="COMMAND", help="one more column, such as 'python -I -S FILE build'")
    add("--json", type=Path, metavar="FILE", help="where to write all times")
    add("--at-most", type=float, metavar="RATIO", help="of symbol, to make's time")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; return the exit status."""
    options = _parser().parse_args(arguments)
    missing = [name for name in OTHERS if shutil.which(name) is None]
    if missing:
        progress(f"there is no {' and no '.join(missing)} in PATH to compare with; install it")
        return 2
    try:
        tools = find(os.environ["PATH"])
    except XenToolError as error:
        progress(str(error))
        return 2
    compared = columns(tools, options.fast)
    results: dict[int, dict[str, Times]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).absolute()
        # Python compiles its modules now, not in the first measured build.
        plant(folder / "warm", compared, Project(USERS), build=True)
        for files in options.files:
            project = Project(files)
            trees = plant(folder / str(files), compared, project)
            results[files] = measure(trees, project, options.work, options.pairs, options.jobs)
            print(table(files, results[files], options.pairs, options.jobs), flush=True)
    if options.json:
        options.json.write_text(json.dumps(_document(options, tools, results), indent=1) + "\n")
    return int(any(_is_slow(found, options.at_most) for found in results.values()))


def plant(
    folder: Path, compared: Mapping[str, MakeTree], project: Project, *, build: bool = False
) -> dict[str, Tree]:
    """Write the trees of a project, by column, before any change; build: build each as well."""
    places = {
        name: folder / name.replace(", ", "-").replace(" ", "-").strip("-") for name in compared
    }
    trees = {name: make(places[name], project) for name, make in compared.items()}
    for tree in trees.values() if build else ():
        tree.build(1)
    return trees


def _is_slow(results: Mapping[str, Times], at_most: float | None) -> bool:
    times = results.get("symbol")
    if at_most is None or times is None:
        return False
    ours = (column for column in times if column not in OTHERS)
    slow = [column for column in ours if ratio(times, column, "make") > at_most]
    for column in slow:
        progress(f"{column}: a toggled symbol takes more than {at_most} times make's time")
    return bool(slow)


def _document(
    options: argparse.Namespace, tools: Toolchain, results: Mapping[int, Mapping[str, Times]]
) -> dict[str, object]:
    """Return the document of --json: seconds by number of files, work and column, by turn."""
    versions = {name: _version([name]) for name in OTHERS}
    versions |= {"cc": _version(tools.cc), "ld": _version(tools.ld)}
    versions |= {"python": platform.python_version()}
    return {
        "programs": versions,
        "processors": os.cpu_count(),
        "jobs": {"scratch": SCRATCH_JOBS, "others": options.jobs},
        "seconds": results,
    }


def _version(command: Sequence[str]) -> str:
    result = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    return result.stdout.partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
