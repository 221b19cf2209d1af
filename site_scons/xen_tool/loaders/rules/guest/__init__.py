# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The X rules: errors that no loader checks, and that crash the guest.

layout has the rules of segments, entry point and relocations, hypercall_page those of the page
that the note HYPERCALL_PAGE names.
"""
