# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool build`: like scons, but without starting SCons if nothing that it reads has changed.

The first run starts SCons, and stores a reading: all that the SConscripts read, and the plan
that they described.  Later runs check whether the reading is still valid, and if so build the
stored plan.  If a SConscript does something that cannot be recorded, every run starts SCons.

__main__        the command; run as a file by `python -I -S`, for speed
run_plans       builds what is dirty in the stored plans
reading         a reading: stored in the user's cache, and checked
other_values    builds with other values of symbols
one_step        a command that runs a step that is a function, for build.ninja
audit           notices what SConscripts do, while scons/through.py runs SCons
watch           `scons watch`: a build at every save
watch_filter    which saved files start a build
watch_folders   follows the changes in folders
watch_messages  messages from a build to the watcher
"""
