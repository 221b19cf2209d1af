# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a loader reads and computes of an image, as it does: nothing is judged here.

releases     the Xen whose loaders are modelled
subject      an image before one loader of one Xen: what the conditions of rules look at
unwrapped    what is found in containers
libelf/      notes, addresses and features, as Xen's ELF loader has them
initial_map  the virtual memory that a PV dom0 starts with
multiboot    headers of three words
symbols      whether an image defines a symbol
where        names of places in an image, for messages
"""
