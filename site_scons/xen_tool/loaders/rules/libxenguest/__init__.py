# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What libxenguest applies beyond libelf to the kernel of a domU."""
