/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "asm-offsets.h"

	.section .head.text, "ax"
	.globl	_start
_start:
	movl	$0x1234, registers + REGISTERS_EAX
	movl	%ebx, registers + REGISTERS_EBX
	movl	$stack_end, %esp
	call	kernel_main

	.bss
	.balign	16
	.skip	0x4000
stack_end:
