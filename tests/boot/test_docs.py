# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The tables of docs/boot.md agree with the code: settings, protocols, and every end."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from boot.test_outcome import ENDS
from boot.test_protocols import NAMED, TABLE, judged
from guests import guest
from project import TOP
from xen_tool import cli
from xen_tool.boot.boot_settings import WORDS, BootSettings
from xen_tool.boot.console.dump import DumpPlace
from xen_tool.boot.modes import Place
from xen_tool.boot.result.outcome import LACKS_MEMORY, End
from xen_tool.boot.result.protocols import PROTOCOLS, Finish, GuestResult
from xen_tool.boot.suite import results
from xen_tool.boot.suite.parallel import FLAKY, NOT_RUN, REFUSED
from xen_tool.boot.symbolize import ImageSymbols

DOCUMENT = (TOP / "docs/boot.md").read_text()


def table(heading: str) -> list[list[str]]:
    """Return the rows of the table whose first line begins with a heading."""
    lines = DOCUMENT.partition(f"\n| {heading} |")[2].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    assert rows, heading
    return rows


def quoted(cell: str) -> list[str]:
    return re.findall("`([^`]+)`", cell)


def test_the_messages_of_the_debugger_are_those_of_the_code() -> None:
    document = (TOP / "docs/debugging.md").read_text()
    rows = document.partition("\n| message | what to do |\n")[2].splitlines()[1:]
    messages = [text for row in rows if row.startswith("|") for text in quoted(row.split("|")[1])]
    assert len(messages) > 9
    folder = TOP / "site_scons/xen_tool/boot"
    texts = [text for path in folder.rglob("*.py") for text in literals(path)]
    filled_in = r"\.\.\.|WHY|FILE|=x\b|xen-\w+-dom0|127\S+1234|\./gdb\.sock|Address already in use"
    for message in messages:
        for piece in re.split(filled_in, message):
            fixed = piece.strip(" :;")
            assert any(fixed in text for text in texts), (message, fixed)


def literals(path: Path) -> Iterator[str]:
    """Yield the texts of a module, with 1234, the port, for each value that is filled in."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            parts = (
                part.value if isinstance(part, ast.Constant) else "1234" for part in node.values
            )
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_setting_has_a_row() -> None:
    names = {name for row in table("setting | what it gives") for name in quoted(row[0])}
    assert names == {f"{name.upper()}=" for name in WORDS} | {"CPUS="}


def test_every_protocol_has_a_row() -> None:
    words = {
        Finish.EXIT: "by status 33",
        Finish.POWEROFF: "powers off",
        Finish.REBOOT: "reboots",
    }
    rows = table("`PROTOCOL=` | a pass is | the guest ends")
    assert [quoted(row[0]) for row in rows] == [[protocol.name] for protocol in PROTOCOLS]
    for row, protocol in zip(rows, PROTOCOLS, strict=True):
        assert {end for end, word in words.items() if word in row[2]} == (protocol.ends or set())
        for line in protocol.results:
            assert all(word in row[1] for word in line.split(": ")[1].split(" with"))


@pytest.fixture(scope="module")
def symbols(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageSymbols]:
    with ImageSymbols(str(guest(tmp_path_factory.mktemp("guest"), "qemu-kernel"))) as found:
        yield found


OTHERS = [
    (Place.KERNEL, "up\n", End(-9, 9)),
    (Place.KERNEL, "up\n", End(7, 9)),
    (Place.KERNEL, "up\n", End(33, 9)),
    (Place.KERNEL, "up\n", End(None, 9)),
    (Place.KERNEL, "", End(None, 9)),
    (Place.KERNEL, "qemu-system-x86_64: terminating on signal 2\n", End(0, 9)),
    (Place.DOM0, "up\n", End(0, 9, "guest-shutdown")),
    (Place.DOM0, "(XEN) Panic on CPU 0:\n(XEN) FATAL PAGE FAULT\n", End(None, 9)),
    (Place.KERNEL, "", End(None, 9, None, False, (DumpPlace("CPU 0", 0x1000),))),
    (Place.DOM0, "(XEN) FATAL TRAP: vector = 6\n", End(None, 9)),
    (Place.DOM0, "(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.\n", End(None, 9)),
    (Place.DOMU, "dom0: xl did not start the domain: xc: error: panic\n", End(7, 9)),
    (Place.DOMU, "dom0: xl was killed by signal 9\n", End(7, 9)),
]


def ends(symbols: ImageSymbols) -> Iterator[tuple[str, GuestResult]]:
    """Yield the last line and the result of every end that the other tests have."""
    for place, printed, end, _ in ENDS:
        judge = judged(printed, symbols, end=end, place=place)
        yield judge.reason(), judge.result()
    for place, printed, end in OTHERS:
        judge = judged(printed, symbols, end=end, place=place)
        yield judge.reason(), judge.result()
    for printed, _, _ in TABLE:
        judge = judged(printed, symbols)
        yield judge.reason(), judge.result()
    for printed, values, _, _ in NAMED:
        judge = judged(printed, symbols, BootSettings.parse(values))
        yield judge.reason(), judge.result()


def pattern(template: str) -> str:
    parts = re.split("<[^>]+>", template)
    return ".+".join(map(re.escape, parts))


def test_every_end_has_a_row(symbols: ImageSymbols) -> None:
    templates = [
        (template, row[1].split(", "))
        for row in table("the last line | result | what it means")
        for template in quoted(row[0])
    ]
    assert len(templates) > 30
    hit = set()
    for reason, result in ends(symbols):
        # The first row that matches: more specific rows come first.
        found = next((t for t in templates if re.fullmatch(pattern(t[0]), reason)), None)
        assert found, f"no row has {reason!r}"
        assert result.value in found[1], f"{reason!r} is {result}, and not {found[1]}"
        hit.add(found[0])
    assert [template for template, _ in templates if template not in hit] == []
    assert any(LACKS_MEMORY in template for template in hit)


def test_every_result_has_its_status() -> None:
    rows = {
        row[0]: row[1:]
        for row in table("result | `xen-tool` | `scons` | JUnit | of XTF | of its runner")
    }
    assert set(rows) == {*(result.value for result in GuestResult), FLAKY, REFUSED, NOT_RUN}
    for name, (tool, scons, junit, *_) in rows.items():
        good = name in (GuestResult.PASSED.value, GuestResult.SHOWN.value)
        bad = cli.INTERRUPTED if name == NOT_RUN else cli.FAILED
        assert tool == str(0 if good else bad)
        assert scons == ("0" if good else "2")
        assert junit == results._ELEMENTS.get(name, "")


def test_readme_leads_there() -> None:
    assert "(docs/boot.md)" in Path(TOP / "README.md").read_text()
