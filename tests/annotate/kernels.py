# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Test kernels of other builds: that of examples/annotate, and one in Rust."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from programs import program
from project import TOP

EXAMPLE = TOP / "examples/annotate"
VIRT_BASE = "0xffffffff80000000"
FLAGS = [
    *("-O2", "-g", "-ffreestanding", "-fno-pic", "-fno-pie", "-mno-red-zone"),
    *("-mgeneral-regs-only", "-fno-stack-protector", "-fno-asynchronous-unwind-tables"),
]
LINK = ["-z", "noexecstack", "--build-id=sha1", "-T", "kernel.lds"]

RUST = """
#![no_std]
#![no_main]
use core::arch::{asm, global_asm};

global_asm!(include_str!("entry.s"), options(att_syntax));

static TEXT: &[u8] = b"PASS entered\\nCHECKS: 1\\nRESULT: PASS\\n";

unsafe fn hypercall(pv: bool, number: u64, first: u64, second: u64, third: u64) {
    if pv {
        asm!("syscall", inout("rax") number => _, inout("rdi") first => _,
             inout("rsi") second => _, inout("rdx") third => _, out("rcx") _, out("r11") _);
    } else {
        asm!("vmmcall", inout("rax") number => _, inout("rdi") first => _,
             inout("rsi") second => _, inout("rdx") third => _);
    }
}

#[no_mangle]
pub unsafe extern "C" fn kernel_main(pv: u32) -> ! {
    let iopl: u32 = 1;
    if pv != 0 || core::arch::x86_64::__cpuid(0x4000_0000).ebx == 0x566e_6558 {
        hypercall(pv != 0, 18, 0, TEXT.len() as u64, TEXT.as_ptr() as u64);
    } else {
        for byte in TEXT {
            asm!("out dx, al", in("dx") 0x3f8u16, in("al") *byte);
        }
    }
    if pv != 0 {
        hypercall(true, 33, 6, &iopl as *const u32 as u64, 0);
    }
    asm!("out dx, eax", in("dx") 0xf4u16, in("eax") 0x10u32);
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
"""


def sources(folder: Path, *, low: bool = False) -> None:
    """Copy the example's sources; with low, link them at the address where they are loaded."""
    folder.mkdir(exist_ok=True)
    for name in ("entry.S", "kernel.c", "kernel.lds"):
        text = (EXAMPLE / name).read_text()
        (folder / name).write_text(text.replace(VIRT_BASE, "0") if low else text)


def run(folder: Path, *command: str) -> str:
    """Return the output of a program, which must succeed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _c(folder: Path, compiler: list[str], linker: list[str], *flags: str) -> Path:
    for source in ("entry.S", "kernel.c"):
        run(folder, *compiler, *FLAGS, *flags, "-c", source, "-o", f"{source}.o")
    run(folder, *linker, *LINK, "-o", "vmlinux", "entry.S.o", "kernel.c.o")
    return folder / "vmlinux"


def by_gcc(folder: Path, *, low: bool = False) -> Path:
    """Build with GNU as and ld; link high, as most kernels are, or low (see sources())."""
    sources(folder, low=low)
    return _c(folder, ["gcc"], ["ld"], "-mcmodel=kernel", "-fcf-protection=none")


def by_clang(folder: Path) -> Path:
    """Build with clang and lld."""
    sources(folder)
    return _c(folder, [program("clang")], [program("ld.lld")], "-mcmodel=kernel")


def by_zig(folder: Path) -> Path:
    """Build with zig's clang and lld."""
    sources(folder, low=True)
    spec = importlib.util.find_spec("ziglang")
    assert spec is not None and spec.origin is not None
    zig = str(Path(spec.origin).with_name("zig"))
    for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"):
        os.environ.setdefault(name, str(TOP / "build/.zig-cache"))
    target = ["-target", "x86_64-freestanding-none", "-fno-sanitize=undefined"]
    return _c(folder, [zig, "cc"], [zig, "ld.lld"], *target)


def by_rust(folder: Path) -> Path:
    """Build with rustc, Debian's or a newer one, and GNU ld."""
    sources(folder, low=True)
    run(folder, "gcc", "-E", "-P", "entry.S", "-o", "entry.s")
    (folder / "kernel.rs").write_text(RUST)
    options = ["opt-level=2", "panic=abort", "relocation-model=static", "no-redzone=yes"]
    options += ["linker=ld", "linker-flavor=ld", *(f"link-arg={word}" for word in LINK)]
    words = [word for option in options for word in ("-C", option)]
    run(folder, "rustc", "--edition", "2021", "-g", *words, "kernel.rs", "-o", "vmlinux")
    return folder / "vmlinux"


def by_objcopy(folder: Path) -> Path:
    """Return a 64-bit kernel as an ELF32, for loaders that accept nothing else."""
    image = by_gcc(folder, low=True)
    run(folder, "objcopy", "-O", "elf32-i386", "vmlinux", "vmlinux32")
    return image.rename(folder / "vmlinux64").with_name("vmlinux32")


def _without_room(folder: Path, headers: str) -> Path:
    sources(folder)
    script = folder / "kernel.lds"
    text = script.read_text().replace("SECTIONS", f"PHDRS {{ {headers} }}\nSECTIONS", 1)
    text = text.replace("0x1000000;", "0x1000000 + SIZEOF_HEADERS;")
    text = text.replace("*(.text*) }", "*(.text*) } :text").replace(
        "(.data*) }", "(.data*) } :data"
    )
    text = text.replace("build-id) }", "build-id) } :data :note")
    script.write_text(text)
    return _c(folder, ["gcc"], ["ld"], "-mcmodel=kernel", "-fcf-protection=none")


_HEADERS = "text PT_LOAD FILEHDR PHDRS FLAGS(5); data PT_LOAD FLAGS(6); note PT_NOTE;"


def without_room(folder: Path) -> Path:
    """Build a kernel whose code follows the program headers, with no room for one more."""
    return _without_room(folder, _HEADERS)


def with_pt_phdr(folder: Path) -> Path:
    """Build the kernel of without_room() with a PT_PHDR."""
    return _without_room(folder, f"headers PT_PHDR PHDRS; {_HEADERS}")


def with_pt_null(folder: Path) -> Path:
    """Build the kernel of without_room() with a PT_NULL, an unused program header."""
    return _without_room(folder, f"{_HEADERS} unused PT_NULL;")


def without_sections(folder: Path) -> Path:
    """Build a kernel and remove its section headers, as sstrip does."""
    image = by_gcc(folder)
    content = bytearray(image.read_bytes())
    content[40:48] = bytes(8)
    content[60:64] = bytes(4)
    image.write_bytes(content)
    return image


MADE: dict[str, Callable[[Path], Path]] = {
    "gcc": by_gcc,
    "zig": by_zig,
    "rust": by_rust,
    "objcopy": by_objcopy,
    "without room": without_room,
    "PT_PHDR": with_pt_phdr,
    "PT_NULL": with_pt_null,
    "without sections": without_sections,
    "clang": by_clang,
}
