# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of GRUB against GRUB itself: Debian's 2.06 on a PC and in domains, newer on a PC."""

from __future__ import annotations

import gzip
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import lzokay
import pytest

from loaders import debian, grub
from loaders.broken.grub import lzop, multiboot_2
from loaders.cases import CASES
from loaders.containers import bzimage
from loaders.good import good_pv64
from loaders.grub import Answer, Asked
from loaders.grub_images import for_commands, images
from loaders.rows import IMAGES
from loaders.rows import grub as rows
from programs import installed, program
from project import Project
from xen_tool.boot.console.console import tell
from xen_tool.debian.suites import NotServed, archive
from xen_tool.elf import spec
from xen_tool.errors import XenToolError
from xen_tool.image.container import unwrap
from xen_tool.image.data import Data
from xen_tool.loaders.model.candidate import Candidate, candidates
from xen_tool.loaders.model.grub import linux, multiboot, xen
from xen_tool.loaders.model.grub.elf import NO_MEMORY
from xen_tool.loaders.model.grub.files import command, is_damaged
from xen_tool.loaders.model.grub.memory import memory_end
from xen_tool.loaders.model.multiboot import find_2
from xen_tool.loaders.model.pc_memory import SMALL_RAM_END
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.names import (
    GRUB,
    GRUB_LINUX,
    GRUB_MULTIBOOT,
    GRUB_MULTIBOOT2,
    GRUB_XEN,
    GRUB_XEN_PVH,
    PV_DOMU,
)
from xen_tool.loaders.rules.rule import Effect, Rule
from xen_tool.loaders.verdict import Verdict, judge, rules_of

_IMAGES = dict(IMAGES)


def _candidate(loader: str, name: str) -> Candidate:
    (found,) = candidates(unwrap(name, Data.of_bytes(_IMAGES[name])), Xen(), [loader])
    return found


def _crashes(loader: str, name: str) -> bool:
    """Return whether the model says that GRUB may crash on an image."""
    verdict = judge(_candidate(loader, name).kernel, loader, Xen())
    texts = [verdict.message or "", *(error.message for error in verdict.errors)]
    return any("GRUB itself" in text or "may crash" in text for text in texts)


def _bits(name: str) -> int:
    """Return 32 or 64 for the platform of pvgrub that a kernel needs; 0 if GRUB may crash on it."""
    elf = _candidate(GRUB_XEN, name).image.elf
    return 0 if _crashes(GRUB_XEN, name) else 64 if elf is None else elf.bits


def _for(loader: str, *prefixes: str) -> list[str]:
    """Return the images whose names begin with prefixes, and on which GRUB cannot crash."""
    return [name for name in IMAGES if name.startswith(prefixes) and not _crashes(loader, name)]


_MULTIBOOT = _for(GRUB_MULTIBOOT, "Q1-", "K1-", "G2-", "G3-")
_MULTIBOOT2 = _for(GRUB_MULTIBOOT2, "G3-", "G7-")
_LINUX = [
    "good-both",
    "G4-short",
    "G4-setup",
    "G9-xz-delta",
    "G9-gzip-size",
    "R10-cut",
    "Z1-protocol-2.07",
    "G4-fits",
    "G4-large",
]
_PV = {
    name: _bits(name)
    for name in (
        *(case.id for case in CASES),
        *(name for name in rows.IMAGES if name.startswith(("G5-", "G6-", "G9-"))),
    )
}
ASKED: dict[str, list[str]] = {
    GRUB_XEN: [name for name, bits in _PV.items() if bits],
    GRUB_XEN_PVH: [*_MULTIBOOT, *(n for n in _MULTIBOOT2 if n.startswith("G7-")), *_LINUX],
    GRUB_LINUX: _LINUX,
    GRUB_MULTIBOOT: [*_MULTIBOOT, "good-both", "Z3-empty", "G9-xz-delta"],
    GRUB_MULTIBOOT2: [*_MULTIBOOT2, "good-both", "Z3-empty"],
}
_NEWER = {"2.12": "trixie", "2.14": "forky"}
"""Newer releases of GRUB, and the release of Debian that has each."""
RANDOM = {
    GRUB_XEN: 240,
    GRUB_XEN_PVH: 100,
    GRUB_LINUX: 20,
    GRUB_MULTIBOOT: 40,
    GRUB_MULTIBOOT2: 60,
}
"""The least numbers of random images; more are made, and on some of them GRUB may crash."""
_UNSEEN = {
    "_outside",
    "_reads_behind",
    "_cut_headers",
    "_dead",
    "_breaks_heap",
    "_copies_too_much",
    "_damaged_payload",
    "_may_be_refused_by_2_12",
}
"""Conditions that GRUB does not report: a guest that cannot run, and its own broken heap."""
_TYPES: dict[str, Callable[[Candidate], bool]] = {
    "x86_64-xen-domu": lambda c: _is_read(c) and c.elf.bits == 64,
    "i386-xen-pae-domu": lambda c: _is_read(c) and c.elf.bits == 32 and xen.xen_info(c).pae,
    "x86-multiboot": lambda c: multiboot.header(c.data) is not None,
    "x86-multiboot2": lambda c: any(find_2(c.data, multiboot.SEARCH_2)),
    "x86-linux32": lambda c: linux.wrong_bzimage(c.data, linux16=True) is None,
}
"""The types of grub-file, and what the model says of an image."""


def _is_read(candidate: Candidate) -> bool:
    is_xen = xen.xen_info(candidate).error is None
    return is_xen and candidate.elf.phdr_end <= candidate.data.size


def _applied(loader: str, name: str) -> Iterator[Rule]:
    candidate = _candidate(loader, name)
    for rule in rules_of(loader):
        if rule.apply(candidate) is not None:
            yield rule
            if rule.effect is Effect.REFUSED or rule.last:
                return


def test_there_are_enough_random_images() -> None:
    asked = [*_in_pv_domain(32), *_in_pv_domain(64), *_on_a_pc(), *_in_a_pvh_domain()]
    found = Counter(loader for loader, name in asked if name.startswith("random"))
    assert all(found[loader] >= count for loader, count in RANDOM.items()), found


def test_live_rules_of_grub_are_those_compared_with_grub() -> None:
    asked = {
        id(rule)
        for loader, names in ASKED.items()
        for name in names
        for rule in _applied(loader, name)
        if rule.condition.__name__ not in _UNSEEN
    }
    every = {id(rule): rule for loader in GRUB for rule in rules_of(loader)}
    wrong = [(r.id, r.condition.__name__) for n, r in every.items() if r.live != (n in asked)]
    assert wrong == []


def _tools(platform: str) -> tuple[str, Path]:
    """Return grub-mkimage, and the folder of GRUB for a platform."""
    module, _ = installed(f"usr/lib/grub/{platform}/linux.mod")
    return program("grub-mkimage"), module.parent


def _asked(*loaders: str) -> list[tuple[str, str]]:
    return [(loader, name) for loader in loaders for name in ASKED[loader]]


def _questions(asked: list[tuple[str, str]]) -> list[Asked]:
    found = []
    for loader, name in asked:
        by = command(_candidate(loader, name))
        found.append(Asked("linux" if by is None else by.value, _IMAGES[name]))
    return found


def _wrong(
    asked: list[tuple[str, str]], answers: list[Answer], *, newer: bool = False
) -> list[str]:
    assert len(answers) == len(asked), (len(answers), asked[len(answers)])
    wrong = []
    for (loader, name), answer in zip(asked, answers, strict=True):
        candidate = _candidate(loader, name)
        verdict = judge(candidate.kernel, loader, Xen())
        if not _agrees(candidate, verdict, answer, newer=newer):
            wrong.append(f"{loader} {name}: {answer}, predicted: {verdict}")
    return wrong


def _agrees(candidate: Candidate, verdict: Verdict, answer: Answer, *, newer: bool) -> bool:
    newer_refuses = [w.message for w in verdict.warnings if "GRUB since 2.12 refuses" in w.message]
    if newer and any("GRUB since 2.12 may refuse" in w.message for w in verdict.warnings):
        return True
    if newer and newer_refuses and verdict.accepted:
        return not answer.taken and newer_refuses[0].endswith(answer.words)
    if any(error.id == "G9" for error in verdict.errors):
        return True
    if answer.words == NO_MEMORY and memory_end(candidate) > SMALL_RAM_END:
        return True
    if verdict.accepted:
        return answer.taken
    if verdict.message == "you need to load the kernel first":
        return answer.taken
    # GRUB ends "premature end of file" with the file's name.  Newer ones also have other words.
    return not answer.taken and (newer or answer.words.startswith(verdict.message or ""))


@pytest.mark.boot
def test_it_agrees_on_a_pc(tmp_path: Path) -> None:
    qemu = program("qemu-system-x86_64")
    asked = _on_a_pc()
    answers = grub.ask_pc(_questions(asked), qemu, *_tools("i386-pc"), tmp_path)
    wrong = _wrong(asked, answers)
    assert wrong == [], "\n".join(wrong)


def _newer(release: str, folder: Path) -> Path | None:
    """Return the folder of a newer GRUB for a PC; None if the mirror has none.

    Debian 14 is not released, so that it may have yet another one.
    """
    modules = folder / "root/usr/lib/grub/i386-pc"
    if not modules.exists():
        try:
            apt = archive(_NEWER[release], f"GRUB {release}", folder, tell)
            debian.unpack(folder, ["grub-pc-bin"], ["./usr/lib/grub/i386-pc/*"], apt)
        except NotServed as error:
            warnings.warn(f"absent: {error}", stacklevel=1)
            return None
        except XenToolError as error:
            pytest.skip(str(error))
    (package,) = folder.glob("*.deb")
    if not package.name.startswith(f"grub-pc-bin_{release}-"):
        warnings.warn(f"absent: {_NEWER[release]} has no GRUB {release}: {package}", stacklevel=1)
        return None
    return modules


@pytest.mark.boot
@pytest.mark.parametrize("release", _NEWER)
def test_a_newer_one_agrees_on_a_pc(
    release: str, pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    qemu = program("qemu-system-x86_64")
    assert pytestconfig.cache
    modules = _newer(release, pytestconfig.cache.mkdir(f"grub-{release}"))
    if modules is None:
        return
    mkimage, _ = _tools("i386-pc")
    asked = _on_a_pc()
    answers = grub.ask_pc(_questions(asked), qemu, mkimage, modules, tmp_path)
    wrong = _wrong(asked, answers, newer=True)
    assert wrong == [], "\n".join(wrong)


@pytest.mark.usefixtures("linux_dom0")
def test_it_agrees_in_a_pv_domain(built_kernel: Project, tmp_path: Path) -> None:
    kernel = (built_kernel.top / "build/x86_64/vmlinux").read_bytes()
    tools = _tools("x86_64-xen")
    asked = _in_pv_domain(64)
    answers, console = grub.ask_domain(_questions(asked), *tools, tmp_path, kernel)
    wrong = _wrong(asked, answers)
    assert wrong == [], "\n".join(wrong)
    # GRUB starts the kernels that it accepts.
    assert "PASS hypercall_returns_version" in console


@pytest.mark.usefixtures("linux_dom0")
def test_it_agrees_in_a_32_bit_pv_domain(tmp_path: Path) -> None:
    asked = _in_pv_domain(32)
    tools = _tools("i386-xen")
    kernel = IMAGES["G6-pvh-entry-32"]
    answers, console = grub.ask_domain(_questions(asked), *tools, tmp_path, kernel)
    wrong = _wrong(asked, answers)
    assert wrong == [], "\n".join(wrong)
    # GRUB starts a PVH kernel as a PV one, which is dead: only Xen prints something.
    of_dom0 = [line for line in console if not line.startswith("(XEN)")]
    assert of_dom0[-1] == "dom0: the domain shut down: crash"
    assert of_dom0[-2] in ("taken", "refused")


def _in_pv_domain(bits: int) -> list[tuple[str, str]]:
    """Return the chosen and the random images of 32-bit or 64-bit kernels, with the loader."""
    chosen = [name for name in ASKED[GRUB_XEN] if _PV[name] == bits]
    named = _named(f"random-{bits}", images(bits, 1, 200))
    random = [name for name in _random(GRUB_XEN, named) if _bits(name) == bits]
    return [(GRUB_XEN, name) for name in (*chosen, *random)]


def _on_a_pc() -> list[tuple[str, str]]:
    """Return loaders with images, chosen and random: at most 250, as the disk has room for."""
    loaders = GRUB_LINUX, GRUB_MULTIBOOT, GRUB_MULTIBOOT2
    random = [
        (loader, name)
        for loader in loaders
        for name in _random(loader, _named("random-pc", for_commands(1, 150)))
        if _reads(loader, name)
    ]
    return [*_asked(*loaders), *random]


def _reads(loader: str, name: str) -> bool:
    """Return whether a command reads an image, and does not refuse it at once."""
    is_linux = b"HdrS" in _IMAGES[name][:0x210]
    has_2 = bool(multiboot_2()[:4] in _IMAGES[name])
    return loader == (GRUB_LINUX if is_linux else GRUB_MULTIBOOT2 if has_2 else GRUB_MULTIBOOT)


def _in_a_pvh_domain() -> list[tuple[str, str]]:
    """Return loaders with images, chosen and random."""
    random = _random(GRUB_XEN_PVH, _named("random-pvh", for_commands(2, 120)))
    return [*_asked(GRUB_XEN_PVH), *((GRUB_XEN_PVH, name) for name in random)]


def _named(prefix: str, more: list[bytes]) -> list[str]:
    """Make random images candidates, named by prefix and number; return the names."""
    found = {f"{prefix}-{number}": image for number, image in enumerate(more)}
    _IMAGES.update(found)
    return list(found)


def _random(loader: str, names: list[str]) -> list[str]:
    """Return the names of those images on which GRUB cannot crash."""
    return [
        name
        for name in names
        if not _crashes(loader, name) and not is_damaged(_candidate(loader, name))
    ]


@pytest.mark.usefixtures("linux_dom0")
def test_it_agrees_in_a_pvh_domain(tmp_path: Path) -> None:
    asked = _in_a_pvh_domain()
    answers, _ = grub.ask_domain(_questions(asked), *_tools("i386-xen_pvh"), tmp_path)
    wrong = _wrong(asked, answers)
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("loader", [GRUB_XEN, GRUB_MULTIBOOT, PV_DOMU])
@pytest.mark.parametrize("wrap", [bytes, bzimage, lambda stream: gzip.compress(bzimage(stream))])
def test_a_missing_package_is_an_error(
    wrap: Callable[[bytes], bytes], loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(good_pv64())
    stream = lzop(content, packed=bytes(lzokay.compress(content)))
    monkeypatch.setitem(sys.modules, "lzokay", None)
    kernel = unwrap("image", Data.of_bytes(wrap(stream)))
    if loader == GRUB_MULTIBOOT and kernel.container == ("gzip",):
        return
    with pytest.raises(XenToolError, match=r"image: .* lzokay, which is not installed"):
        judge(kernel, loader, Xen())


@pytest.mark.build
def test_grub_file_agrees(tmp_path: Path) -> None:
    grub_file = program("grub-file")
    names = [*(case.id for case in CASES), *rows.IMAGES]
    asked = [
        (kind, name)
        for name in names
        for kind in _TYPES
        if _is_certain(name) and _concerns(kind, name)
    ]
    questions = ((kind, bytes(_IMAGES[name])) for kind, name in asked)
    found = grub.ask_grub_file(questions, grub_file, tmp_path)
    predicted = [_TYPES[kind](_candidate(_reader(kind), name)) for kind, name in asked]
    assert [a for a, p, f in zip(asked, predicted, found, strict=True) if p != f] == []
    both = {(kind, is_it) for (kind, _), is_it in zip(asked, found, strict=True)}
    assert len(both) == 2 * len(_TYPES)


def _is_certain(name: str) -> bool:
    """Whether grub-file reads nothing damaged, and nothing behind a file; it compares no sums."""
    candidate = _candidate(GRUB_XEN, name)
    uncertain = is_damaged(candidate) or xen.reads_behind(candidate)
    return not uncertain and name != "G5-xz-header-sum"


def _reader(kind: str) -> str:
    return GRUB_XEN if kind.endswith("domu") else GRUB_MULTIBOOT


def _concerns(kind: str, name: str) -> bool:
    """Return whether grub-file is run for a type and an image; each run is a process."""
    if kind.endswith("domu"):
        is_32 = _IMAGES[name][spec.EI_CLASS : spec.EI_CLASS + 1] == bytes([spec.ELFCLASS32])
        return is_32 == kind.startswith("i386")
    return name.startswith(("Z1-", "Q1-", "G", "good-both"))
