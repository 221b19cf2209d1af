# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The construction variables of the tool, with texts for docs/reference.md.

A variable that a user sets applies to every step that was added with that environment; it may be
set until SCons has read the last SConscript.
"""

from __future__ import annotations

SETS = {
    "XEN_CONFIG": 'the configuration: `.enabled("SMP")`, `.values["CPUS"]`, `.arch.bits`',
    "XEN_BUILD": "the folder of all outputs, a node",
    "XENLAUNCHER": "the command before the compiler, from `CC_LAUNCHER=`, a list of words",
    "XENCC": "the C compiler, a list of words; it may be changed",
    "XENCCFLAGS": "the compiler's default flags, before yours; may be changed",
    "XENASMFLAGS": "the compiler's flags to write assembler code, instead of -c",
    "XENPCHFLAGS": "the compiler's flags for precompiled headers",
    "XENFOLDERS": "the folders whose paths are replaced in objects, and the replacement of each",
    "XENSYSTEMFLAGS": "the compiler's flags after yours, for `autoconf.h` and its own headers",
    "XENLD": "the linker, a list of words; it may be changed",
    "XENLDFLAGS": "the linker's default flags, before yours; may be changed",
}
"""The variables that XenConfigure sets, for SConscripts to use."""

USES = {
    "ENV": "its `PATH`, where programs are searched for; other variables are not passed to them",
    "CFLAGS": "flags for C",
    "CXXFLAGS": "flags for C++",
    "ASFLAGS": "flags for assembler sources, `.s`, `.S` and `.sx`",
    "ASPPFLAGS": "the same as ASFLAGS",
    "CCFLAGS": "flags for every compilation, and for preprocessing linker scripts",
    "CPPFLAGS": "the same as CCFLAGS",
    "CPPDEFINES": "macros: a list, or a dict of values",
    "CPPPATH": "folders of headers, from the SConscript's folder; `#` is the top",
    "LINKFLAGS": "flags for the linker itself, without `-Wl,`",
    "LIBPATH": "folders of libraries",
    "LIBS": "libraries, after the objects: names for `-l`, paths, nodes",
}
"""The variables that a user sets, before or after XenConfigure."""
