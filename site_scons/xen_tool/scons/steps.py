# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The steps of a build, and the words of their commands; builders.py makes nodes of them.

    CONFIG  configuration -> .config, autoconf.h
    HEAD    values of symbols -> xen-head.o
    CC      .c, .S -> .o
    LDS     .lds.S -> .lds
    LD      .lds, .o -> image

A step is one command line (an argv, no shell) or one Python function.  An
emitter notes each in env["XEN_STEPS"], where the record, why and images find it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from SCons.Node import no_state

ARCH = "ARCH"
"""The architecture, where it stands among symbols; none of them need say it."""

# What the scanner must see of a command, to find what the preprocessor finds.
_PREPROCESS = (
    "$XENCCFLAGS",
    "$CCFLAGS",
    "${_defines('-D', CPPDEFINES, '', __env__, TARGET, SOURCE)}",
    "${_concat('-I', CPPPATH, '', __env__, RDirs, TARGET, SOURCE)}",
    "$XENSYSTEMFLAGS",
)
# The preprocessor's output is a linker script: no line markers, no assembler.
_SCRIPT = ("-E", "-P", "-x", "c", "-D__ASSEMBLER__", "-DLINKER_SCRIPT")
_LIBPATH = "${_concat('-L', LIBPATH, '', __env__, RDirs, TARGET, SOURCE)}"
COMMANDS = {
    "CC": ("$XENCC", *_PREPROCESS, "-c"),
    "LDS": ("$XENCC", *_PREPROCESS, *_SCRIPT),
    "LD": ("$XENLD", "$XENLDFLAGS", "$LINKFLAGS", _LIBPATH),
}
"""The words of each kind of command, up to the names of files."""
_SCANNED = {"CC": _PREPROCESS, "LDS": (*_PREPROCESS, *_SCRIPT)}
"""Those of them that the scanner must see."""
_VARIABLES = (
    *("XENCC", "XENCCFLAGS", "CCFLAGS", "CPPDEFINES", "CPPPATH", "XENSYSTEMFLAGS"),
    *("XENLD", "XENLDFLAGS", "LINKFLAGS", "LIBPATH"),
)
"""What they are made of."""


class Planned(ABC):
    """What makes one file, perhaps before SCons knows of it."""

    path: str
    """Of the file, from the top."""
    toolchain: str

    @abstractmethod
    def argv(self) -> list[str]:
        """The command as it is run, when all SConscripts are read; [] for a Python function."""

    @abstractmethod
    def is_plain(self) -> bool:
        """Whether a SConstruct has asked for nothing more than the step itself."""

    @abstractmethod
    def is_begun(self) -> bool:
        """Whether SCons has come to it in this run, for another target."""

    @abstractmethod
    def step(self) -> Step:
        """The same with nodes."""


@dataclass(frozen=True)
class Step(Planned):
    """One step: its kind as it is printed, what it makes and from what."""

    name: str
    path: str
    targets: tuple[Any, ...]
    sources: tuple[Any, ...]
    env: Any
    folder: Any
    """Of the SConscript that asks for it."""
    toolchain: str
    depends: tuple[Any, ...]
    """What the targets depend on, as far as the tool says it."""

    def argv(self) -> list[str]:
        """The words, in the order in which gcc and ld take them."""
        if self.name not in COMMANDS:
            return []
        steps: Steps = self.env["XEN_STEPS"]
        words = steps.expand(self, COMMANDS[self.name])
        first, *others = map(str, self.sources)
        script = ("-T", first) if self.name == "LD" else ()
        return [*words, *script, "-o", self.path, *(others if script else [first])]

    def scanned(self) -> tuple[str, ...]:
        """The words with which its source was scanned; () if it was not."""
        if self.name not in _SCANNED:
            return ()
        steps: Steps = self.env["XEN_STEPS"]
        return tuple(steps.expand(self, _SCANNED[self.name]))

    def step(self) -> Step:
        """Itself."""
        return self

    def is_begun(self) -> bool:
        """Whether its target has a state; of one that is done SCons forgets what it is made by."""
        return bool(self.targets[0].get_state() != no_state)

    def is_plain(self) -> bool:
        """Whether its nodes are as the emitter left them."""
        (target,) = self.targets
        executor = target.get_executor()
        return (
            tuple(target.depends) == self.depends
            and tuple(target.sources) == self.sources
            and list(target.prerequisites) == [self.env["XEN_AUTOCONF"]]
            and not (target.ignore or target.side_effects)
            and not (executor.pre_actions or executor.post_actions or target.always_build)
            and all(source.srcnode() == source.rfile() == source for source in self.sources)
        )


class Steps(dict[str, Step]):
    """All steps of an environment and its clones, by their first target."""

    def __init__(self) -> None:
        super().__init__()
        self.named: dict[str, Planned] = {}
        """Objects that are no steps yet, by the first image that names their sources."""
        self._expanded: dict[tuple[Any, ...], list[str] | None] = {}

    def __semi_deepcopy__(self) -> Steps:
        # A clone's steps are steps of the same build.
        return self

    def note(self, step: Step) -> None:
        """Registers a step; a second time it replaces the first."""
        step.targets[0].attributes.xen_step = step
        self[step.path] = step

    def expand(self, step: Step, words: tuple[str, ...]) -> list[str]:
        """The words of a command, when all SConscripts are read.

        They are expanded once: of a target that is built SCons forgets the folder.
        """
        shared = self._shared(step.env, words, step.folder)
        if shared is not None:
            return shared
        key = (words, step.path)
        if key not in self._expanded:
            self._expanded[key] = _expand(step.env, words, step.targets[0], step.sources)
        return self._expanded[key] or []

    def compilation(self, env: Any, folder: Any) -> list[str] | None:
        """The words of the compilations that the SConscript of a folder asks for.

        None if they are not the same for every object.
        """
        return self._shared(env, COMMANDS["CC"], folder)

    def _shared(self, env: Any, words: tuple[str, ...], folder: Any) -> list[str] | None:
        values = [env.get(name) for name in _VARIABLES]
        key = (words, folder, *map(id, values))
        if key not in self._expanded:
            plain = all(map(_is_plain, values))
            # A relative folder is below this one.
            self._expanded[key] = _expand(env, words, folder, ()) if plain else None
        return self._expanded[key]


def _is_plain(value: Any) -> bool:
    """Whether the value of a construction variable is the same whoever asks."""
    if isinstance(value, (str, int, type(None))):
        return "$" not in str(value)
    if isinstance(value, Mapping):
        return all(map(_is_plain, [*value.keys(), *value.values()]))
    if isinstance(value, Sequence):
        return all(map(_is_plain, value))
    return not callable(value) and hasattr(value, "get_path")


def _expand(env: Any, words: Sequence[str], node: Any, sources: Sequence[Any]) -> list[str]:
    lines = env.subst_list([list(words)], target=[node], source=list(sources))
    return [str(word) for line in lines for word in line]


def name_of(node: Any) -> str:
    """A node's path from the top, wherever SConscripts are being read."""
    return str(node.get_path(node.fs.Top))


def value(env: Any, content: str, kind: str) -> Any:
    """A Value node; what it is of stands in its attributes, for the record."""
    node = env.Value(content)
    node.attributes.xen_kind = kind
    return node


def symbol_value(env: Any, name: str, text: str) -> Any:
    """The node on which depends what mentions a symbol."""
    return value(env, f"{name}={text}", "symbol")


def name_and_value(node: Any) -> tuple[str, str]:
    """Of a node of symbol_value()."""
    name, _, text = node.read().partition("=")
    return name, text
