# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write the Xen head object, which Linux builds from arch/x86/xen/xen-head.S.

Kconfig symbols -> HeadConfig -> sections -> object file (emit)
                                          -> source for GNU as (gas)

Settings:
    config      the settings of a head object, from Kconfig symbols and the kernel's arguments
    head_names  names and sizes that a kernel may choose
    note_texts  notes that a kernel changes, from texts to descriptors

Contents:
    model       the sections, as a function of the settings
    default_notes
                the notes, and the values that they have by default
    items       the parts of a section
    pv_entry    the entry of a PV guest
    pvh_entry   the entry of a PVH guest
    hypercalls  the hypercall page, or stubs

Output:
    emit        writes the object file
    gas         writes a source file for GNU as
"""
