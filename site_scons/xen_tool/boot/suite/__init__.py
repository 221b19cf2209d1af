# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Boot many images, each in many modes, and say what came of it.

cases   which images, in which modes
run     runs them, some at once, again if that is asked for
told    the results: a table, JSON, and JUnit's XML

Used by `xen-tool test` and `scons test-boot`.
"""
