# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a file of a kernel is, by the suffix of its name."""

from __future__ import annotations

COMPILED = {
    **dict.fromkeys((".c",), "C"),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".C"), "C++"),
    **dict.fromkeys((".S", ".sx", ".s"), "assembler"),
}
"""Language of a source by suffix."""
PRECOMPILED = {
    **dict.fromkeys((".h",), "C header"),
    **dict.fromkeys((".hh", ".hpp", ".hxx"), "C++ header"),
}
"""Language of a header to precompile by suffix."""
OBJECTS = (".o", ".a", ".lo", ".obj", ".so")
"""Suffixes of files for the linker."""
INCLUDED = (*PRECOMPILED, ".inc", ".inl", ".def", ".lds", ".ld")
"""Suffixes of files that sources and linker scripts include."""
