/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Entry from Xen into a 32-bit kernel, and the return.
 *
 * The kernel runs in ring 1, and Xen pushes the frame that a processor would: the
 * stack pointer and %ss only if user mode, ring 3, was interrupted.  Xen does not
 * change the data segment registers, which may have any value, so this code saves
 * them.
 *
 * The return is the hypercall iret: the instruction could leave ring 1, but not
 * change the virtual interrupt flag.
 */
#include "hypercall.h"
#include "ptrace.h"

	.text

/* Pushes struct pt_regs below vector; the rest is on the stack already. */
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

/* Restores the state in the struct pt_regs at the top of the stack. */
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

/* Loads 0 for a selector that became invalid, or that user mode never could load. */
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
 * Xen could not load one of the kernel's segment registers, and loaded null.  The
 * old %ds, %es, %fs and %gs are on the stack below a frame without error code.
 * %ds itself may be null now, so %ss is used.
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
 * unsigned long enter_user(const struct pt_regs *regs): enters user mode; returns
 * the argument of leave_user when that is called.
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

/* void leave_user(unsigned long value): called by the kernel in a trap from user mode. */
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
