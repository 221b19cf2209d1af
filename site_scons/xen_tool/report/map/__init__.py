# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a loader lays out in memory for a kernel image, computed before any boot.

regions.py has the records and what all loaders share; pv.py and pvh.py compute the map of each
kind of guest; reading.py reads an image; text.py, svg.py and document.py show the result.
"""
