# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool explain`: every rule has its texts, and an example image that breaks it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loaders import examples
from project import TOP
from xen_tool.cli import main
from xen_tool.image.container import unwrap
from xen_tool.image.data import Data
from xen_tool.loaders import rules as loader_rules
from xen_tool.loaders.verdict import judge
from xen_tool.report import rule_text

OF_NO_LOADER = {"U1", "V1"}
"""How libxenguest refuses what another rule finds."""


def test_the_document_is_what_the_rules_say() -> None:
    assert (TOP / "docs/rules.md").read_text().splitlines() == list(rule_text.document())


def test_the_examples_are_images_of_the_tests() -> None:
    assert rule_text.EXAMPLES.read_text() == examples.lines()


@pytest.mark.parametrize("name", rule_text.rules())
def test_an_example_trips_its_rule(name: str) -> None:
    example = rule_text.example(name)
    if name in OF_NO_LOADER:
        assert example is None
        return
    assert example is not None
    verdict = judge(unwrap("k", Data.of_bytes(example.image)), example.loader, example.xen)
    assert name in {verdict.rule, *(finding.id for finding in (*verdict.errors, *verdict.warnings))}


def test_a_rule_is_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    image = tmp_path / "image"
    assert main(["explain", "C3", "--image", str(image)]) == 0
    output = capsys.readouterr().out
    assert output.startswith('C3: XEN_VERSION does not begin with "xen-3.0".\n')
    assert (
        "says:    ERROR: Xen will only load images built for Xen v3.0 (Not '<xen_ver>')" in output
    )
    assert "source:  xen/common/libelf/libelf-dominfo.c, elf_xen_note_check" in output
    assert "known:   live" in output
    assert main(["check", str(image), "--loader", "xen-pv-dom0"]) == 3
    assert "refused (C3)" in capsys.readouterr().out


def test_the_package_says_where_the_rules_of_each_letter_are() -> None:
    rules = TOP / "site_scons/xen_tool/loaders/rules"
    lines = re.findall(r"(?m)^    ([A-Z](?:, [A-Z])*) +(.+)$", loader_rules.__doc__ or "")
    letters = [(letter, text) for named, text in lines for letter in named.split(", ")]
    assert {letter for letter, _ in letters} == {name[0] for name in rule_text.rules()}
    for letter, text in letters:
        for name in text.rpartition(": ")[2].split(", "):
            files = [*rules.glob(f"{name}.py"), *rules.glob(f"{name.rstrip('/')}/*.py")]
            row = re.compile(rf'"{letter}[0-9]+"')
            assert any(row.search(path.read_text()) for path in files), (letter, name)


@pytest.mark.parametrize("arguments", [[], ["--all", "C3"], ["--all", "--image", "x"]])
def test_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["explain", *arguments])
    assert end.value.code == 2


def test_no_such_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "C33"]) == 4
    assert "'C33' is no rule; there are Z1, Z2," in capsys.readouterr().err


def test_no_format_field_is_left_in_the_document() -> None:
    # Fields of messages are written as <name>, whatever their format.
    assert not re.search(r"\{\w+[:}]", (TOP / "docs/rules.md").read_text())
