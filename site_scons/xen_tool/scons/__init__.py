# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The entry point of SCons: what a SConstruct calls.

settings        NAME=value: the tool's own, and Kconfig's
configure       env.XenConfigure
methods         env.XenObject and the others that register steps
flags           the words of commands, from construction variables
nodes           SCons' nodes of the plan's files (step_file), which the judge and runner serve
others          the files of other builders, and which of them a step needs
clean           what -c removes
jobs            -j for SCons' tasks and steps together
names           targets as people type them
compilation_db  our compilations in a project's own database of them
check           which loaders must take an image; env.XenCheck
request         what a command line asks for
through         runs SCons for xen-tool build, and records what it read
config_targets  menuconfig, defconfig and the like; listconfig
why             why a symbol has its value, and why a file was built
watching        the target watch
reproducible    the target that builds again elsewhere, and compares
ninja           the target build.ninja
usage, summary  `scons -h`, and the closing line
errors          our errors as SCons'
"""
