/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* For a processor in real mode.  gcc and clang also make such code of C, by -m16. */
	.code16
	movw	$0x1234, %ax
	ret
