# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compute the memory that a loader lays out for a kernel image, without a boot.

regions   the records, and what all loaders have in common
pv, pvh   compute the map of each kind of guest
maps      reads an image, and computes its maps
map_text  a map as text
svg       a map as a picture
document  a map as JSON
"""
