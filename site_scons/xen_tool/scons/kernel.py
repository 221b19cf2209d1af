# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenKernel(): the usual image and targets of a kernel in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from SCons.Node.Alias import default_ans
from SCons.Script import Default

from ..config.configuration import Configuration
from ..errors import XenToolError
from . import compile_and_link, generated, head, sources, summary, usage
from .targets import check, config_targets, gdb
from .targets.boot import xen_boot
from .user_errors import while_reading


@while_reading
def xen_kernel(
    env: Any,
    target: str,
    source: Any,
    *,
    script: Any,
    head_object: Mapping[str, Any] | None = None,
    own_head: bool = False,
    kallsyms: bool = False,
    loaders: Sequence[str] | None = None,
    xen_release: str | None = None,
    xen: str | None = None,
    name: str = "",
    text: str = "",
    **boot: Any,
) -> list[Any]:
    """env.XenKernel(): link and check a kernel, and add its targets; after env.XenConfigure().

    source is a table as for XenSources, or sources as for XenImage.  The head object is linked
    before it; head_object has the arguments of XenHead.  With own_head the kernel has a head of
    its own.  kallsyms adds the table of XenKallsyms.  script, loaders and xen_release are
    as for XenImage; boot has arguments of XenBoot: mode=, cmdline=, mem= and others.

    Adds the targets check, boot and gdb (check-NAME and so on for a kernel with a name), the
    targets of the configuration, the text of `scons -h`, which begins with text, and the closing
    line.  The image is a default target.
    """
    configuration: Configuration = env["XEN_CONFIG"]
    ending = f"-{name}" if name else ""
    if default_ans.lookup(f"check{ending}") is not None:
        raise XenToolError(
            f"XenKernel: there is a target check{ending} already: give this kernel a name of its "
            f"own, such as name={str(target)!r}, which makes check-{target} and boot-{target}"
        )
    if isinstance(source, Mapping):
        source = compile_and_link.xen_object(env, sources.xen_sources(env, source))
    objects = [source]
    if not own_head and configuration.enabled("XEN"):
        objects.insert(0, head.xen_head(env, f"{target}-head.o", **(head_object or {})))
    if kallsyms:
        objects += generated.xen_kallsyms(env, f"{target}-kallsyms.o", list(objects), script=script)
    required: dict[str, Any] = {"loaders": loaders, "xen_release": xen_release, "xen": xen}
    image = compile_and_link.xen_image(env, target, objects, script=script, **required)
    check.xen_check(env, f"check{ending}", image)
    xen_boot(env, f"boot{ending}", image, **boot)
    gdb.xen_gdb(env, f"gdb{ending}", image, **boot)
    summary.xen_summary(env, image)
    if default_ans.lookup(config_targets.LIST) is None:
        config_targets.xen_config_targets(env)
    if text:
        usage.xen_help(env, text)
    else:
        usage.help_by_default(env)
    Default(image)
    return image
