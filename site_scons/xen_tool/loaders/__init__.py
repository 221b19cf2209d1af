# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What each loader of Xen kernels, and QEMU, will say of a kernel image, before it is asked.

names      the loaders, by the names that users give them
model/     what a loader reads and computes of an image: containers, notes, addresses
rules/     rows: a module for each loader, in the order in which it asks
verdict    applies the rows of a loader to an image
asked      which loaders a configuration's kernel is for
"""
