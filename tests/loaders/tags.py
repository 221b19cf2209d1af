# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find the tags of Xen's repository that have the changes named by the loaders' rules.

    python tests/loaders/tags.py REPOSITORY > tests/loaders/tags.txt

REPOSITORY is a clone of Xen's (https://xenbits.xen.org/git-http/xen.git), with all tags.  A
change is known by its witness: a text that a file has since then.  tags.txt is what was found;
test_releases.py holds the table of releases against it.
"""

from __future__ import annotations

import re
import subprocess
import sys

WITNESSES = {
    "ONE_PV32_SWITCH": ("16dcc135e8", "Dom0 expects too high", "xen/arch/x86/pv/dom0_build.c"),
    "ENDIANNESS": ("347384331e", "if ( elf_msb(&elf) )", "xen/arch/x86/pv/dom0_build.c"),
    "ZSTD": ("d6627cf1b6", "return unzstd(", "xen/common/decompress.c"),
    "LIBXENGUEST_ZSTD": (
        "8169f82049",
        "xc_try_zstd_decode",
        "tools/libs/guest/xg_dom_bzimageloader.c",
        "tools/libxc/xc_dom_bzimageloader.c",
    ),
    "UNIFIED_IMAGE": ("8a71d50ed4", "pe_find_section(", "xen/common/efi/pe.c"),
    "PV32_WORDS": (
        "2e5512d1ff",
        "Found 32-bit PV kernel, but CONFIG_PV32 missing",
        "xen/arch/x86/pv/dom0_build.c",
    ),
    "KNOWS_HVM": (
        "632cbaf124",
        "parms->phys_entry != UNSET_ADDR32 && hvm",
        "xen/common/libelf/libelf-dominfo.c",
    ),
    "PVH_PADDR_OFFSET": (
        "b77ed96fce",
        "(parms->virt_base == UNSET_ADDR) &&\n         !hvm )",
        "xen/common/libelf/libelf-dominfo.c",
    ),
    "XZ_256_MIB": (
        "e6472d4668",
        "#define LZMA_BLOCK_SIZE (256*1024*1024)",
        "tools/libs/guest/xg_dom_bzimageloader.c",
        "tools/libxc/xc_dom_bzimageloader.c",
    ),
    "PHYS32_RELOC": (
        "dfc9fab003",
        "check_and_adjust_load_address(d, &elf, &parms)",
        "xen/arch/x86/hvm/dom0_build.c",
    ),
    "PVH_DOM0_BIT": (
        "44429b6931",
        "initdom_check_parms(d, &parms)",
        "xen/arch/x86/hvm/dom0_build.c",
    ),
    "D0_WORDS": ("5104e05904", "Could not construct %pd", "xen/arch/x86/setup.c"),
    "SYSTEM_LZ4": (
        "38492dc098",
        "LZ4_decompress_safe",
        "tools/libs/guest/xg_dom_bzimageloader.c",
    ),
}
"""By the name of a change: its commit, its witness, and the files that may have the witness."""


def main(repository: str) -> None:
    """Print, for each change, what its commit says of itself, and the tags that have it."""

    def git(*words: str) -> str:
        command = ["git", "-C", repository, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    tags = [tag for tag in git("tag").split() if re.fullmatch(r"RELEASE-4\.(1[4-9]|2\d)\.\d+", tag)]
    tags.sort(key=lambda tag: [int(number) for number in tag[len("RELEASE-") :].split(".")])
    print("# SPDX-License-" + "Identifier: GPL-2.0-only OR MIT")
    print("# What tests/loaders/tags.py found in the tags of Xen's repository.")
    print("tags", *(tag[len("RELEASE-") :] for tag in tags))
    for name, (commit, text, *paths) in WITNESSES.items():
        print()
        print("change", name, git("log", "-1", "--format=%h %cs %s", commit).strip())
        having = [
            tag
            for tag in tags
            if any(text in re.sub(r"\t", " ", git("show", f"{tag}:{path}")) for path in paths)
        ]
        print("  in", *(tag[len("RELEASE-") :] for tag in having))


if __name__ == "__main__":
    main(sys.argv[1])
