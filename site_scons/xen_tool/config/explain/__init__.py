# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Explanations of a configuration: why a symbol has its value, and which settings change it.

reasons            why a symbol has its value and cannot have another, in words
smallest_settings  the smallest set of settings that gives a symbol a value
listing            the configuration as JSON, for programs
"""
