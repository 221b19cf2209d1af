# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What is up to date, and how the rest is made; without SCons.

step       one command or Python function: its inputs, outputs and words
plan       the steps of one build directory, and the values that they depend on
contents   digests of files and folders, read again only when their status changed
fields     files of text fields
record     how a step ran
database   what each step was made of when it last ran
depfile    what programs say that they read
discover   what a step depends on beyond what it was given
judge      which steps are dirty, and why
due        which steps have to run for a file
commands   a step's commands, which report what they read
spawn      processes, several at a time
slots      how many jobs run at the same time, whoever starts them
recorder   what is recorded of a step that ran
runner     runs dirty steps, as many at a time as is allowed
lock       one process at a time in a build directory
explain    what is different, in words
story      why a file was built when it last was, or is to be: causes first
stored     a plan as a file
ninja      plans as a build.ninja
session    a plan with its database and lock: what entry points use

A step is dirty unless the database says that it ran with the same words on the same
contents, and its outputs are as it left them.  Nothing is compared by age.  What a step
reads besides its declared inputs is what the program itself reports.
"""
