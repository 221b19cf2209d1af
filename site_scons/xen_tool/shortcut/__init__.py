# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool build`: as scons, but past SCons when nothing that it would read has changed.

The first run goes through SCons, and records what reading the SConscripts did, and the
plan that came of it.  Later ones compare that, and have the judge and the runner do the
rest.  Whatever cannot be followed means: go through SCons.

__main__   the command; `python -I -S` takes it as a file, for speed
building   builds what is due
reading    what one run of SCons read: kept, and compared
one_step   a command that runs a step that is a function, for build.ninja
listen     how it is noticed, while scons/through.py runs SCons
watch      `scons watch`: such a build at every save
saves      which saves count
watched    what a build tells the watcher
"""
