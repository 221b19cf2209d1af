# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The files for forges and pre-commit: they run what the tests run, and say the same on each."""

from __future__ import annotations

import re
from typing import Any

import pytest

from project import TOP
from test_habits import LINTERS

yaml = pytest.importorskip("yaml")


def load(name: str) -> Any:
    return yaml.safe_load((TOP / name).read_text())


def test_continuous_integration_runs_the_tiers_in_order() -> None:
    tiers = ["unit", "build", "boot"]
    github = load(".github/workflows/ci.yml")["jobs"]
    assert list(github) == tiers
    assert [github[tier].get("needs") for tier in tiers] == [None, *tiers[:-1]]
    gitlab = load(".gitlab-ci.yml")
    assert gitlab["stages"] == tiers
    for tier in tiers:
        prepare, _, run = [step.get("run") for step in github[tier]["steps"]]
        assert gitlab["default"]["before_script"] == [prepare]
        assert gitlab[tier]["stage"] == tier
        assert gitlab[tier]["script"] == [run] == [f"./sconsw test {tier}"]
        assert gitlab["default"]["image"] == github[tier]["container"]
        assert gitlab[tier]["timeout"] == f"{github[tier]['timeout-minutes']} minutes"


def test_pre_commit_runs_the_linters_of_the_tests() -> None:
    [repository] = load(".pre-commit-config.yaml")["repos"]
    commands = {hook["id"]: hook["entry"] for hook in repository["hooks"]}
    linters = {name.replace(" ", "-"): f".venv/bin/{line}" for name, line in LINTERS.items()}
    assert commands == linters


@pytest.mark.parametrize(
    ("github", "gitlab"),
    [
        ("ISSUE_TEMPLATE/bug.md", "issue_templates/Bug.md"),
        ("ISSUE_TEMPLATE/feature.md", "issue_templates/Feature.md"),
        ("pull_request_template.md", "merge_request_templates/Default.md"),
    ],
)
def test_templates_say_the_same_on_both_forges(github: str, gitlab: str) -> None:
    header = re.compile(r"\A(---\n.*?\n---|<!--.*-->)\n", re.DOTALL)
    texts = [(TOP / name).read_text() for name in (f".github/{github}", f".gitlab/{gitlab}")]
    assert header.sub("", texts[0]) == header.sub("", texts[1])


def test_the_changelog_has_the_version() -> None:
    from xen_tool import __version__

    text = (TOP / "CHANGELOG.md").read_text()
    titles = re.findall(r"^## \[(.+?)\]( - \d{4}-\d\d-\d\d)?$", text, re.MULTILINE)
    assert [title for title, date in titles if not date] in ([], ["Unreleased"])
    assert next(title for title, date in titles if date) == __version__
