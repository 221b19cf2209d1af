# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The bill of materials: read by others' programs, complete by strace, hashes by sha256sum."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from programs import program
from project import TOP, Project, reference_kernel
from strace.opened import by_step, run
from xen_tool.sbom.portable import Names

IMAGE = "build/x86_64/vmlinux"
NAMES = ("source", "build", "output")
ABOUT = 'supplier="Example Ltd", version="1.2"'


@pytest.fixture(scope="module")
def built(gcc: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The reference kernel, built by gcc under strace, and its documents."""
    program("strace")
    folder = tmp_path_factory.mktemp("sbom")
    kernel = reference_kernel(folder / "kernel")
    kernel.edit("SConstruct", '"sbom", vmlinux', f'"sbom", vmlinux, {ABOUT}')
    log = run(kernel.top, folder / "work", "gcc", "ARCH=x86_64")
    (folder / "log").write_text(log, errors="surrogateescape")
    kernel.scons("sbom", "--provenance", "ARCH=x86_64", "TOOLCHAIN=gcc")
    return kernel


def folder_of(project: Project) -> Path:
    return project.top / "build/x86_64/sbom"


def elements(project: Project, *names: str) -> dict[str, dict[str, Any]]:
    """Return all elements of the project's documents, by their identifiers."""
    found = {}
    for name in names or NAMES:
        document = json.loads((folder_of(project) / f"sbom-{name}.spdx.json").read_text())
        assert document["@context"] == "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
        found.update({e["spdxId"]: e for e in document["@graph"] if "spdxId" in e})
    return found


def files(project: Project, *names: str) -> dict[str, dict[str, Any]]:
    return {
        e["name"]: e
        for e in elements(project, *names).values()
        if e["type"] == "software_File" and e.get("software_fileKind") != "directory"
    }


def related(found: dict[str, dict[str, Any]], kind: str) -> dict[str, set[str]]:
    """Return the names of the elements to which each element has a relation, by its name."""
    result: dict[str, set[str]] = {}
    for element in found.values():
        if element.get("relationshipType") == kind:
            to = {found[each].get("name", each) for each in element["to"]}
            result.setdefault(found[element["from"]]["name"], set()).update(to)
    return result


def test_other_programs_read_the_documents(built: Project) -> None:
    model: Any = importlib.import_module("spdx_python_model")
    spdx = model.v3_0_1

    known: set[str] = set()
    wanted: set[str] = set()
    for name in NAMES:
        read = spdx.SHACLObjectSet()
        with (folder_of(built) / f"sbom-{name}.spdx.json").open("rb") as file:
            spdx.JSONLDDeserializer().read(file, read)
        (document,) = read.foreach_type(spdx.SpdxDocument)
        imported = {each.externalSpdxId for each in document.import_}
        assert read.missing_ids <= imported
        assert name == "output" or read.missing_ids == imported
        wanted |= imported
        known |= {each.spdxId for each in read.foreach() if getattr(each, "spdxId", None)}
    assert wanted <= known


def test_a_check_of_vulnerabilities_finds_the_image(built: Project) -> None:
    """The document has what sbom-cve-check 1.3.5 reads (its sbom/lib_spdx3.py).

    The program itself needs Python 3.11.
    """
    found = elements(built, "output").values()
    (package,) = (e for e in found if e.get("software_primaryPurpose") == "install")
    assert (package["name"], package["software_packageVersion"]) == ("vmlinux", "1.2")
    (build,) = (
        e["from"]
        for e in found
        if e["type"] == "LifecycleScopedRelationship"
        and (e["relationshipType"], e["scope"]) == ("hasOutput", "build")
        and package["spdxId"] in e["to"]
    )
    assert build in {e["spdxId"] for e in found if e["type"] == "build_Build"}


def test_the_minimum_elements_are_there(built: Project) -> None:
    """ntia-conformance-checker finds the minimum elements of the NTIA."""
    output = folder_of(built) / "sbom-output.spdx.json"
    command = [sys.executable, "-m", "ntia_conformance_checker.main", "--sbom-spec", "spdx3"]
    result = subprocess.run(
        [*command, "--file", str(output)], capture_output=True, text=True, check=False
    )
    assert "Conformant: True" in result.stdout, result.stdout + result.stderr


def test_the_provenance_is_a_statement_of_in_toto(built: Project) -> None:
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    text = (folder_of(built) / "provenance.intoto.json").read_text()
    Statement.copy_from_pb(json_format.Parse(text, statement_pb2.Statement())).validate()
    document = json.loads(text)
    (subject,) = document["subject"]
    assert subject["digest"]["sha256"] == sha256(built.top / IMAGE)
    definition = document["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["configuration"]["CONFIG_XEN_PV"] == "y"
    names = {each["name"] for each in definition["resolvedDependencies"]}
    assert {"arch/x86/xen/setup.c", "arch/x86/xen/xen-ops.h"} <= names
    assert not any(name.startswith("build/") for name in names)


def test_the_provenance_is_written_when_wanted_and_kept_up_to_date(tmp_path: Path) -> None:
    project = small(tmp_path)
    statement = folder_of(project) / "provenance.intoto.json"
    project.scons("sbom")
    assert not statement.exists()
    project.scons("sbom", "--provenance")
    for _ in range(2):
        (subject,) = json.loads(statement.read_text())["subject"]
        assert subject["digest"]["sha256"] == sha256(tmp_path / "build/x86_64/k")
        project.edit("b.c", "int b", "int b = 1, c")
        project.scons("sbom")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_file_has_its_hash(built: Project) -> None:
    found = files(built)
    for name, element in found.items():
        (hash_,) = element["verifiedUsing"]
        assert hash_["algorithm"] == "sha256"
        path = Names(str(built.top), "build/x86_64").path(name)
        assert hash_["hashValue"] == sha256(Path(path)), name
    assert IMAGE in found


def test_the_inputs_of_a_step_are_the_files_that_it_opened(built: Project) -> None:
    log = (built.top.parent / "log").read_text(errors="surrogateescape")
    found = elements(built)
    top = os.path.join(os.path.realpath(built.top), "")

    def real(names: set[str]) -> set[str]:
        return {os.path.realpath(os.path.join(top, name)) for name in names}

    # strace may print the success on another line.
    executed = set(map(os.path.realpath, re.findall(r'execve\("([^"]+)"', log)))
    inputs, tools = related(found, "hasInput"), related(found, "usesTool")
    steps = {step: names for step, names in by_step(log).items() if step.startswith("build/")}
    assert len(steps) > 30
    for step, opened in steps.items():
        (name,) = [n for n in inputs if n.endswith(f" {step}")]
        counted = {path for path in map(os.path.realpath, opened) if _counts(path, top)}
        ours = real(inputs[name]) | real(tools[name])
        assert counted - ours == set(), step
        # The kernel opens programs, and the dynamic loader for them.
        started = executed | {path for path in ours if "/ld-linux" in path}
        assert ours - counted - started == set(), step


def _counts(path: str, top: str) -> bool:
    """Whether it is a regular file that exists before and after the step."""
    if ".part/" in path or "/temporary/" in path or path.startswith(("/proc/", "/sys/")):
        return False
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def test_each_step_is_an_element_of_type_build(built: Project) -> None:
    found = elements(built, "source", "build")
    builds = {e["name"]: e for e in found.values() if e["type"] == "build_Build"}
    step = builds["CC build/x86_64/arch/x86/xen/setup.o"]
    parameters = {e["key"]: e["value"] for e in step["build_parameter"]}
    argv = [v for k, v in parameters.items() if k.startswith("argv[")]
    entries = json.loads((built.top / "build/x86_64/compile_commands.json").read_text())
    words = [word.replace("$(top)", str(built.top)) for word in argv]
    assert words in [entry["arguments"] for entry in entries]
    assert parameters["CONFIG_SMP"] == "y"
    assert "CONFIG_XEN_PVH" not in parameters
    whole = builds[f"build of {IMAGE}"]
    assert related(found, "ancestorOf")[whole["name"]] == set(builds) - {whole["name"]}
    programs = {e["name"]: e for e in found.values() if e["type"] == "software_Package"}
    version = subprocess.run(
        ["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True
    )
    assert any(name.startswith("pkg:pypi/keystone-engine@") for name in files(built, "build"))
    (gcc,) = [p for name, p in programs.items() if "-gcc" in name]
    assert gcc["software_packageVersion"] == version.stdout.strip()


def test_it_is_the_same_when_repeated(built: Project) -> None:
    first = {path.name: path.read_bytes() for path in folder_of(built).iterdir()}
    settings = ("sbom", "--provenance", "ARCH=x86_64", "TOOLCHAIN=gcc")
    assert built.scons(*settings).steps == []
    assert {path.name: path.read_bytes() for path in folder_of(built).iterdir()} == first
    shutil.rmtree(folder_of(built))
    built.scons(*settings)
    assert {path.name: path.read_bytes() for path in folder_of(built).iterdir()} == first


SMALL = """
env.Default(env.XenImage("k", ["a.c", "b.c"], script="k.lds", loaders="none"))
env.XenSbom("sbom", "build/x86_64/k")
"""
TAG = "SPDX-License-" + "Identifier:"


def small(top: Path, **texts: str) -> Project:
    project = Project(top)
    project.write_small(SMALL.replace('"build/x86_64/k"', "DEFAULT_TARGETS[0]"))
    files = {
        "a.c": f'// {TAG} GPL-2.0-only\n#include "h.h"\nint a;\n',
        "b.c": f"/* {TAG} MIT */\nint b;\n",
        "h.h": f"/* {TAG} GPL-2.0-only OR MIT */\n",
        "k.lds": f"/* {TAG} MIT */\n{(top / 'k.lds').read_text()}",
        **{name.replace("_", "."): text for name, text in texts.items()},
    }
    for name, text in files.items():
        project.write(name, text)
    return project


def licences(project: Project) -> dict[str, set[str]]:
    found = elements(project, "source")
    names = {e["spdxId"]: e.get("name", "") for e in found.values()}
    result: dict[str, set[str]] = {}
    for element in found.values():
        if element.get("relationshipType") == "hasDeclaredLicense":
            expressions = {
                found[each]["simplelicensing_licenseExpression"] for each in element["to"]
            }
            result[names[element["from"]]] = expressions
    return result


def test_licences_are_what_reuse_finds(tmp_path: Path) -> None:
    project = small(tmp_path, b_c="int b;\n", h_h="\n")
    project.write("b.c.license", f"{TAG} Apache-2.0 OR MIT\n")
    toml = 'version = 1\n[[annotations]]\npath = "*.h"\n'
    toml += f'SPDX-FileCopyrightText = "2026 a"\n{TAG[:-1]} = "BSD-2-Clause"\n'
    project.write("REUSE.toml", toml)
    project.scons("sbom")
    command = [sys.executable, "-m", "reuse", "lint", "--json"]
    lint = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    of_reuse = {
        each["path"]: {expression["value"] for expression in each["spdx_expressions"]}
        for each in json.loads(lint.stdout)["files"]
    }
    ours = licences(project)
    assert set(ours) == {"a.c", "b.c", "h.h", "k.lds"}
    assert ours == {name: of_reuse[name] for name in ours}


def test_a_file_without_a_licence_is_named(tmp_path: Path) -> None:
    project = small(tmp_path, h_h="\n")
    run = project.run("sbom")
    assert run.status == 0
    assert "xen_tool: warning: h.h states no licence" in run.err
    strict = project.run("sbom", "SBOM_STRICT=1")
    assert strict.status == 2
    assert "h.h states no licence" in strict.err
    project.write("h.h", f"/* {TAG} MIT */\n")
    assert project.run("sbom", "SBOM_STRICT=1").status == 0


@pytest.mark.parametrize(
    ("licence", "excludes"),
    [
        ("Apache-2.0", True),
        ("Apache-2.0 OR MIT", False),
        ("(GPL-2.0-only AND CDDL-1.0) OR MIT", False),
        ("GPL-3.0-only", True),
        ("GPL-2.0-only WITH Linux-syscall-note", False),
        ("BSD-2-Clause", False),
    ],
)
def test_licences_that_exclude_each_other_are_named(
    tmp_path: Path, licence: str, excludes: bool
) -> None:
    project = small(tmp_path, b_c=f"// {TAG} {licence}\nint b;\n")
    run = project.run("sbom", "SBOM_STRICT=1")
    words = f"a.c (GPL-2.0-only) and b.c ({licence}) are in one image, and their licences exclude"
    assert (words in run.err) == excludes, run.err
    assert run.status == (2 if excludes else 0)


def test_a_changed_comment_changes_the_hash_though_the_image_stays(tmp_path: Path) -> None:
    project = small(tmp_path)
    project.scons("sbom")
    image = (tmp_path / "build/x86_64/k").read_bytes()
    before = files(project)["h.h"]["verifiedUsing"]
    project.write("h.h", f"/* {TAG} MIT */\n")
    project.scons("sbom")
    assert (tmp_path / "build/x86_64/k").read_bytes() == image
    assert files(project)["h.h"]["verifiedUsing"] != before
    assert licences(project)["h.h"] == {"MIT"}


def test_two_images_have_documents_of_their_own(tmp_path: Path) -> None:
    project = small(tmp_path)
    one = 'a = env.XenImage("x/k", ["a.c"], script="k.lds", loaders="none")\n'
    other = 'b = env.XenImage("y/k", ["b.c"], script="k.lds", loaders="none")\n'
    sboms = 'env.XenSbom("sbom", a)\nenv.XenSbom("sbom", b)\n'
    text = (tmp_path / "SConstruct").read_text().partition("env.Default(")[0]
    project.write("SConstruct", text + one + other + sboms)
    project.scons("sbom")
    for name, source in (("x", "a.c"), ("y", "b.c")):
        document = folder_of(project) / name / "k/sbom-source.spdx.json"
        names = {each.get("name") for each in json.loads(document.read_text())["@graph"]}
        assert {"a.c", "b.c"} & names == {source}


@pytest.mark.parametrize(
    ("toolchain", "build"),
    [("gcc", "build/x86_64"), ("zig", "../elsewhere")],
    indirect=["toolchain"],
)
def test_documents_are_the_same_in_another_folder(
    tmp_path: Path, toolchain: str, build: str
) -> None:
    made = []
    for name in ("one", "another/place"):
        project = small(tmp_path / name / "tree")
        project.edit("a.c", "int a;", "#include <stddef.h>\nsize_t a;")
        folder = (project.top / build).resolve()
        project.scons("sbom", "--provenance", f"O={folder}", f"TOOLCHAIN={toolchain}")
        texts = {path.name: path.read_text() for path in folder.glob("sbom/[!.]*")}
        for text in texts.values():
            assert not any(str(place) in text for place in (tmp_path, sys.prefix, TOP))
        made.append(texts)
    assert len(made[0]) == 4
    assert made[0] == made[1]
    assert ("pkg:pypi/ziglang@" in made[0]["sbom-build.spdx.json"]) == (toolchain == "zig")
