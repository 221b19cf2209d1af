# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The build engine: decide what is up to date, and make the rest; without SCons.

The description of a build:
    step           a build step: a command or Python function, with its outputs and inputs
    plan           the steps of one build directory, and the values that they depend on
    tree           copies a source tree without what was built in it
    stored         a plan in a file
    ninja_file     plans as a build.ninja

The build database:
    database       the file with a record for each step
    shared_fields  the rows and texts that the records refer to
    record         the record of a step: what its last run depended on
    fields         reads and writes files of text fields
    contents       digests of files and folders, computed again only after a change of status
    lock           one build at a time in a build directory

What is dirty, and why:
    judge          which steps are dirty
    dirty          which steps have to run for a file
    differences    the reasons of a dirty step, in words
    story          why a file was built, or will be: causes first

Running steps:
    runner         runs dirty steps in the order of their dependencies
    executor       runs one step
    commands       the commands of a step, which report what they read
    reports        what a step read, from what its programs reported
    part           the temporary folders in which programs write
    depfile        parses what compilers, assemblers and linkers report
    discover       dependencies derived from the files that were reported
    recorder       writes the record of a step that ran
    spawn          several processes at a time
    cache          objects that other builds made
    slots          the job slots of -j N

The interface for entry points:
    session        builds of one plan, with its database and lock

A step is up to date if its record has the same command line, the same contents of all files
that it read, and its outputs are as it left them.  Times of files are never compared with
each other.  Files that a step reads besides its declared inputs are those that the program
itself reports.
"""
