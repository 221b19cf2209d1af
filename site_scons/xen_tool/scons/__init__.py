# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The entry point for SCons: the methods that a SConstruct calls.

settings        NAME=value: the tool's own, and Kconfig's
configure       env.XenConfigure
build_folder    the build directory
observed        notices which values of the configuration are read
head            env.XenHead
sources         env.XenSources
generated       env.XenOffsets, env.XenKallsyms
kernel          env.XenKernel: all of these in one call
annotate        env.XenNotes
postlink        commands that edit a linked image before it is checked
compile_and_link
                env.XenObject, env.XenScript, env.XenImage
paths           what names in a SConscript stand for
command_lines   command lines, from construction variables
suffixes        what a file is, by its name
graph/          the plan as nodes of SCons' graph
targets/        check, menuconfig, why, watch and others
tracing         a trace of a build and a boot
through         runs SCons for xen-tool build, and records what it read
usage, summary  `scons -h`, and the closing line
user_errors     converts our errors to SCons'
"""
