# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Predict whether each loader of Xen kernels, and QEMU, accepts a kernel image, and its messages.

names      the names of the loaders
model/     what a loader reads and computes of an image: containers, notes, addresses;
           releases, the table of Xen's releases
rules/     rules: a module for each loader, in the order in which it applies them
verdict    applies the rules of a loader to an image
start      how a loader that accepts an image starts it
required   the loaders that must accept a configuration's kernel
"""
