# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Boot many images, each in several modes, and report the results.

cases     the images, and the modes that suit each
parallel  boots them, several at the same time, and again with --retries or --runs
results   the results as a table, as JSON, and as JUnit's XML

Used by `xen-tool test` and `scons test-boot`.
"""
