# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The Xen head object: what Linux builds from arch/x86/xen/xen-head.S.

symbols of the configuration -> HeadConfig -> Head -> object file (emit)
                                                   -> GNU as source (gas)
"""
