# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What is told of a kernel image: its notes, segments and verdicts, for people and programs.

report    reads an image, and says what is in it and what each loader makes of it
text      the same for people
many      several images, and folders of them
diff      what is different between two images
bitwise   where two files that should be the same differ
"""
