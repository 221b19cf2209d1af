# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Boots an image as a domU: what a Linux dom0 is given to build it, and what it does then.

The dom0 is that of initramfs.py; a second archive behind its first has the domain.  Its /init
starts Xen's daemons and xl, lets the domain's console through to its own, and tells
outcome.py in the end how the domain shut down: by a line, and by QEMU's isa-debug-exit device.
"""

from __future__ import annotations

from pathlib import Path

from ..debian import cpio, initramfs
from ..debian.apt import Say
from .evidence import STARTS
from .held import Held
from .modes import Mode

XEN_OPTIONS = ("dom0_mem=256M", "dom0_max_vcpus=1", "guest_loglvl=all")
"""Guests' words at port 0xe9 come through by guest_loglvl."""

_KERNEL_OPTIONS = "console=hvc0 quiet loglevel=4 nokaslr cryptomgr.notests"

# xl's own words are shown only if it fails: they would come between the guest's.  Preserved, a
# domain that is shut down keeps its console until xenconsoled has read all of it.
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
    esac ;;
129 | 1[3-9]?)
    end '\003' "xl was killed by signal $((status - 128))" ;;
esac
cat /xl.log
end '\003' "xl did not start the domain: $(grep -m 1 error /xl.log)"
"""


def lay_out(held: Held, mode: Mode, image: Path, cpus: int, version: str, say: Say) -> list[str]:
    """Copy the dom0 for this version of Xen, with the image in it; return Xen's modules.

    Raises XenToolError if there is no such dom0.
    """
    dom0 = initramfs.dom0(version, say)
    domain = {
        "init": _init().encode(),
        "guest": image.read_bytes(),
        "guest.cfg": _configuration(mode, cpus).encode(),
    }
    kernel = held.copy(dom0 / "kernel", "another cache folder in XDG_CACHE_HOME")
    root = held.put([(dom0 / "initramfs").read_bytes(), cpio.archive(domain)])
    return [f"{kernel} {_KERNEL_OPTIONS}", root]


def _init() -> str:
    modules = " ".join(initramfs.MODULES)
    return _INIT.replace("@MODULES@", modules).replace("@STARTS@", STARTS)


def _configuration(mode: Mode, cpus: int) -> str:
    events = ("poweroff", "reboot", "crash", "watchdog", "soft_reset")
    lines = [
        'name = "guest"',
        'kernel = "/guest"',
        # To make one up, xl would wait seconds for the dom0 to have gathered randomness.
        'uuid = "00000000-0000-0000-0000-000000000001"',
        f"vcpus = {cpus}",
        *mode.domain,
        *(f'on_{event} = "preserve"' for event in events),
    ]
    return "".join(f"{line}\n" for line in lines)
