# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The table of Xen's releases and changes, against what was found in the tags of its repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loaders.tags import WITNESSES
from xen_tool.errors import XenToolError
from xen_tool.loaders.model import releases
from xen_tool.loaders.model.releases import CHANGES, POINTS, PVH_DOM0_BIT, Change, Xen

RECORD = Path(__file__).with_name("tags.txt").read_text()
TAGS = re.findall(r"^tags (.*)$", RECORD, re.MULTILINE)[0].split()
FOUND = {
    name: (commit, having.split())
    for name, commit, having in re.findall(r"^change (\S+) (\S+) .*\n  in (.*)$", RECORD, re.M)
}
"""By the name of a change: its commit, and the releases that have it."""


def test_every_release_was_read() -> None:
    known = [
        f"{major}.{minor}.{point}"
        for (major, minor), last in POINTS.items()
        for point in range(last + 1)
    ]
    assert known == TAGS


def test_every_change_is_recorded() -> None:
    named = {name: value for name, value in vars(releases).items() if isinstance(value, Change)}
    assert set(named) == set(FOUND) == set(WITNESSES)
    assert set(named.values()) == set(CHANGES)


@pytest.mark.parametrize("name", WITNESSES)
def test_a_change_is_in_the_releases_where_it_was_found(name: str) -> None:
    change = getattr(releases, name)
    commit, having = FOUND[name]
    assert change.commit == commit == WITNESSES[name][0]
    assert [tag for tag in TAGS if Xen.parse(tag).has(change)] == having
    # Each release that is named exists, and has the change.
    assert {"{}.{}.{}".format(*first) for first in change.first} <= set(having)


def test_a_series_is_its_newest_release() -> None:
    assert Xen.parse("4.20").release == (4, 20, 4)
    assert Xen.parse("4.20.3").release == (4, 20, 3)
    assert Xen.parse("4.20").has(PVH_DOM0_BIT)
    assert not Xen.parse("4.20.3").has(PVH_DOM0_BIT)
    assert not Xen.parse("4.21.0+pv32").has(PVH_DOM0_BIT)
    for text in ("4.17", "4.17.7", "4.20.3+pv32", "4.14+pv32"):
        assert str(Xen.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4.13", "older than 4.14, the oldest"),
        ("4.13.5", "older than 4.14, the oldest"),
        ("4.99", "newer than 4.22.0, the newest whose rules are known"),
        ("5.0", "newer than 4.22.0, the newest"),
        ("4.20.9", "newer than 4.20.4, the newest of its series .*; of all, that is 4.22.0"),
        ("4", "no release of Xen: write"),
        ("4.17.", "no release of Xen"),
        ("4.17+pv64", "no release of Xen"),
        ("", "no release of Xen"),
    ],
)
def test_an_unknown_release_is_refused(text: str, words: str) -> None:
    with pytest.raises(XenToolError, match=words):
        Xen.parse(text)
