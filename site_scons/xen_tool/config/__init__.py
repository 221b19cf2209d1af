# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The configuration: Kconfig, the saved .config and NAME=value, to one value for each symbol.

Kconfiglib is known to this room only.
"""
