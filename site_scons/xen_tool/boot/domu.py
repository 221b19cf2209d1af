# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Make the files of a Linux dom0 that builds a domU from an image.

The dom0 is that of debian/initramfs.py.  A second archive, appended to the initramfs, has the
domain's files and the dom0's /init.  /init starts Xen's daemons and xl, shows the domain's console
on that of the dom0, and reports at the end how the domain shut down: by a line, which
result/evidence.py reads, and by QEMU's isa-debug-exit device.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..debian import cpio, initramfs
from ..debian.apt import OTHER_CACHE, Say
from .boot_settings import BootSettings
from .copies import Copies
from .modes import Mode
from .result.evidence import STARTS

_DOM0_MIB = 256
"""MiB of memory of a dom0 whose domain has small files."""
_SMALL_MIB = 16
"""MiB of the domain's files for which _DOM0_MIB suffices."""

_KERNEL_OPTIONS = "console=hvc0 quiet loglevel=4 nokaslr cryptomgr.notests"

# xl's output is shown only if it fails, as it would mix with the guest's.  A domain that is
# preserved after its shutdown keeps its console until xenconsoled has read all of it.
_INIT = r"""#!/bin/sh
PATH=/bin:$(echo /usr/lib/xen-*/bin)
export PATH
end() {
    sleep 0.3
    echo "dom0: $2"
    printf "$1" | dd of=/dev/port bs=1 seek=244 2>/dev/null
    sleep 60
}
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
for module in @MODULES@; do
    insmod /modules/$module.ko || end '\003' "no module $module"
done
mount -t xenfs xenfs /proc/xen
xenstored || end '\003' 'xenstored failed'
xen-init-dom0 >/dev/null || end '\003' 'xen-init-dom0 failed'
ln -s /dev/console /var/log/xen/console/guest-guest.log
xenconsoled --log=guest || end '\003' 'xenconsoled failed'
echo 'dom0: @STARTS@'
xl create -F /guest.cfg >/xl.log 2>&1
status=$?
case $status in
0)
    case $(sed -n 's/.*has shut down, reason code \([0-9]*\).*/\1/p' /xl.log) in
    0) end '\020' 'the domain shut down: poweroff' ;;
    1) end '\002' 'the domain shut down: reboot' ;;
    2) end '\002' 'the domain shut down: suspend' ;;
    3) end '\002' 'the domain shut down: crash' ;;
    4) end '\002' 'the domain shut down: watchdog' ;;
    [0-9]*) end '\002' 'the domain shut down: for another reason' ;;
    esac ;;
129 | 1[3-9]?)
    end '\003' "xl was killed by signal $((status - 128))" ;;
esac
cat /xl.log
end '\003' "xl did not start the domain: $(grep -m 1 error /xl.log)"
"""


class Dom0(NamedTuple):
    """What Xen and QEMU need to start the dom0."""

    modules: list[tuple[str, str]]
    """Xen's modules: the file names of copies, each with its command line."""
    xen_options: list[str]
    more_memory: int
    """MiB that the machine needs beyond those of the mode."""


def lay_out(
    copies: Copies,
    mode: Mode,
    files: Sequence[Path],
    cpus: int,
    version: str,
    settings: BootSettings,
    say: Say,
) -> Dom0:
    """Copy the files of a dom0 that starts the domain.

    files: the image, and a module if there is one.  version: that of Xen, for its toolstack.
    Raises XenToolError if no dom0 for this version can be made.
    """
    dom0 = initramfs.dom0(version, say)
    domain = {
        "init": _init().encode(),
        "guest.cfg": _configuration(mode, cpus, settings).encode(),
    }
    domain |= {
        name: path.read_bytes() for name, path in zip(("guest", "module"), files, strict=False)
    }
    kernel = copies.copy(dom0 / "kernel", OTHER_CACHE)
    root = copies.put([(dom0 / "initramfs").read_bytes(), cpio.archive(domain)])
    # The domain's files are in the dom0's memory three times: as a module of Xen, in the root file
    # system, which takes at most half of the memory, and in xl.
    large = max(0, (sum(map(len, domain.values())) >> 20) - _SMALL_MIB)
    dom0_mib = _DOM0_MIB + 4 * large
    # With guest_loglvl=all Xen prints what guests write to port 0xe9.
    options = [f"dom0_mem={dom0_mib}M", "dom0_max_vcpus=1", "guest_loglvl=all"]
    modules = [(kernel, _KERNEL_OPTIONS), (root, "")]
    return Dom0(modules, options, 5 * large + (settings.mem or 0))


def _init() -> str:
    modules = " ".join(initramfs.MODULES)
    return _INIT.replace("@MODULES@", modules).replace("@STARTS@", STARTS)


def _configuration(mode: Mode, cpus: int, settings: BootSettings) -> str:
    events = ("poweroff", "reboot", "crash", "watchdog", "soft_reset")
    lines = [
        'name = "guest"',
        'kernel = "/guest"',
        # For a random UUID xl would wait seconds until the dom0 has entropy.
        'uuid = "00000000-0000-0000-0000-000000000001"',
        *mode.domain,
        f"vcpus = {cpus}",
        *([f"memory = {settings.mem}"] if settings.mem else []),
        *([f"cmdline = {_quoted(settings.cmdline)}"] if settings.cmdline else []),
        *(['ramdisk = "/module"'] if settings.modules else []),
        *(f'on_{event} = "preserve"' for event in events),
    ]
    # Each name is set only once, as xl warns of the others: a later line replaces an earlier one.
    by_name = {line.partition(" ")[0]: line for line in lines}
    kept = [line for name, line in by_name.items() if name not in settings.set_of_domain]
    return "".join(f"{line}\n" for line in [*kept, settings.domain])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
