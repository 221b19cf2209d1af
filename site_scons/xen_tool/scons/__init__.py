# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The SCons side: the door through which a SConstruct comes in.

settings   NAME=value: the tool's own, and Kconfig's
methods    env.XenConfigure and what else a SConstruct calls
steps      builders: CONFIG, HEAD, CC, LDS, LD, BOOT
scanner    what an object and an image depend on
owner      one build at a time in a build directory
"""
