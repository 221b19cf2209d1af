/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ways into a 32-bit kernel that Xen takes, and the one way out.
 *
 * The kernel is in ring 1, and what Xen pushes is what a processor would: the
 * stack pointer and %ss only if it was a user who was interrupted, in ring 3.
 * The segment registers for data are left as they were, so they are saved here,
 * and may be anything.
 *
 * Out of the kernel goes the hypercall iret: the instruction could leave ring 1,
 * but not change the virtual interrupt flag.
 */
#include "hypercall.h"
#include "ptrace.h"

	.text

/* struct pt_regs, from vector down; what is on the stack already is above it. */
.macro save_registers
	push	%es
	push	%ds
	push	%eax
	push	%ebp
	push	%edi
	push	%esi
	push	%edx
	push	%ecx
	push	%ebx
.endm

.macro entry_point name, vector, has_error_code=0
	.globl	\name
	.balign	16
\name:
	.if	\has_error_code == 0
	push	$0
	.endif
	push	$\vector
	jmp	common_entry
.endm

common_entry:
	save_registers
	mov	$FLAT_KERNEL_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	cld
	push	%esp			/* the argument */
	call	do_trap
	add	$4, %esp
	/* Falls through. */

/* Continues what the struct pt_regs at the top of the stack describes. */
	.globl	return_from_trap
return_from_trap:
	pop	%ebx
	pop	%ecx
	pop	%edx
	pop	%esi
	pop	%edi
	pop	%ebp
	pop	%eax
pop_ds:
	pop	%ds
pop_es:
	pop	%es
	add	$8, %esp		/* vector, error_code */
#ifdef CONFIG_XEN_HYPERCALL_PAGE
	jmp	hypercall_page + 32 * __HYPERVISOR_iret
#else
	jmp	hypercall_iret
#endif

/* A selector may have become invalid, or a user's always been: 0 is in its place. */
null_ds:
	movl	$0, (%esp)
	jmp	pop_ds
null_es:
	movl	$0, (%esp)
	jmp	pop_es

	.pushsection __ex_table, "a"
	.long	pop_ds, null_ds
	.long	pop_es, null_es
	.popsection

#include "entry-points.h"

/*
 * Xen could not load a segment register of ours and put a null selector there.
 * Below a frame without error code it left %ds, %es, %fs and %gs as they were.
 * Of them %ds may be null now: hence %ss.
 */
	.globl	xen_failsafe_callback
	.balign	16
xen_failsafe_callback:
	popl	%ss:failsafe_selectors
	popl	%ss:failsafe_selectors + 4
	popl	%ss:failsafe_selectors + 8
	popl	%ss:failsafe_selectors + 12
	push	$0
	push	$VECTOR_FAILSAFE
	jmp	common_entry

/*
 * unsigned long enter_user(const struct pt_regs *regs): goes to user mode, and
 * returns, with its argument, when something calls leave_user.
 */
	.globl	enter_user
enter_user:
	push	%ebp
	push	%ebx
	push	%esi
	push	%edi
	mov	%esp, user_return_stack
	mov	20(%esp), %esp
	jmp	return_from_trap

/* void leave_user(unsigned long value): from the kernel, behind a user's trap. */
	.globl	leave_user
leave_user:
	mov	4(%esp), %eax
	mov	user_return_stack, %esp
	pop	%edi
	pop	%esi
	pop	%ebx
	pop	%ebp
	ret

	.bss
	.balign	4
user_return_stack:
	.long	0

	.section .note.GNU-stack, "", @progbits
