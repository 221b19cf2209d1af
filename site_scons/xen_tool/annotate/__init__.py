# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Xen notes for images that another build linked: `xen-tool annotate` and env.XenNotes().

wanted    what the user types, without the image
annotate  from that and the image to the image with notes
values    the notes' values, symbols too
write     the image with these notes in it, and all else as it was
"""
