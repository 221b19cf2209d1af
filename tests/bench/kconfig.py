# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Reads the Kconfig files of whole Linux trees as C kconfig does, symbol for symbol, and how fast.

    python tests/bench/kconfig.py [RELEASE ...]

Debian's Linux of each release (6.1, 6.12) is fetched once, with its own configuration and its
own conf.  Status 1 if a line differs that is not known to.
"""

from __future__ import annotations

import difflib
import lzma
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "site_scons"))

from xen_tool.config import saved
from xen_tool.config.kconf import read_kconfig
from xen_tool.config.merge import set_all
from xen_tool.config.texts import config_text, defconfig_text
from xen_tool.debian.apt import Apt, cache_folder, locked, run_program, system_mirror

SUITES = {"6.1": "bookworm", "6.12": "trixie"}
KNOWN = {
    # Since v6.11 a choice whose prompt is not visible has a value all the same.
    ("6.12", "allnoconfig"): {
        "VMSPLIT_3G", "VMSPLIT_3G_OPT", "VMSPLIT_2G", "VMSPLIT_2G_OPT", "VMSPLIT_1G"
    },
}  # fmt: skip
"""Symbols that we answer as C kconfig of Linux 6.1 does, by release and target."""
_HEADING = re.compile(r"\A#\n# Automatically generated file; DO NOT EDIT.\n# .*\n#\n")


class Linux(NamedTuple):
    """One release."""

    release: str
    top: Path
    conf: Path
    config: str

    @property
    def variables(self) -> dict[str, str]:
        """What make gives to Kconfig."""
        programs = {name: name.lower() for name in ("LD", "AR", "NM", "OBJCOPY", "PAHOLE", "RUSTC")}
        return {
            **programs,
            "ARCH": "x86",
            "SRCARCH": "x86",
            "CC": "gcc",
            "HOSTCC": "gcc",
            "BINDGEN": "bindgen",
            "KERNELVERSION": self.release,
            "CC_VERSION_TEXT": "gcc",
            "srctree": str(self.top),
        }


def fetched(release: str) -> Linux:
    """Debian's Linux of a release, below the user's cache folder."""
    folder = cache_folder() / f"linux-{release}"
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not (folder / "complete").exists():
            _fetch(release, folder)
    (conf,) = folder.glob("usr/lib/linux-kbuild-*/scripts/kconfig/conf")
    (packed,) = folder.glob("usr/src/linux-config-*/config.amd64_none_amd64.xz")
    config = lzma.decompress(packed.read_bytes()).decode()
    return Linux(release, folder / f"linux-source-{release}", conf, config)


def _fetch(release: str, folder: Path) -> None:
    mirror = system_mirror() or "http://deb.debian.org/debian"
    with tempfile.TemporaryDirectory() as state:
        apt = Apt(Path(state), f"deb {mirror} {SUITES[release]} main\n")
        apt.update()
        kbuild = max(name for name in apt.names() if name.startswith(f"linux-kbuild-{release}"))
        names = [f"linux-{kind}-{release}" for kind in ("config", "source")]
        for name in (kbuild, *names):
            apt.download([name], Path(state, name))
            (deb,) = Path(state, name).glob("*.deb")
            run_program("dpkg-deb", "--extract", str(deb), str(folder))
    archive = folder / f"usr/src/linux-source-{release}.tar.xz"
    wanted = [f"linux-source-{release}/{part}" for part in ("*Kconfig*", "scripts/*")]
    run_program("tar", "-xf", str(archive), "--wildcards", *wanted, cwd=folder)
    archive.unlink()
    (folder / "complete").touch()


def compare(linux: Linux) -> bool:
    """Prints what differs, and both times; returns whether nothing does."""
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
        for target in ("savedefconfig", "olddefconfig", "allyesconfig", "allnoconfig"):
            start = time.monotonic()
            if target.startswith("all"):
                set_all(kconf, yes=target == "allyesconfig", top=linux.top)
            ours = defconfig_text(kconf) if target == "savedefconfig" else config_text(kconf)
            times = [time.monotonic() - start + parsed]
            config.write_text(linux.config)
            start = time.monotonic()
            _conf(linux, target, config, short)
            times.append(time.monotonic() - start)
            right = (short if target == "savedefconfig" else config).read_text()
            lines = _different(_HEADING.sub("", right), ours, KNOWN.get((linux.release, target)))
            told = f"{target:<14} {ours.count('CONFIG_'):>6} lines, {len(lines)} differ"
            print(f"{told}; {times[0]:.1f} s, conf {times[1]:.1f} s", *lines, sep="\n    ")
            same = same and not lines
    return same


def _conf(linux: Linux, target: str, config: Path, short: Path) -> None:
    option = f"--{target}={short}" if target == "savedefconfig" else f"--{target}"
    generated = ("AUTOCONFIG", "AUTOHEADER", "RUSTCCFG")
    names = {f"KCONFIG_{name}": str(config.with_name(name)) for name in generated}
    subprocess.run(
        [linux.conf, option, "Kconfig"],
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
    """Compares each release."""
    return 0 if all(list(map(compare, map(fetched, releases or SUITES)))) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
