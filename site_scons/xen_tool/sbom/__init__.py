# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A software bill of materials of an image, from the records of its build.

inventory.py finds the steps and every file that they read or made; licences.py reads the
licence of each; programs.py tells what a toolchain's programs are; spdx.py and provenance.py
make documents of it; writing.py writes them if anything has changed.
"""
