# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""xen-tool rebuild: the same image from another checkout, and the cause of each difference."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from project import Project
from xen_tool.cli import main

IMAGE = "build/x86_64/k"
REST = """
env["CCFLAGS"] = ["-O1"]
def make(target, source, env):
    with open(str(target[0]), "w") as file:
        file.write("#define MADE 3\\n")
env.Command("made.h", [], make)
env.Default(env.XenImage("k", ["a.c", "b.c"], script="k.lds", loaders="none"))
env.XenSbom("sbom", DEFAULT_TARGETS[0])
"""
KCONFIG = """
config A
	bool "a"
config TEXT
	string "text"
config HIDDEN
	int
	default 5
"""
FILES = {
    "a.c": '#include "made.h"\nint a = MADE + CONFIG_HIDDEN;\n',
    "b.c": "#ifdef CONFIG_A\nchar text[] = CONFIG_TEXT;\n#endif\nint seed = SEED;\n",
    ".gitignore": "build/\nmade.h\n.sconsign*\n",
}


@pytest.fixture(scope="module")
def original(gcc: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A tree of git, built by a compiler that also reads a file that it does not report."""
    folder = tmp_path_factory.mktemp("rebuild")
    project = Project(folder / "tree")
    project.write_small(REST, kconfig=KCONFIG)
    for name, text in FILES.items():
        project.write(name, text)
    words = "git -c user.name=a -c user.email=a@example.org"
    assert not project.shell(f"{words} init -q && git add . && {words} commit -qm a").returncode
    project.write("../seed", "1")
    compiler = f'#!/bin/sh\nexec {gcc} -DSEED=$(cat {folder}/seed) "$@"\n'
    project.write("../compiler-gcc", compiler).chmod(0o755)
    done = project.run("sbom", f"CC={folder}/compiler-gcc", "A=1", 'TEXT=a "b" \\ c')
    assert done.status == 0, done.err
    return project


OPTIONS = """
AddOption("--level", type="string", default="O0")
AddOption("--pair", nargs=2, default=("0", "0"))
AddOption("--quick", nargs="?", const="1", default="0")
AddOption("-z", "--zed", dest="z", action="append", default=[])
one, two = GetOption("pair")
said = [one, two, GetOption("quick"), *GetOption("z"), ARGUMENTS.get("WORD", "0")]
env["CCFLAGS"] = [f"-{GetOption('level')}", f"-DSEED={'+'.join(said)}"]
env.Default(env.XenImage("k", ["b.c"], script="k.lds", loaders="none"))
env.XenSbom("sbom", DEFAULT_TARGETS[0])
"""


def test_options_and_words_of_the_sconstruct_are_used_for_the_rebuild(
    gcc: str, tmp_path: Path, each_scons: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = Project(tmp_path / "tree")
    tree.write_small(OPTIONS, kconfig=KCONFIG)
    tree.edit("SConstruct", 'XenConfigure("Kconfig")', 'XenConfigure("Kconfig", arguments={})')
    (tree.top / "SConstruct").rename(tree.top / "build.py")
    tree.write("b.c", FILES["b.c"])
    # SCons 4.8 knows neither options of one letter nor several values before AddOption.
    newest = each_scons == "newest"
    more = ("--pair", "2", "30", "-z4", "-z", "5") if newest else ("--zed=4", "--zed=5")
    options = ("-f", "build.py", "--level=O1", "--quick", *more)
    run = tree.run(
        "sbom", "--provenance", *options, "WORD=6", "-j2", "V=1", SCONSFLAGS="--level=O2"
    )
    assert run.status == 0, run.err
    folder = tree.top / "build/x86_64/sbom"
    statement = json.loads((folder / "provenance.intoto.json").read_text())
    words = statement["predicate"]["buildDefinition"]["externalParameters"]["words"]
    assert words == ["--file=build.py", "--level=O2", *options[2:], "WORD=6"]
    assert f"-DSEED={'2+30' if newest else '0+0'}+1+4+5+6" in run.out
    assert main(["rebuild", str(folder), "--tree", str(tree.top)]) == 0
    assert "is the same, bit for bit" in capsys.readouterr().out


@pytest.fixture
def checkout(original: Project, tmp_path: Path) -> Project:
    """Another checkout of the same tree."""
    assert not original.shell(f"git clone -q . {tmp_path}/other").returncode
    return Project(tmp_path / "other")


def rebuild(original: Project, tree: Project, capsys: pytest.CaptureFixture[str]) -> Any:
    """Rebuild a tree by the documents of original; return the status and the JSON document."""
    arguments = ["rebuild", f"{original.top}/build/x86_64/sbom", "--json"]
    status = main([*arguments, "--tree", str(tree.top)])
    return status, json.loads(capsys.readouterr().out)


def differences(document: Any) -> dict[tuple[str, str], Any]:
    return {(each["kind"], each["name"]): each for each in document["differences"]}


def test_another_checkout_makes_the_same_image(
    original: Project, checkout: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    status, document = rebuild(original, checkout, capsys)
    digest = hashlib.sha256((original.top / IMAGE).read_bytes()).hexdigest()
    head = original.shell("git rev-parse HEAD").stdout.strip()
    assert (status, document) == (
        0,
        {
            "schema": 1,
            "image": IMAGE,
            "revision": head,
            "same": True,
            "sha256": {"recorded": digest, "built": digest},
            "differences": [],
        },
    )
    # Nothing is built in the tree.
    assert not (checkout.top / "build").exists()


def test_other_sources_are_named_and_not_built(
    original: Project, checkout: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write("a.c", "int a;\n")
    (checkout.top / "b.c").unlink()
    status, document = rebuild(original, checkout, capsys)
    assert (status, document["same"], document["sha256"]["built"]) == (3, None, None)
    found = differences(document)
    assert found.keys() == {("source", "a.c"), ("source", "b.c")}
    now = hashlib.sha256(b"int a;\n").hexdigest()
    assert found["source", "a.c"]["here"] == f"sha256 {now}"
    assert found["source", "b.c"]["here"] is None


def test_what_differs_is_named(
    original: Project, checkout: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.edit("SConstruct", '"-O1"', '"-O2", "-g"')
    checkout.edit("SConstruct", "MADE 3", "MADE 4")
    checkout.edit("Kconfig", "default 5", "default 6")
    status, document = rebuild(original, checkout, capsys)
    assert (status, document["same"]) == (3, False)
    found = differences(document)
    assert {kind for kind, _ in found} == {"configuration", "flag", "file"}
    hidden = found["configuration", "CONFIG_HIDDEN"]
    assert (hidden["recorded"], hidden["here"]) == ("5", "6")
    for name in ("a.o", "b.o"):
        flag = found["flag", f"CC build/x86_64/{name}"]
        assert (flag["recorded"], flag["here"]) == ("-O1", "-O2 -g")
    now = hashlib.sha256(b"#define MADE 4\n").hexdigest()
    assert found["file", "made.h"]["here"] == f"sha256 {now}"


def test_a_compiler_that_differs_is_named(
    original: Project, checkout: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    compiler = original.top.parent / "compiler-gcc"
    text = compiler.read_text()
    compiler.write_text(text.replace("-DSEED", "-DOTHER -DSEED"))
    try:
        status, document = rebuild(original, checkout, capsys)
    finally:
        compiler.write_text(text)
    # The image does not depend on it.
    assert (status, document["same"]) == (0, True)
    (found,) = document["differences"]
    assert (found["kind"], found["name"]) == ("tool", str(compiler))
    assert found["here"].partition(",")[0] == found["recorded"].partition(",")[0]
    assert found["here"] != found["recorded"]


def test_a_file_that_differs_without_a_cause_is_compared(
    original: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    original.write("../seed", "258")
    image = str(original.top / IMAGE)
    arguments = ["rebuild", f"{original.top}/build/x86_64/sbom", "--image", image]
    try:
        status = main([*arguments, "--tree", str(original.top)])
    finally:
        original.write("../seed", "1")
    assert status == 3
    assert capsys.readouterr().out.splitlines() == [
        f"{IMAGE} differs when it is built again",
        "  file build/x86_64/b.o: section .data, seed+0x0",
        "    recorded: 01 00 00 00 00 00 00 00",
        "    here:     02 01 00 00 00 00 00 00",
    ]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"@graph": [{"spdxId": 1}]}', None])
def test_another_file_is_refused(
    original: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    shutil.copytree(original.top / "build/x86_64/sbom", tmp_path / "sbom")
    name = "sbom-build.spdx.json" if content is not None else "sbom-output.spdx.json"
    if content is not None:
        (tmp_path / "sbom" / name).write_text(content)
    assert main(["rebuild", str(tmp_path / "sbom" / name), "--tree", str(original.top)]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert "is no sbom-build.spdx.json of `scons sbom`" in line


def test_another_image_is_refused(original: Project, capsys: pytest.CaptureFixture[str]) -> None:
    sbom = f"{original.top}/build/x86_64/sbom"
    assert main(["rebuild", sbom, "--image", sbom]) == 4
    assert f"{sbom}: is not the image that {sbom}/sbom-build" in capsys.readouterr().err


def test_a_build_that_fails_is_reported(
    original: Project, checkout: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    checkout.write("SConstruct", "")
    sbom = f"{original.top}/build/x86_64/sbom"
    assert main(["rebuild", sbom, "--tree", str(checkout.top)]) == 4
    *_, line = capfd.readouterr().err.splitlines()
    assert "a copy of the tree cannot be built with the recorded settings" in line
