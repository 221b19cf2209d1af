# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""How large an image is, and what of it: sections, objects, symbols.

parts.py parts an ELF file so that each byte is counted once; linker_map.py reads which object
each byte is of; sizes.py sums up and compares; text.py prints.
"""
