# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The default flags of compilers and linkers for an x86 kernel.

They depend on the toolchain, one of programs.NAMES, and on the architecture.  The user's flags
come after them: scons/command_lines.  docs/reference.md lists them.
"""

from __future__ import annotations

from ..abi import PAGE_SIZE, Arch


def cc_flags(toolchain: str, arch: Arch) -> list[str]:
    """Return the flags of every compilation and preprocessing."""
    flags = ["-std=gnu11", "-O2", "-ffreestanding", "-nostdinc"]
    flags += ["-fno-pic", "-fno-pie", "-fno-stack-protector", "-fno-strict-aliasing"]
    # Leave out tables and notes that the linker script would discard.
    flags += ["-fno-asynchronous-unwind-tables", "-fcf-protection=none", "-fno-ident"]
    # The kernel does not save the FPU's registers.
    flags += ["-mgeneral-regs-only"]
    if arch.bits == 64:
        # A trap handler would overwrite a red zone; the kernel is in the top 2 GiB.
        flags += ["-m64", "-mno-red-zone", "-mcmodel=kernel"]
    else:
        flags += ["-m32", "-march=i686"]
    if toolchain == "clang":
        # clang 14 ignores -ffile-prefix-map for the folder of an assembler source.
        flags.append("-fdebug-compilation-dir=.")
    if toolchain == "zig":
        machine = "x86_64" if arch.bits == 64 else "x86"
        flags = [f for f in flags if f not in ("-m64", "-m32", "-march=i686")]
        # -mgeneral-regs-only does not suffice for zig.
        flags += ["-mno-mmx", "-mno-sse", "-mno-sse2"]
        # zig adds debug information and UBSan calls by default.
        flags += ["-target", f"{machine}-freestanding-none", "-fno-sanitize=undefined", "-g0"]
    return flags


def ld_flags(arch: Arch) -> list[str]:
    """Return the flags of every link."""
    emulation = "elf_x86_64" if arch.bits == 64 else "elf_i386"
    return [
        *("-m", emulation, "-nostdlib", "-static"),
        # A build id would be a note beside Xen's; stacks are never executable.
        *("--build-id=none", "-z", "noexecstack", "-z", f"max-page-size={PAGE_SIZE}"),
    ]


def precompiling(toolchain: str) -> list[str]:
    """Return the flags that keep a precompiled header valid if only times of its sources change."""
    # By default clang refuses a precompiled header if the time of one of its sources has changed.
    return [] if toolchain == "gcc" else ["-Xclang", "-fno-pch-timestamp"]


def assembler_code(toolchain: str) -> list[str]:
    """Return the flags that replace -c to write assembler code."""
    # With -S and a depfile, zig writes only the depfile.
    return ["-c", "-Xclang", "-S"] if toolchain == "zig" else ["-S"]
