# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The X rules: what no loader checks, and the guest dies of."""
