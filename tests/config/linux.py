# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Debian's Linux of several releases: Kconfig files, configuration, and the program conf."""

from __future__ import annotations

import lzma
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from xen_tool.debian.apt import Apt, cache_folder, locked, run_program, system_mirror

SUITES = {"6.1": "bookworm", "6.12": "trixie", "7.2": "sid"}
"""Release of Linux to the suite of Debian that has it; that of sid changes with time."""
_LOADERS = ("usr/lib64/ld-linux-x86-64.so.2", "lib64/ld-linux-x86-64.so.2")
"""The loaders of libc6, before and after /lib64 became /usr/lib64."""


class Linux(NamedTuple):
    """One release."""

    release: str
    top: Path
    conf: Sequence[str | Path]
    """The command that runs conf with the dynamic loader and libraries that it was built for."""
    config: str

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment variables that make sets for Kconfig."""
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
        if not (folder / "whole").exists():
            _fetch(release, folder)
    (program,) = folder.glob("usr/lib/linux-kbuild-*/scripts/kconfig/conf")
    (loader,) = (path for path in map(folder.joinpath, _LOADERS) if path.exists())
    libraries = loader.parent.parent / "lib/x86_64-linux-gnu"
    conf = (loader, "--library-path", libraries, program)
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
        for name in (kbuild, "libc6", *names):
            apt.download([name], Path(state, name))
            (deb,) = Path(state, name).glob("*.deb")
            run_program("dpkg-deb", "--extract", str(deb), str(folder))
    archive = folder / f"usr/src/linux-source-{release}.tar.xz"
    wanted = [f"linux-source-{release}/{part}" for part in ("*Kconfig*", "scripts/*")]
    run_program("tar", "-xf", str(archive), "--wildcards", *wanted, cwd=folder)
    archive.unlink()
    (folder / "whole").touch()
