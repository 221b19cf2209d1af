# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The checks of libelf, which libxenguest and Xen run on a kernel, as rows of several loaders."""
