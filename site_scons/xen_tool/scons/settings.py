# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Sort NAME=value on the command line into settings of the tool and symbols of Kconfig."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TextIO

from SCons.Script import ARGLIST, AddOption, GetOption, Main

from ..abi import ARCHES
from ..boot import boot_settings, modes
from ..boot.modes import MODES
from ..build.plan import CACHE_LIMIT
from ..errors import XenToolError, print_message
from ..json_text import pieces
from ..loaders.model.releases import Xen
from ..loaders.names import listed
from ..toolchain.programs import NAMES

RESERVED = {
    "ARCH": f"the architecture: {' or '.join(ARCHES)} (the saved one, else x86_64)",
    "O": "the folder for all outputs (build/<ARCH>)",
    "V": "1 shows the commands",
    "TOOLCHAIN": f"{', '.join(NAMES)} (the first that is found)",
    "CROSS_COMPILE": "the prefix of gcc and ld, such as x86_64-linux-gnu-",
    "LLVM": "1: clang and ld.lld; -14: of that version; FOLDER/: in that folder",
    "CC": "the C compiler, perhaps with arguments",
    "CACHE": "a folder of objects, shared by configurations, branches and checkouts",
    "CACHE_SIZE": f"its limit in MiB ({CACHE_LIMIT >> 20})",
    "CC_LAUNCHER": "a command before the compiler: ccache, sccache, distcc, icecc",
    "LD": "the linker",
    "LOADERS": f"loaders that must accept it: {listed()}, all, none (those of the configuration)",
    "XEN_RELEASE": f"the Xen release of these loaders: 4.20, {Xen(pv32=True)} and so on ({Xen()})",
    "MODE": f"how boot starts it: {', '.join(m.alias for m in MODES)} (the first that suits)",
    "CPUS": f"how many CPUs the guest gets at boot ({modes.CPUS})",
    "QEMU": "the emulator that boots the image, perhaps with options (qemu-system-x86_64)",
    "HYPERVISOR": "the Xen hypervisor: a file, or a version such as 4.20 (the newest in /boot)",
    **{name.upper(): what for name, what in boot_settings.WORDS.items()},
    "QUIET": "1 leaves Xen's own lines out of what boot shows",
    "RUNS": "how often test-boot runs each, by the real clock if more than once (1)",
    "RETRIES": "how often test-boot repeats a boot that fails; if it passes then, it is flaky (0)",
    "JUNIT": "a file that test-boot writes JUnit's XML to",
    "AGAINST": "with size: another image, or a revision of git that is built to compare",
    "SBOM_STRICT": "1 makes a file without a licence, or licences that exclude others, an error",
    "SEED": "with randconfig: a number; the same number makes the same configuration",
    "TARGET": "with why: the file, by its path or its name alone",
    "TIMEOUT": "seconds until a boot without a result has failed (the mode's: "
    f"{min(m.timeout for m in MODES)} to {max(m.timeout for m in MODES)})",
}
"""The settings of the tool; a Kconfig symbol of such a name is set as CONFIG_NAME=."""

OF_OTHER_TARGETS = ("RUNS", "RETRIES", "JUNIT", "AGAINST", "SBOM_STRICT", "SEED", "TARGET")
"""Settings that neither a build nor the target boot has."""

_PLACES = ("ARCH", "O")
"""Settings for one configuration only."""
_without_effect: list[str] = []
"""The settings for which a note was printed that they have no effect."""
JSON_TARGETS = ("listconfig", "check", "why", "size", "reproducible", "test-boot")
"""The targets that print a document with --json."""
_JSON = "xen_json"
_PROVENANCE = "xen_provenance"
_documents: TextIO | None = None
"""The standard output of the process, with --json."""


@dataclass(frozen=True)
class Settings:
    """The settings of one command line."""

    tool: Mapping[str, str]
    """The settings of the tool that were given."""
    kconfig: Mapping[str, str]
    """The values that were given to Kconfig symbols, as they were typed."""

    def get(self, name: str) -> str | None:
        """Return a setting of the tool; None if it was not given."""
        return self.tool.get(name)

    def with_arguments(self, arguments: Mapping[str, str]) -> Settings:
        """Return the settings of a configuration whose SConstruct names its arguments.

        Of the command line only the tool's settings remain, without ARCH and O.  Prints a note for
        each setting of the command line that has no effect.
        """
        from_arguments = settings(arguments.items())
        kept = {n: v for n, v in self.tool.items() if n not in _PLACES and n not in arguments}
        values = {**self.tool, **self.kconfig}
        for name in values:
            if name not in kept and name not in arguments and name not in _without_effect:
                _without_effect.append(name)
                print_message(
                    f"{name}={values[name]} has no effect on a configuration whose SConstruct "
                    "names its arguments",
                    "note",
                )
        return Settings({**kept, **from_arguments.tool}, from_arguments.kconfig)

    @property
    def quiet(self) -> bool:
        """Whether QUIET=1 was given."""
        return self.get("QUIET") == "1"

    @property
    def verbose(self) -> bool:
        """Whether V=1 was given."""
        return self.get("V") == "1"

    @property
    def timeout(self) -> float | None:
        """The value of TIMEOUT= in seconds; None if it was not given."""
        seconds = self.get("TIMEOUT")
        return float(seconds) if seconds else None

    def for_boot(self, otherwise: Mapping[str, object]) -> boot_settings.BootSettings:
        """Return the settings of a boot; otherwise: those of the SConstruct, as defaults.

        Raises XenToolError for a wrong value.
        """
        return boot_settings.BootSettings.parse({**otherwise, **_boot_words(self.tool)})

    @property
    def cache_limit(self) -> int:
        """The value of CACHE_SIZE= in bytes."""
        size = self.get("CACHE_SIZE")
        return int(size) << 20 if size else CACHE_LIMIT

    @property
    def cpus(self) -> int | None:
        """The value of CPUS=; None if it was not given, and the mode's default applies."""
        cpus = self.get("CPUS")
        return int(cpus) if cpus else None


def add_options() -> None:
    """Add --json and --provenance to SCons' options, once.

    With --json only print_json() prints to standard output; all else goes to standard error.
    """
    try:
        GetOption(_JSON)
    except AttributeError:
        AddOption(
            "--json",
            dest=_JSON,
            action="store_true",
            help=f"{', '.join(JSON_TARGETS)}: for programs",
        )
        AddOption(
            "--provenance",
            dest=_PROVENANCE,
            action="store_true",
            help="sbom: a statement of in-toto as well, to be signed",
        )
        if wants_json():
            global _documents
            sys.stdout.flush()
            _documents = os.fdopen(os.dup(1), "w", encoding="utf-8")
            # Other builders' commands inherit it, too.
            os.dup2(2, 1)


def builds_nothing() -> bool:
    """Whether this run of SCons builds nothing: -n, -q, -h or -c."""
    return any(GetOption(name) for name in ("no_exec", "question", "help", "clean"))


def wants_json() -> bool:
    """Whether --json was given."""
    return bool(GetOption(_JSON))


def documents() -> TextIO:
    """Return where documents of --json are printed."""
    return _documents or sys.stdout


def print_json(document: Mapping[str, Any]) -> None:
    """Print a document of --json."""
    documents().writelines(pieces(document))
    documents().flush()


def wants_provenance() -> bool:
    """Whether --provenance was given."""
    return bool(GetOption(_PROVENANCE))


def project_words(settings: Settings) -> list[str]:
    """Return the words of the command line that name the SConstruct, or that only it interprets.

    The latter are options of AddOption, each followed by its values, and NAME=value if
    XenConfigure is called with arguments, and so takes none from the command line.
    """
    words = iter([*os.environ.get("SCONSFLAGS", "").split(), *sys.argv[1:]])
    names = (f"{name}={v}" for name, v in ARGLIST if name not in RESERVED | settings.kconfig.keys())
    files = (f"--file={name}" for name in GetOption("file") or ())
    return [*files, *_project_options(words), *names]


def _project_options(words: Iterator[str]) -> Iterator[str]:
    """Yield the options of the project's AddOption among words, each followed by its values."""
    options = {
        name: option
        for option in Main.OptionsParser.local_option_group.option_list
        for name in (*option._long_opts, *option._short_opts)
        if option.dest not in (_JSON, _PROVENANCE)
    }
    for word in words:
        name = word.partition("=")[0] if word.startswith("--") else word[:2]
        if name in options:
            yield word
            # The value of nargs="?" is always in the same word.
            count = options[name].nargs
            if isinstance(count, int):
                yield from islice(words, count - (word != name))


def settings(arguments: Iterable[tuple[str, str]]) -> Settings:
    """Sort NAME=value into settings of the tool and symbols of Kconfig.

    Raises XenToolError for a name with two values, and for a wrong value of a setting.
    """
    typed: dict[str, str] = {}
    for name, value in arguments:
        if typed.setdefault(name, value) != value:
            raise XenToolError(f"{name} is set twice, to {typed[name]} and {value}")
    tool = {name: value for name, value in typed.items() if name in RESERVED}
    for name, value in tool.items():
        if not value:
            raise XenToolError(f"{name}= has no value; type {name}=VALUE: {RESERVED[name]}")
    for name in ("V", "QUIET"):
        if tool.get(name, "0") not in ("0", "1"):
            raise XenToolError(f"{name}={tool[name]}: {name} is 0 or 1")
    for name in ("RUNS", "RETRIES"):
        if not re.fullmatch("[0-9]{1,6}", tool.get(name, "0"), re.ASCII):
            raise XenToolError(f"{name}={tool[name]}: {name} is a number")
    seconds = tool.get("TIMEOUT", "1")
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", seconds) or float(seconds) == 0:
        raise XenToolError(f"TIMEOUT={seconds}: TIMEOUT is a number of seconds above 0")
    if not re.fullmatch(r"[1-9][0-9]?", tool.get("CPUS", "1"), re.ASCII):
        raise XenToolError(f"CPUS={tool['CPUS']}: CPUS is a number above 0")
    if not re.fullmatch(r"[1-9][0-9]*", tool.get("CACHE_SIZE", "1"), re.ASCII):
        raise XenToolError(
            f"CACHE_SIZE={tool['CACHE_SIZE']}: CACHE_SIZE is a number of MiB above 0"
        )
    boot_settings.BootSettings.parse(_boot_words(tool))
    if "MODE" in tool:
        modes.named(tool["MODE"])
    if not tool.get("SEED", "0").isdecimal():
        raise XenToolError(f"SEED={tool['SEED']}: SEED is a number")
    return Settings(tool, {n: v for n, v in typed.items() if n not in RESERVED})


def _boot_words(tool: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a boot, by their names in boot_settings.WORDS."""
    return {name: tool[name.upper()] for name in boot_settings.WORDS if name.upper() in tool}
