# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules that libxenguest applies to the kernel of a domU, in addition to those of libelf.

containers has the rules of compressed images (Z), raw_image those of a raw image (U10), probing
what follows an error of libelf (U1, V1, V2), and building the rules of building the domain.
"""
