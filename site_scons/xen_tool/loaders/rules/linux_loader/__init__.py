# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The R rules, of the monitors that read kernels with rust-vmm's linux-loader."""
