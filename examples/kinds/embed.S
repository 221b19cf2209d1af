/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
	.section .rodata
	.globl	real_code, real_code_end
real_code:
	.incbin	"real.bin"
real_code_end:
