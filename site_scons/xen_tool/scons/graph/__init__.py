# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The plan in SCons' graph.

nodes           the plan of a build directory, and SCons' nodes of its files (step_file)
others          the files of other builders, and which of them a step needs
jobs            -j for SCons' tasks and steps together
names           targets as people type them
clean           what -c removes
compilation_db  our compilations in a project's own database of them
request         what a command line asks for
"""
