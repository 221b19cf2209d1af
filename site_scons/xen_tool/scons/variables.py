# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The construction variables of the tool: what each is, for the reference.

Those that a user sets count for all that is registered with that environment, until SCons has
read the last SConscript.
"""

from __future__ import annotations

SETS = {
    "XEN_CONFIG": 'the configuration: `.enabled("SMP")`, `.values["CPUS"]`, `.arch.bits`',
    "XEN_BUILD": "the folder of all outputs, a node",
    "XENLAUNCHER": "what stands before the compiler, of `CC_LAUNCHER=`, a list of words",
    "XENCC": "the C compiler, a list of words; it may be changed",
    "XENCCFLAGS": "its default flags for the architecture, in front of yours; may be changed",
    "XENASMFLAGS": "its flags for assembler code, in the place of -c",
    "XENPCHFLAGS": "its flags for precompiled headers",
    "XENFOLDERS": "the folders whose paths are kept out of objects, and what stands for each",
    "XENSYSTEMFLAGS": "its flags behind yours: `autoconf.h`, and the compiler's own headers",
    "XENLD": "the linker, a list of words; it may be changed",
    "XENLDFLAGS": "its default flags, in front of yours; may be changed",
}
"""By XenConfigure, for SConscripts to use."""

USES = {
    "ENV": "of it `PATH`, in which programs are looked for; nothing else reaches them",
    "CFLAGS": "flags for C",
    "CXXFLAGS": "flags for C++",
    "ASFLAGS": "flags for assembler sources, `.s`, `.S` and `.sx`",
    "ASPPFLAGS": "the same",
    "CCFLAGS": "flags for all that is compiled, and for linker scripts that are preprocessed",
    "CPPFLAGS": "the same",
    "CPPDEFINES": "macros: a list, or a dict of values",
    "CPPPATH": "folders of headers, from the SConscript's folder; `#` is the top",
    "LINKFLAGS": "flags for the linker itself, without `-Wl,`",
    "LIBPATH": "folders of libraries",
    "LIBS": "libraries, behind the objects: names for `-l`, paths, nodes",
}
"""That a user sets, before or after XenConfigure."""
