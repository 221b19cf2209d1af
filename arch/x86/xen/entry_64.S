/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ways into a 64-bit kernel that Xen takes, and the one way out.
 *
 * Xen cannot let the processor enter a PV kernel: both are in ring 3.  It
 * builds the frame itself, on the kernel's stack, and because it goes there by
 * `sysret`, which takes %rcx and %r11 for itself, it pushes those two as well,
 * BELOW what a processor would push: every stub pops them first.  There is no
 * swapgs to do either: Xen has switched %gs base by the time it comes here.
 *
 * Out of the kernel goes the hypercall iret, for the same reason: the
 * instruction would leave the virtual interrupt flag and Xen's notion of
 * kernel and user mode as they are.
 */
#include "hypercall.h"
#include "ptrace.h"

	.text

/* struct pt_regs, from vector down; what is on the stack already is above it. */
.macro save_registers
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
.endm

.macro restore_registers
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
.endm

.macro entry_point name, vector, has_error_code=0
	.globl	\name
	.balign	16
\name:
	pop	%rcx
	pop	%r11
	.if	\has_error_code == 0
	push	$0
	.endif
	push	$\vector
	jmp	common_entry
.endm

common_entry:
	save_registers
	cld
	mov	%rsp, %rdi
	call	do_trap
	/* Falls through. */

/* Continues what the struct pt_regs at the top of the stack describes. */
	.globl	return_from_trap
return_from_trap:
	restore_registers
	add	$16, %rsp		/* vector, error_code */
	push	$0			/* iret_context.flags: not by sysret */
#ifdef CONFIG_XEN_HYPERCALL_PAGE
	jmp	hypercall_page + 32 * __HYPERVISOR_iret
#else
	jmp	hypercall_iret
#endif

#include "entry-points.h"
	entry_point xen_syscall_target, VECTOR_SYSCALL

/*
 * Xen could not load a segment register of ours and put a null selector there.
 * Below a frame without error code it left %ds, %es, %fs and %gs as they were.
 */
	.globl	xen_failsafe_callback
	.balign	16
xen_failsafe_callback:
	pop	%rcx
	pop	%r11
	popq	failsafe_selectors(%rip)
	popq	failsafe_selectors + 8(%rip)
	popq	failsafe_selectors + 16(%rip)
	popq	failsafe_selectors + 24(%rip)
	push	$0
	push	$VECTOR_FAILSAFE
	jmp	common_entry

/*
 * unsigned long enter_user(const struct pt_regs *regs): goes to user mode, and
 * returns, with its argument, when something calls leave_user.
 */
	.globl	enter_user
enter_user:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, user_return_stack(%rip)
	mov	%rdi, %rsp
	jmp	return_from_trap

/* void leave_user(unsigned long value): from the kernel, behind a user's trap. */
	.globl	leave_user
leave_user:
	mov	user_return_stack(%rip), %rsp
	mov	%rdi, %rax
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret

	.bss
	.balign	8
user_return_stack:
	.quad	0

	.section .note.GNU-stack, "", @progbits
