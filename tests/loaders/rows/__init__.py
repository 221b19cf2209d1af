# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""ROWS: the expected verdict of each loader on an image that breaks one rule.

Images are those of cases.py, by id, and the few that only a table test can judge: EXTRA.
"""

from __future__ import annotations

from loaders.cases import CASES
from loaders.rows import builders, containers, efi, grub, guest, kexec, libelf, monitors, qemu
from loaders.rows.extra import EXTRA
from loaders.rows.row import Row

IMAGES: dict[str, bytes] = {
    **{case.id: case.image for case in CASES},
    **{
        name: bytes(image)
        for images in (EXTRA, monitors.IMAGES, grub.IMAGES, efi.IMAGES, kexec.IMAGES)
        for name, image in images.items()
    },
}

ROWS: tuple[Row, ...] = (
    *containers.ROWS,
    *libelf.ROWS,
    *builders.ROWS,
    *qemu.ROWS,
    *guest.ROWS,
    *monitors.ROWS,
    *grub.ROWS,
    *efi.ROWS,
    *kexec.ROWS,
)
