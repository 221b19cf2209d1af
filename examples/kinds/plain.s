/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
	.globl	from_plain
from_plain:
	movl	$3, %eax
	ret
