# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Make a software bill of materials of an image from the records of its build.

inventory        finds the steps, and every file that they read or made
portable         names files independently of the folder and the machine
licences         reads the licence of a file, and finds conflicts of licences
toolchain_files  finds the programs of a toolchain, their versions, and the libraries they load
spdx             formats the inventory as SPDX documents
jsonld           one of these documents
provenance       formats it as SLSA provenance
writing          writes the documents if they are not up to date
parse            reads the SPDX documents
reproduce        builds an image again from them, and says what differs
"""
