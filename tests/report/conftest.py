# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The authority on what a domU's builder lays out."""

from loaders.conftest import libxenguest_door, real_libxenguest

__all__ = ["libxenguest_door", "real_libxenguest"]
