# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compare reading the Kconfig files of Linux trees with C kconfig: each symbol, and the time.

    python tests/bench/kconfig.py [RELEASE ...]

Debian's Linux of each release (6.1, 6.12, 7.2) is fetched once, with its own configuration and its
own conf.  Status 1 if a line differs that is not in the list of known ones.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[n] / m) for n, m in ((1, ""), (2, "site_scons"))]

from config.linux import SUITES, Linux, fetched
from xen_tool.abi import X86_64, Arch
from xen_tool.config import saved
from xen_tool.config.assignments import Origins, origins
from xen_tool.config.explain.smallest_settings import about, why
from xen_tool.config.language.kconf import Kconfig, read_kconfig
from xen_tool.config.merge import ALL, set_all
from xen_tool.config.texts import config_text, defconfig_text

_SPLITS = {"VMSPLIT_3G", "VMSPLIT_3G_OPT", "VMSPLIT_2G", "VMSPLIT_2G_OPT", "VMSPLIT_1G"}
_TARGETS = ("savedefconfig", "olddefconfig", *ALL)
KNOWN = {
    # Since v6.11 a choice has a value even if its prompt is not visible.
    ("6.12", "allnoconfig"): _SPLITS,
    ("6.12", "alldefconfig"): _SPLITS,
    # And what a bool of a choice selects is m where the choice depends on m.
    ("6.12", "allmodconfig"): {"USB_ROLE_SWITCH"},
    # In 7.2 a number without a value, here one that a range depends on, is 0.
    **{("7.2", target): {"PAGE_BLOCK_MAX_ORDER"} for target in _TARGETS},
    ("7.2", "allnoconfig"): {"PAGE_BLOCK_MAX_ORDER", *_SPLITS},
    ("7.2", "alldefconfig"): {"PAGE_BLOCK_MAX_ORDER", *_SPLITS},
    ("7.2", "allmodconfig"): {"PAGE_BLOCK_MAX_ORDER", "USB_ROLE_SWITCH"},
}
"""Symbols that this tool answers as C kconfig of Linux 6.1 does, by release and target."""
QUESTIONS = ("XEN", "XEN=n", "KASAN=y", "PREEMPT_RT=y", "NR_CPUS=100000", "X86_32=y", "HZ=300")
_HEADING = re.compile(r"\A#\n# Automatically generated file; DO NOT EDIT.\n# .*\n#\n")


def compare(linux: Linux) -> bool:
    """Print the differences and both times; return whether there are none."""
    os.environ.update(linux.variables)
    with tempfile.TemporaryDirectory() as name:
        config, short = Path(name, ".config"), Path(name, "short")
        start = time.monotonic()
        kconf = read_kconfig(linux.top / "Kconfig", linux.top, linux.variables)
        parsed = time.monotonic() - start
        print(f"Linux {linux.release}: {len(kconf.unique_defined_syms)} symbols in {parsed:.1f} s")
        config.write_text(linux.config)
        saved.load(kconf, config)
        same = True
        for target in _TARGETS:
            start = time.monotonic()
            if target in ALL:
                set_all(kconf, target, top=linux.top)
            ours = defconfig_text(kconf) if target == "savedefconfig" else config_text(kconf)
            times = [time.monotonic() - start + parsed]
            config.write_text(linux.config)
            start = time.monotonic()
            _conf(linux, target, config, short)
            times.append(time.monotonic() - start)
            right = (short if target == "savedefconfig" else config).read_text()
            lines = _different(_HEADING.sub("", right), ours, KNOWN.get((linux.release, target)))
            line = f"{target:<14} {ours.count('CONFIG_'):>6} lines, {len(lines)} differ"
            print(f"{line}; {times[0]:.1f} s, conf {times[1]:.1f} s", *lines, sep="\n    ")
            same = same and not lines
        _ask(linux, kconf, config)
    return same


def _ask(linux: Linux, kconf: Kconfig, config: Path) -> None:
    """Print how long answers of `why` take, without the time of reading the files."""
    config.write_text(linux.config)
    assignments = saved.load(kconf, config).assignments
    where = origins(assignments)

    def load(_arch: Arch) -> tuple[Kconfig, Origins]:
        return kconf, where

    for question in QUESTIONS:
        name, _, value = question.partition("=")
        start = time.monotonic()
        answer = why(load, X86_64, name, value) if value else about(load, X86_64, name)
        print(f"why {question:<20} {time.monotonic() - start:6.2f} s  {answer[-1][:100]}")


def _conf(linux: Linux, target: str, config: Path, short: Path) -> None:
    option = f"--{target}={short}" if target == "savedefconfig" else f"--{target}"
    generated = ("AUTOCONFIG", "AUTOHEADER", "RUSTCCFG")
    names = {f"KCONFIG_{name}": str(config.with_name(name)) for name in generated}
    subprocess.run(
        [*linux.conf, option, "Kconfig"],
        cwd=linux.top,
        env={**os.environ, **names, "KCONFIG_CONFIG": str(config)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )


def _different(right: str, ours: str, known: set[str] | None) -> list[str]:
    pattern = re.compile(r"^[-+](?:# )?CONFIG_(\w+)[= ].*", re.MULTILINE)
    diff = "\n".join(difflib.unified_diff(right.split("\n"), ours.split("\n"), lineterm="", n=0))
    return [found[0] for found in pattern.finditer(diff) if found[1] not in (known or ())]


def main(releases: Sequence[str]) -> int:
    """Compare each release."""
    return 0 if all(list(map(compare, map(fetched, releases or SUITES)))) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
