# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Report a kernel image: its notes, segments and verdicts, as text or JSON.

image_report  reads an image: its contents and the verdict of each loader, and the JSON document
note_lines    the notes of an image, and the loaders that read each
report_text   the report as text
many          the check of several images, and of folders
diff          the differences between two images
bitwise       the first difference of two files that should be equal
rule_text     the rules of the loaders, and docs/rules.md
map/          the memory that a loader lays out
size/         the sizes of sections, objects and symbols
chart         a chart of the sizes that an image had
page          an HTML page about a build
trace         a trace of a build and a boot
"""
