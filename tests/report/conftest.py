# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The authority on the memory layout of a domU: the real libxenguest."""

from loaders.conftest import libxenguest_files, real_libxenguest

__all__ = ["libxenguest_files", "real_libxenguest"]
