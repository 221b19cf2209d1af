# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The SCons side: the door through which a SConstruct comes in.

settings        NAME=value: the tool's own, and Kconfig's
methods         env.XenConfigure and what else a SConstruct calls
config_targets  menuconfig, defconfig and the like; listconfig and why
usage, summary  `scons -h`, and the closing line
steps           what is made, of what, and by which command
builders        the same for SCons: CONFIG, HEAD, CC, LDS, LD
named           objects that an image has by the names of their sources
scanner         what an object and an image depend on
dry_run         what -n shows
check           what the loaders will say, after every link
record          how each target was last built: what is up to date
explain         the same in words, for why
collector       Python's garbage, of which SCons makes little
owner           one build at a time in a build directory
errors          our errors as SCons'
"""
