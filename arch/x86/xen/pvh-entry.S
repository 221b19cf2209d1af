/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Entry into a PVH kernel on traps and interrupts (pvh-traps.c has the table).  The
 * processor has pushed struct interrupt_frame and, for some traps, an error code; each
 * entry passes both to a function in C, and returns.
 */
	.macro	entry_point name, function, has_error_code
	.globl	\name
\name:
	.if	!\has_error_code
	push	$0
	.endif
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	cld
	lea	80(%rsp), %rdi		/* above 9 registers and the error code */
	mov	72(%rsp), %rsi
	call	\function
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$8, %rsp		/* the error code */
	iretq
	.endm

	.text
	entry_point pvh_trap, pvh_do_trap, 0
	entry_point pvh_trap_with_error_code, pvh_do_trap, 1
	entry_point pvh_breakpoint, pvh_do_breakpoint, 0
	entry_point pvh_page_fault, pvh_do_page_fault, 1
	entry_point pvh_upcall, pvh_do_upcall, 0
