# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Each rule against an image that breaks it alone, and good images against every loader.

`PYTHONPATH=site_scons:tests python tests/loaders/test_rules.py` writes rows/fixes.txt, the fixes of
all rows, for a person to read.
"""

from __future__ import annotations

import gzip
import re
import struct
from dataclasses import replace

import pytest

from loaders import places
from loaders.containers import packed
from loaders.good import good_both, good_pv64
from loaders.images import Note
from loaders.rows import IMAGES, ROWS
from loaders.rows.row import Row
from project import TOP
from xen_tool.abi import XenElfNote
from xen_tool.image.container import KernelFile, unwrap
from xen_tool.image.data import Data
from xen_tool.loaders.model.candidate import candidates
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.names import (
    ALL,
    CROSVM,
    DOM0,
    DOMU,
    GRUB_XEN,
    LINUX_LOADER,
    LOADERS,
    PV,
    PV_DOM0,
    PVH_DOM0,
    QEMU,
    XEN,
    XEN_EFI,
)
from xen_tool.loaders.rules.rule import Effect, Finding
from xen_tool.loaders.verdict import RULES, Verdict, claimed, judge, rules_of, verdicts

FILE = "tests/loaders/rows/fixes.txt"
FIXES = frozenset((TOP / FILE).read_text().splitlines())
NOT_PV = tuple(loader for loader in LOADERS if loader not in PV)


def kernel(image: bytes) -> KernelFile:
    return unwrap("kernel", Data.of_bytes(image))


def _name(row: Row) -> str:
    return f"{row.rule}-{row.effect.name.lower()}-{row.image}-{row.xen}-{row.loaders[0]}"


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_an_image_has_the_finding_of_its_row(row: Row) -> None:
    for loader in row.loaders:
        verdict = judge(kernel(IMAGES[row.image]), loader, Xen.parse(row.xen))
        _check_texts(row.image, verdict)
        if row.effect is Effect.REFUSED:
            assert verdict.refusal
            assert verdict.refusal.id == row.rule, verdict
            assert row.message in verdict.refusal.message
            continue
        findings = verdict.errors if row.effect is Effect.ERROR else verdict.warnings
        found = [f for f in findings if f.id == row.rule and row.message in f.message]
        assert len(found) == 1, verdict
        if row.effect is Effect.ERROR:
            assert verdict.accepted, verdict


_GOOD = ("good-pv64", "good-pv32", "good-pvh64", "good-no-sections")


@pytest.mark.parametrize("image", _GOOD)
def test_texts_of_loaders_that_a_good_image_is_not_for(image: str) -> None:
    for loader in ALL:
        _check_texts(image, judge(kernel(IMAGES[image]), loader, Xen()))


def _check_texts(image: str, verdict: Verdict) -> None:
    for finding in _findings(verdict):
        assert finding.where
        assert list(places.wrong(IMAGES[image], finding.where)) == []
        assert _fix(finding) in FIXES, f"it is not in {FILE}: {_fix(finding)}"


def _findings(verdict: Verdict) -> list[Finding]:
    return [*filter(None, [verdict.refusal]), *verdict.errors, *verdict.warnings]


def _fix(finding: Finding) -> str:
    fix = f"{finding.id} {finding.fix}"
    # What zlib makes, and its messages, depend on its version.
    return re.sub(r"\(Error .*\)|0x\w+", "...", fix) if fix[0] == "Z" else fix


def test_every_rule_has_a_row() -> None:
    """Every Rule has a row, not only every id: an id has several rules, by release and loader."""
    in_rows: set[int] = set()
    for row in ROWS:
        xen = Xen.parse(row.xen)
        for candidate in candidates(kernel(IMAGES[row.image]), xen, row.loaders):
            for rule in rules_of(candidate.loader):
                finding = rule.apply(candidate) if rule.concerns(xen) else None
                if finding is None:
                    continue
                if rule.id == row.rule:
                    in_rows.add(id(rule))
                if rule.effect is Effect.REFUSED or rule.last:
                    break
    rules = (rule for loader in ALL for rule in rules_of(loader))
    missing = {(rule.id, rule.loaders, rule.message) for rule in rules if id(rule) not in in_rows}
    assert missing == set()


def test_the_string_of_old_kernels_is_not_for_pvh() -> None:
    refusals = [
        judge(kernel(IMAGES["L1-guest"]), PVH_DOM0, Xen.parse(release)).refusal
        for release in ("4.14", "4.17")
    ]
    assert all(refusals)
    # Before 4.16 libelf read it for any domain.
    ids = [refusal.id for refusal in refusals if refusal]
    assert ids == ["H2", "C1"]
    assert refusals[1]
    assert refusals[1].where.endswith("; __xen_guest is not read for PVH")


@pytest.mark.parametrize(
    ("image", "loaders"),
    [
        ("good-pv64", PV),
        ("good-minimal", PV),
        ("good-linux", LOADERS),
        ("guest-os-linux", PV),
        ("good-pvh32", NOT_PV),
        ("good-pvh64", NOT_PV),
        ("good-both", LOADERS),
        ("good-no-hypercall-page", LOADERS),
        ("good-foreign-notes", LOADERS),
        ("good-unknown-note", LOADERS),
        ("good-no-sections", LOADERS),
        ("no-page-other-symbol", LOADERS),
        ("no-ibt", LOADERS),
        ("no-thunks", LOADERS),
        ("page-of-slots", PV),
        ("percpu", PV),
        ("L1-guest", PV),
        ("C0-pvh-without-loader", NOT_PV),
        ("Z1-bzimage-zstd", XEN),
        ("Z1-bare-elf", XEN),
        ("Z2-gzip", XEN),
        ("Z2-zstd", DOM0),
        ("Q6-quad", NOT_PV),
        ("good-pvh64", LINUX_LOADER),
        ("good-both", LINUX_LOADER),
        ("good-both", (XEN_EFI,)),
        ("Z1-bzimage-gzip", (XEN_EFI,)),
        ("P-good", (XEN_EFI,)),
        ("P-good-pvh", (XEN_EFI,)),
        ("P-version-unknown", (XEN_EFI,)),
        ("good-no-sections", LINUX_LOADER),
        ("E13-class", LINUX_LOADER),
        ("Q3-align-8", LINUX_LOADER),
        ("N4-padded-to-8", (QEMU,)),
        ("good-both", (GRUB_XEN,)),
        ("good-pv64", (GRUB_XEN,)),
        ("good-pv32", (GRUB_XEN,)),
        ("Z1-bzimage-gzip", (GRUB_XEN,)),
        ("Z1-bzimage-xz", (GRUB_XEN,)),
        ("Z4-gzip-of-bzimage", (GRUB_XEN,)),
        ("Z1-gzip-with-HdrS", (GRUB_XEN,)),
        ("Z7-bzimage-xz-arm", (GRUB_XEN,)),
        ("G5-lzop", (GRUB_XEN,)),
        ("G5-bzimage-of-lzop", (GRUB_XEN,)),
        ("G5-guest-page", (GRUB_XEN,)),
        ("Q10-elf-and-bzimage", (GRUB_XEN,)),
        ("N3-desc-outside", PV),
        ("Z7-xz-none", DOM0),
        ("Z7-bzimage-xz-x86", XEN),
        ("Z7-bzimage-xz-crc64", DOMU),
        ("Z7-bzimage-xz-delta", DOMU),
        ("Z7-bzimage-xz-dict-192", XEN),
        ("Z7-bzimage-xz-dict-256", DOM0),
        ("Z7-bzimage-gzip-header-crc", DOMU),
        ("Z7-bzimage-zstd-two-frames", DOMU),
        ("Z7-bzimage-lz4-two-frames", DOMU),
        ("lz4-full-frame", XEN),
        ("Z7-bzimage-zstd-window-27", XEN),
        ("Z7-bzimage-zstd-window-28", DOMU),
        ("H4-hole", ("xen-pvh-dom0",)),
        ("H4-empty-at-0", ("xen-pvh-dom0", "xen-pvh-domu")),
        ("H4-empty-at-0-without-flags", ("xen-pvh-dom0", "xen-pvh-domu")),
        ("X13-zeros-over-next", ("xen-pvh-dom0", "xen-pvh-domu", QEMU)),
        ("X13-zeros-over-zeros", ("xen-pvh-dom0", "xen-pvh-domu", QEMU)),
        ("X13-zeros-over-previous", (QEMU,)),
        ("X13-zeros-over-code", (QEMU,)),
        ("X13-same-bytes", ("xen-pvh-dom0", "xen-pvh-domu")),
    ],
)
def test_good_images_have_no_findings(image: str, loaders: tuple[str, ...]) -> None:
    for loader in loaders:
        verdict = judge(kernel(IMAGES[image]), loader, Xen())
        assert (verdict.refusal, verdict.errors, verdict.warnings) == (None, (), ())


def test_pv32_is_a_property_of_the_build() -> None:
    for version in ("4.14", "4.17", "4.22"):
        for image in ("good-pv32", "D3-pv32-bimodal"):
            accepted = [
                judge(kernel(IMAGES[image]), loader, Xen.parse(f"{version}{build}")).accepted
                for build in ("", "+pv32")
                for loader in PV
            ]
            assert accepted == [False, False, True, True]


@pytest.mark.parametrize(
    ("image", "loader", "refused", "accepted"),
    [
        ("A1-pvh", "xen-pvh-dom0", "4.17", "4.18"),
        ("zstd-bare", "xen-pv-dom0", "4.14", "4.15"),
        ("zstd", "xen-pv-domu", "4.14", "4.15"),
        ("H3-no-dom0", "xen-pvh-dom0", "4.20", "4.19"),
        ("C0-pvh-without-loader", "xen-pv-dom0", "4.16", "4.15"),
        ("reloc", "xen-pvh-dom0", "4.18", "4.19"),
        ("H3-no-dom0", "xen-pvh-dom0", "4.20.4", "4.20.3"),
        ("H3-no-dom0", "xen-pvh-dom0", "4.21.2", "4.21.1"),
        ("H4-empty-at-0", "xen-pvh-dom0", "4.19", "4.18"),
        ("Z7-bzimage-xz-dict-192", "xen-pv-domu", "4.17.7", "4.17"),
        ("Z7-bzimage-xz-dict-192", "xen-pv-domu", "4.19.1", "4.19.2"),
        ("Z2-bzimage-lz4-size-more", "xen-pv-domu", "4.22", "4.21"),
    ],
)
def test_a_verdict_depends_on_the_release_of_xen(
    image: str, loader: str, refused: str, accepted: str
) -> None:
    assert not judge(kernel(IMAGES[image]), loader, Xen.parse(refused)).accepted
    assert judge(kernel(IMAGES[image]), loader, Xen.parse(accepted)).accepted


@pytest.mark.parametrize(
    ("wanted", "refused", "warned"),
    [
        (128 << 20, False, False),
        ((128 << 20) + 4096, False, True),
        ((1 << 30) - (16 << 20), False, True),
        ((1 << 30) - (16 << 20) + 4096, True, False),
    ],
)
def test_memory_that_xen_wants_to_unpack(wanted: int, refused: bool, warned: bool) -> None:
    """Xen needs the stated size and the stream, in pages, and the stream once more.

    More than BOOTSTRAP_MAP_LIMIT is refused.
    """
    sizes = range(5 * 4096 - 100, 5 * 4096)
    streams = (packed("lz4", bytes(size), size_appended=False) for size in sizes)
    stream = next(each for each in streams if len(each) == 5 * 4096 - 4)
    image = stream + struct.pack("<I", wanted - 2 * 5 * 4096)
    verdict = judge(kernel(image), PV_DOM0, Xen())
    words = "Not enough memory to relocate the dom0 kernel image"
    assert verdict.refusal
    assert (words in verdict.refusal.message) == refused
    assert any(words in warning.message for warning in verdict.warnings) == warned


@pytest.mark.parametrize(("stated", "refused"), [(1056669750, False), (1056669751, True)])
def test_memory_that_xen_wants_to_unpack_gzip(stated: int, refused: bool) -> None:
    """Xen needs the stated size, 1/4096 of that and 32,786 bytes, in pages, and the stream."""
    stream = gzip.compress(b"text", mtime=0)[:-4] + struct.pack("<I", stated)
    verdict = judge(kernel(stream), PV_DOM0, Xen())
    words = "Not enough memory to relocate the dom0 kernel image"
    assert verdict.refusal
    assert (words in verdict.refusal.message) == refused


def test_first_fatal_rule_decides() -> None:
    broken = good_pv64().without(5, 8).loading(p_paddr=0x7000)  # XEN_VERSION, LOADER
    verdict = judge(kernel(bytes(broken)), "xen-pv-dom0", Xen())
    assert verdict.rule == "C2"


def test_warnings_that_may_be_the_cause_stay_with_a_refusal() -> None:
    verdict = judge(kernel(IMAGES["N6-entry-long"]), "xen-pv-dom0", Xen())
    assert verdict.rule == "A3"
    assert [finding.id for finding in verdict.warnings] == ["N6"]


def test_the_cause_is_in_the_fix() -> None:
    def fix(image: str, loader: str = "xen-pv-dom0", xen: str = "4.17") -> str:
        refusal = judge(kernel(IMAGES[image]), loader, Xen.parse(xen)).refusal
        assert refusal
        return refusal.fix

    assert fix("N6-entry-long").startswith("write ENTRY with .quad")
    assert fix("C3-version-absent").startswith("add the note XEN_VERSION")
    assert fix("C3-version-xen-2.0").startswith("make the note XEN_VERSION")
    assert fix("C3-version-absent", "xen-pvh-dom0").startswith("add the note PHYS32_ENTRY")
    assert fix("L2-version") == "write XEN_VER=xen-3.0 into the __xen_guest string"
    assert fix("D3-pv32-no-pae", "xen-pv-domu", "4.17+pv32") == 'add the note PAE_MODE = "yes"'
    assert "CONFIG_PV32" in fix("D3-pv32-no-pae", "xen-pv-domu")
    assert fix("lz4-frame").startswith("use gzip")
    # The fix of the first refusal includes what the next check would refuse.
    assert fix("L2-nothing").startswith("write LOADER=generic and XEN_VER=xen-3.0 into")
    assert fix("neither-loader-nor-version").startswith(
        'add the note LOADER = "generic", and add the note XEN_VERSION = "xen-3.0"'
    )
    assert fix("Q2-section-and-0", "qemu-kernel") == (
        "put the notes into a PT_NOTE: QEMU reads no sections; and make PHYS32_ENTRY the physical "
        "address of the entry"
    )
    assert fix("N2-owner-#Xen") == 'give the notes the owner "Xen": now it is "#Xen"'
    # A cut note of another type is not the cause.
    assert fix("A3-and-cut-page").startswith("make ENTRY the virtual address")


def test_a_cut_note_of_another_owner_is_no_finding() -> None:
    image = good_pv64().adding(Note(XenElfNote.VIRT_BASE, bytes(8), b"GNU\0"))
    cut = bytes(replace(image, sections=False))
    at = cut.rindex(b"GNU\0")
    verdict = judge(kernel(cut[: at + 8]), "xen-pv-dom0", Xen())
    assert verdict.accepted
    assert "N10" not in {finding.id for finding in verdict.warnings}


def test_a_refusal_for_domu_has_a_reason_though_the_library_prints_none() -> None:
    refusal = judge(kernel(IMAGES["C3-version-xen-2.0"]), "xen-pv-domu", Xen()).refusal
    assert refusal
    assert "(Not 'xen-2.0')" in refusal.reason
    assert refusal.where == 'note XEN_VERSION = "xen-2.0" at offset 0x3000 of the file'


@pytest.mark.parametrize(("domu", "dom0"), [("xen-pv-domu", PV_DOM0), ("xen-pvh-domu", PVH_DOM0)])
def test_why_is_what_xen_prints_of_the_same_image(domu: str, dom0: str) -> None:
    """The library contains Xen's libelf; other tests compare the messages with the hypervisor's."""
    # Messages of libelf's callers: libelf prints none for some refusals.
    callers = ("Could not construct domain 0", "Unable to parse kernel for ELFNOTES")
    compared = 0
    for name, image in IMAGES.items():
        refused, printed = (judge(kernel(image), loader, Xen()) for loader in (domu, dom0))
        same = refused.rule == printed.rule and str(refused.rule)[0] != "Z"
        reason = refused.refusal and refused.refusal.reason
        if reason and same and printed.message not in callers:
            assert reason == printed.message, name
            compared += 1
    assert compared > 150


def test_where_names_note_segment_and_field() -> None:
    def where(image: str, loader: str = "xen-pv-dom0") -> str:
        refusal = judge(kernel(IMAGES[image]), loader, Xen()).refusal
        assert refusal
        return refusal.where

    assert where("D13-p2m-xen-area").startswith("note INIT_P2M = 0xffff800000000000 at offset 0x3")
    assert where("E2-phnum").endswith("e_phnum = 0xffff at offset 0x38 of the file")
    assert "program header 0 (PT_LOAD, p_filesz = 0x2000, p_memsz = 0x1000)" in where("E8-memsz")
    assert where("good-pv32") == (
        "EI_CLASS = 0x1 at offset 0x4 of the file, e_machine = 0x3 at offset 0x12 of the file"
    )
    assert where("E2-phentsize", "crosvm") == (
        "e_phentsize = 0xffff at offset 0x36 of the file, e_phnum = 0x2 at offset 0x38 of the file"
    )
    assert '__xen_guest "GUEST_OS=test,XEN_VER=xen-2.0' in where("L2-version")
    assert where("Z4-gzip-of-text") == "what was unwrapped starts with the bytes 6e 6f 20 6b"
    assert "at offset 0x28 of the unwrapped ELF" in where("Z2-zstd-size-less")


def test_crosvm_needs_whole_multiboot_headers() -> None:
    """It reads them in the first 8 KiB, and all of their words before it loads anything."""
    no_checksum = bytes(0x400) + struct.pack("<2I", 0x1BADB002, -0x1BADB002 % (1 << 32))
    flags, load, offset = 0x10004, 0x200000, 0x2000 - 44
    words = 0x1BADB002, flags, -(0x1BADB002 + flags) % (1 << 32), load + offset, load, load << 1, 0
    no_mode = bytes(offset) + struct.pack("<8I", *words, load) + bytes(12)
    found = [judge(kernel(image), CROSVM, Xen()).message for image in (no_checksum, no_mode)]
    assert found == [
        "error loading kernel bzImage: bad kernel header signature",
        "error loading Kernel: unable to read header",
    ]


def test_all_five_verdicts() -> None:
    found = verdicts(kernel(bytes(good_both())), Xen())
    assert tuple(found) == LOADERS
    assert all(verdict.loader == loader for loader, verdict in found.items())


@pytest.mark.parametrize(
    ("image", "loaders"),
    [
        ("good-both", LOADERS),
        ("good-pv64", PV),
        ("good-pv32", PV),
        ("good-pvh32", ("xen-pvh-dom0", "xen-pvh-domu", "qemu-kernel")),
        ("L1-guest", PV),
        ("D4-no-dom0", ("xen-pv-domu", "xen-pvh-domu", "qemu-kernel")),
        ("claims-behind-F1", LOADERS),
        ("claims-bzimage-in-gzip", LOADERS),
        ("C1-no-notes", ()),
        ("C3-version-absent", ()),
        ("E1-text", ()),
        ("P-good", (XEN_EFI,)),
        ("P3-no-kernel", ()),
        ("Z3-truncated", ()),
        ("Z3-empty", ()),
    ],
)
def test_an_image_claims_these_loaders(image: str, loaders: tuple[str, ...]) -> None:
    assert claimed(kernel(IMAGES[image])) == loaders


def test_texts_of_the_rules_fit_their_fields() -> None:
    """Every row's message and fix were formatted: no brace is left over."""
    for name, image in IMAGES.items():
        for verdict in verdicts(kernel(image), Xen.parse("4.19+pv32"), ALL).values():
            refusal = (verdict.refusal,) if verdict.refusal else ()
            for finding in (*refusal, *verdict.errors, *verdict.warnings):
                assert "{" not in finding.message + finding.fix, name
                assert finding.fix.endswith(".") is False
                assert "  " not in finding.fix + finding.message


def test_ids_name_rows_in_the_order_of_their_loader() -> None:
    order = [rule.id for rule in RULES["xen-pv-dom0"] if rule.effect is Effect.REFUSED]
    firsts = [order.index(row) for row in ("Z1", "E1", "F1", "C1", "A1", "D3", "D8", "D5", "D14")]
    assert firsts == sorted(firsts)


def _write_fixes() -> None:
    tried = {(row.image, loader, row.xen) for row in ROWS for loader in row.loaders}
    tried |= {(image, loader, str(Xen())) for image in _GOOD for loader in ALL}
    verdicts_ = (judge(kernel(IMAGES[i]), loader, Xen.parse(xen)) for i, loader, xen in tried)
    fixes = {_fix(finding) for verdict in verdicts_ for finding in _findings(verdict)}
    head = (TOP / FILE).read_text().splitlines()[:2]
    (TOP / FILE).write_text("".join(f"{line}\n" for line in [*head, *sorted(fixes)]))


if __name__ == "__main__":
    _write_fixes()
