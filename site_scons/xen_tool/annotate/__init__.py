# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Add Xen notes to images that another build linked: `xen-tool annotate` and env.XenNotes().

changes   validates what the user types, without the image
annotate  returns an image with the wanted notes
values    computes the values of the notes, also of symbols
write     writes notes into an image, and leaves the rest unchanged
"""
