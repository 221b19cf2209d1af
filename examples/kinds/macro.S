/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
	.globl	from_macro
from_macro:
	movl	$VALUE, %eax
	ret
