# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A small random kernel project: about ten sources, a dozen headers, scripts and data.

The files on disk are the only state: what there is to edit is found by looking, so that a
revert, or anything else, needs no book-keeping.  Paths are relative to the top.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from . import texts
from .standin import VERSIONED, StandIn
from .texts import Names, number

BUILD = "build/x86_64"
IMAGE = f"{BUILD}/kernel"
FOLDERS = ("include/first", "include/second", "include/third")
HEADERS = (*(f"h{n}.h" for n in range(8)), "odd name.h", "sharp#.h", "dollar$.h")
SCRIPT = "lds/kernel.lds.S"
PART = "part.lds"
OUTPUT_FOLDERS = ("build", "gen")
_LISTED = ("src/a.c", "+src/b.c", "lib/c.c", "+lib/start.S", "src/d.c", "lib/e.c")
_GLOBBED = ("drv/f.c", "drv/g.c")

Snapshot = Mapping[str, tuple[bytes, int]]
"""Each file of the project to its bytes and the time of its last change in ns."""
T = TypeVar("T")


class Tree:
    """A project, the stand-ins that it is built with, and NAME=value on the command line."""

    def __init__(self, top: Path, standin: StandIn, tool: Path, *, real: bool) -> None:
        self.top = top
        self.standin = standin
        self.real = real
        """Whether it is built by real gcc and ld."""
        self.symbols: dict[str, str] = {}
        self.compiler_flags = ""
        self.random = random.Random(0)
        self.lost: dict[str, tuple[bytes, int]] = {}
        """Files that were removed although something needs them."""
        self.history: list[Snapshot] = []
        """The snapshots of the project before the last few rounds."""
        self.kept: dict[str, tuple[bytes, int]] = {}
        """Outputs of earlier builds, and their times."""
        self.aside: Path | None = None
        """A copy of all outputs of an earlier build."""
        self._tool = tool

    def arguments(self) -> list[str]:
        """Return the words NAME=value for the tool's command line, with those of stand-ins."""
        settings = [f"{name}={value}" for name, value in self.symbols.items()]
        return settings if self.real else [*settings, *self.standin.settings(self.compiler_flags)]

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, items: Sequence[T]) -> T:
        """Return one of the items, by one random number for any number of items."""
        return items[int(self.random.random() * len(items))]

    # Files

    def read(self, path: str) -> str:
        return (self.top / path).read_text(encoding="latin-1")

    def write(self, path: str, text: str) -> None:
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="latin-1")

    def exists(self, path: str) -> bool:
        return (self.top / path).is_file()

    def files(self) -> list[str]:
        """Return all files of the project, in order."""
        found = []
        for folder, below, names in os.walk(self.top):
            at = os.path.relpath(folder, self.top)
            if at == os.curdir:
                below[:] = [name for name in below if name not in OUTPUT_FOLDERS]
            below.sort()
            paths = (os.path.normpath(os.path.join(at, name)) for name in sorted(names))
            found += [path for path in paths if not path.startswith(".sconsign")]
        return found

    def snapshot(self) -> Snapshot:
        """Return a snapshot of the project."""
        files = {path: self.top / path for path in self.files()}
        return {path: (f.read_bytes(), f.stat().st_mtime_ns) for path, f in files.items()}

    def forget_outputs(self) -> None:
        """Remove all that was built."""
        for folder in OUTPUT_FOLDERS:
            shutil.rmtree(self.top / folder, ignore_errors=True)
        (self.top / ".sconsign.dblite").unlink(missing_ok=True)

    # What there is

    def listed(self) -> list[str]:
        """Return the words of the file sources: paths; after a + the path is given as a node."""
        return self.read("sources").split()

    def sources(self) -> list[str]:
        """Return the sources of the image in the order of its objects; some may not exist."""
        files = self.files()
        globbed = sorted(p for p in files if p.startswith("drv/") and p.endswith(".c"))
        return [*(word.lstrip("+") for word in self.listed()), *globbed]

    def outputs(self) -> list[str]:
        """Return the outputs of a build, without the generated header."""
        objects = [f"{BUILD}/{os.path.splitext(source)[0]}.o" for source in self.sources()]
        others = [IMAGE, f"{IMAGE}.unchecked", f"{BUILD}/lds/kernel.lds", f"{BUILD}/head.o"]
        return [*objects, *others, f"{BUILD}/.config", f"{BUILD}/include/generated/autoconf.h"]

    def headers(self) -> list[str]:
        """Return all headers but the generated one."""
        return [path for path in self.files() if path.endswith(".h")]

    def names(self) -> Names:
        """Return the names that a new source can use."""
        paths = [path for path in self.headers() if path.startswith("include/")]
        there = {os.path.basename(path) for path in paths} - {"layout.h", *texts.MAYBE}
        data = [path for path in self.files() if path.endswith(".bin")]
        # Data that the assembler finds by -I is named without a folder.
        data = [os.path.basename(path) if "include" in path else path for path in data]
        return Names(sorted(there) or [texts.GENERATED], data, is_made=not self.real)

    def new_text(self, path: str) -> str:
        """Return random contents for a source or header."""
        make = texts.header if path.endswith(".h") else texts.source
        return make(path, self.names(), self.random)

    def of_sort(self, sort: str) -> list[Path]:
        """Return the files of a sort, such as "header"."""
        paths = {
            "source": self.sources(),
            "header": self.headers(),
            "linker script": [SCRIPT],
            "INCLUDE'd script": [path for path in self.files() if path.endswith(PART)],
            ".incbin data": [path for path in self.files() if path.endswith(".bin")],
            ".include'd file": ["lib/part.inc"],
            "generator's source": ["version.in"],
            "response file": ["cc.rsp", "link.rsp"],
            "flags": ["flags"],
            "SConstruct": ["SConstruct"],
            "Kconfig": ["Kconfig"],
            ".config": [".config"],
        }.get(sort, [])
        if sort == "compiler's header":
            return [self.standin.header]
        if sort == "compiler program":
            return [self.standin.folder / name for name in (*VERSIONED, "fake-gcc")]
        return [self.top / path for path in paths if self.exists(path)]

    # The first state

    def create(self) -> None:
        """Write the project."""
        rng = self.random
        for n in range(2):
            self.write(f"data/blob{n}.bin", f"data {number(rng)}\n")
        self.write("include/third/found.bin", f"data {number(rng)}\n")
        paths = [f"{self.pick(FOLDERS)}/{name}" for name in HEADERS]
        # Some names are in two folders: the first in the search path counts.
        paths += [f"{FOLDERS[2]}/{name}" for name in HEADERS[:3]]
        paths += [f"{FOLDERS[1]}/layout.h", "src/local.h"]
        for path in paths:
            self.write(path, "")
        for path in paths:
            self.write(path, self.new_text(path))
        for word in (*_LISTED, *_GLOBBED):
            path = word.lstrip("+")
            self.write(path, self.new_text(path))
        self.write("src/a.c", '#include "local.h"\n' + self.read("src/a.c"))
        self.write("sources", "\n".join(_LISTED) + "\n")
        self.write("lib/part.inc", f".long {number(rng)}\n")
        self.write("version.in", texts.VERSION.format(number=number(rng)))
        self.write("generate.py", texts.GENERATE)
        self.write("cc.rsp", f"-DU_B={number(rng)}\n")
        self.write("link.rsp", f"--defsym=u_b={number(rng)}\n")
        self.write("flags", texts.FLAGS.format(number=number(rng)))
        self.write(SCRIPT, texts.SCRIPT.format(number=number(rng)))
        self.write(f"lds/second/{PART}", texts.PART.format(number=number(rng)))
        self._write_kconfig()
        generator = self.pick(texts.GENERATORS)
        values = {"tool": str(self._tool), "number": number(rng), "generator": generator}
        self.write("SConstruct", texts.SCONSTRUCT.format(**values))

    def _write_kconfig(self) -> None:
        names = texts.SYMBOLS if self.real else (*texts.SYMBOLS, "XEN")
        defaults = {name: "ny"[self.chance(0.5) and name != "XEN"] for name in names}
        bools = (texts.KCONFIG_BOOL.format(name=n, value=v) for n, v in defaults.items())
        count = texts.KCONFIG_COUNT.format(value=number(self.random))
        self.write("Kconfig", "".join(bools) + count)
