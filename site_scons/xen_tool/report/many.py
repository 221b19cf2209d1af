# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Check several images, or all images in a folder: `xen-tool check A B FOLDER -j 4`.

In a folder, and those below it, the files that are kernels are checked: a bzImage, Xen's unified
EFI image, a linked ELF file with notes of the owner "Xen" or a section __xen_guest, and any other
linked ELF file that has neither PT_INTERP nor PT_DYNAMIC.  Links are not followed, and a file with
several names counts once.

document() returns what --json prints for several images; for one image, named as a file, it prints
the document of image_report.py:

    {"schema": 1, "images": [the document of each], "errors": [{"image": PATH, "message": TEXT}],
     "summary": {"accepted": 3, "refused": 1, "unreadable": 0}}
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from typing import Any

from ..abi import NOTE_OWNER
from ..elf import spec
from ..errors import XenToolError
from ..image.container import UNIFIED
from ..light import NamedTuple
from ..loaders.model.releases import Xen
from ..printable import printable
from . import report_text
from .image_report import SCHEMA, Report, read_report

ACCEPTED, REFUSED, UNREADABLE = "accepted", "refused", "unreadable"
"""The outcomes for an image: each loader that must accept it does; one of them does not; the image
cannot be read."""


class Checked(NamedTuple):
    """The outcome for one image."""

    path: str
    outcome: str
    document: dict[str, Any]
    """The document of image_report.py; empty if the image cannot be read."""
    lines: list[str]
    """The text for people; the error if the image cannot be read."""


class _File(NamedTuple):
    path: str
    folder: str
    """The named folder in which the file was found; "" if the file itself was named."""


def check(
    paths: Sequence[str], xen: Xen, asked: Sequence[str] | None, jobs: int
) -> Iterator[Checked]:
    """Check images and folders of images; yield the outcomes in order.

    asked: as in read_report().  jobs: the largest number of processes that check images.

    Raises XenToolError if one of these processes is killed or, after the last outcome, if a folder
    has no kernel.
    """
    files = list(_files(paths))
    one = functools.partial(_checked, xen=xen, asked=asked)
    folders = {path for path in paths if os.path.isdir(path)}
    for file, found in zip(files, _mapped(one, files, jobs), strict=True):
        if found is not None:
            folders.discard(file.folder)
            yield found
    for folder in folders:
        raise XenToolError(f"{printable(folder)}: is a folder without a kernel image")


def document(checked: Sequence[Checked]) -> dict[str, Any]:
    """Return what --json prints for several images."""
    return {
        "schema": SCHEMA,
        "images": [each.document for each in checked if each.document],
        "errors": [
            {"image": each.path, "message": each.lines[0]}
            for each in checked
            if each.outcome == UNREADABLE
        ],
        "summary": _counts(checked),
    }


def summary(checked: Sequence[Checked]) -> str:
    """Return the last line of the output: how many images had each outcome."""
    counts = (f"{count} {outcome}" for outcome, count in _counts(checked).items() if count)
    return f"{len(checked)} image{'s' * (len(checked) != 1)}: {', '.join(counts)}"


def _counts(checked: Sequence[Checked]) -> dict[str, int]:
    outcomes = [each.outcome for each in checked]
    return {outcome: outcomes.count(outcome) for outcome in (ACCEPTED, REFUSED, UNREADABLE)}


def _files(paths: Sequence[str]) -> Iterator[_File]:
    """Yield the named files, and the regular files below named folders."""
    for path in paths:
        if not os.path.isdir(path):
            yield _File(path, "")
            continue
        seen = set()
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                file = os.path.join(folder, name)
                if os.path.islink(file) or not os.path.isfile(file):
                    continue
                status = os.stat(file)
                if (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    yield _File(file, path)


def _checked(file: _File, *, xen: Xen, asked: Sequence[str] | None) -> Checked | None:
    """Return the outcome for a file; None if it was found in a folder and is not a kernel."""
    try:
        report = read_report(file.path, xen, asked)
    except XenToolError as error:
        return Checked(file.path, UNREADABLE, {}, [str(error)])
    if file.folder and not _is_kernel(report):
        return None
    outcome = ACCEPTED if report.good else REFUSED
    return Checked(file.path, outcome, report.document(), list(report_text.check_briefly(report)))


def _is_kernel(report: Report) -> bool:
    """Whether the module's docstring counts the image among the kernels in a folder."""
    if report.format.startswith(("bzImage", UNIFIED)):
        return True
    if report.elf_class is None or report.unlinked:
        return False
    if report.guest or any(note.owner == NOTE_OWNER for note in report.notes):
        return True
    return not any(s.p_type in (spec.PT_INTERP, spec.PT_DYNAMIC) for s in report.segments)


def _mapped(
    one: functools.partial[Checked | None], files: Sequence[_File], jobs: int
) -> Iterator[Checked | None]:
    """Yield one(file) for each file in order, computed by up to jobs processes."""
    if min(jobs, len(files)) < 2:
        yield from map(one, files)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    context = multiprocessing.get_context("fork")
    workers = min(jobs, len(files))
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_silently)
    try:
        yield from pool.map(one, files)
    except BrokenProcessPool:
        raise XenToolError(
            "a process that checked an image was ended from outside, perhaps for want of "
            "memory; type a smaller -j"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _end_silently() -> None:
    """Let Ctrl-C (SIGINT) end a worker without a message: the parent gets it, too, and prints one.

    A signal that is ignored, as in a background job of a shell, remains ignored.
    """
    import signal

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
