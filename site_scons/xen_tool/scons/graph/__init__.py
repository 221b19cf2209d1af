# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The plan as nodes of SCons' graph.

nodes           the plan of a build directory, and its nodes
step_file       the node of a file that a step makes
others          files of other builders, and which of them a step needs
jobs            -j for SCons' tasks and build steps together
short_names     short names of targets on the command line
clean           what -c removes
compilation_db  compile commands for a project's env.CompilationDatabase()
request         the targets that a command line requests
"""
