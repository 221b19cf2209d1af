# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Links in a copied tree: within the tree they lead into the copy."""

from __future__ import annotations

from pathlib import Path

from xen_tool.build import tree


def test_links(tmp_path: Path) -> None:
    top, copy = tmp_path / "top", tmp_path / "copy"
    (top / "folder").mkdir(parents=True)
    for path in (top / "file", tmp_path / "outside"):
        path.write_text("content\n")
    targets = {
        "absolute": str(top / "file"),
        "relative": "../file",
        "absolute-out": str(tmp_path / "outside"),
        "relative-out": "../../outside",
    }
    for name, target in targets.items():
        (top / "folder" / name).symlink_to(target)
    tree.copy(str(top), str(copy), ())
    for name in targets:
        link = copy / "folder" / name
        expected = tmp_path / "outside" if name.endswith("-out") else copy / "file"
        assert link.is_symlink()
        assert link.resolve() == expected.resolve(), name
