# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Measure an image: its sections, objects and symbols.

parts       divides an ELF file so that each byte is counted once
named       reads which bytes a symbol names
linker_map  reads from a linker's map which object each byte comes from
sizes       sums up, and compares two images
history     keeps the sizes that an image had
size_text   formats the sizes as text
"""
