# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Why a symbol has its value, and how it gets another.

reasons  why a symbol has its value, and not another, in words
why      the smallest settings that give a symbol a value
listing  a configuration for programs
"""
