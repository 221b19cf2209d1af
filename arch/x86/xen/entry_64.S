/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Entry from Xen into a 64-bit kernel, and the return.
 *
 * The processor cannot switch from user mode to a PV kernel: both are in ring 3.
 * Xen builds the frame itself, on the kernel's stack.  It enters by `sysret`, which
 * overwrites %rcx and %r11, so it pushes these two as well, BELOW the frame that a
 * processor would push: every stub pops them first.  swapgs is not needed: Xen has
 * switched %gs base before it enters.
 *
 * The return is the hypercall iret: the instruction would change neither the virtual
 * interrupt flag nor Xen's record of kernel and user mode.
 */
#include "hypercall.h"
#include "ptrace.h"

	.text

/* Pushes struct pt_regs below vector; the rest is on the stack already. */
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

/* Restores the state in the struct pt_regs at the top of the stack. */
	.globl	return_from_trap
return_from_trap:
	restore_registers
	add	$16, %rsp		/* vector, error_code */
	push	$0			/* iret_context.flags: return by iret, not by sysret */
#ifdef CONFIG_XEN_HYPERCALL_PAGE
	jmp	hypercall_page + 32 * __HYPERVISOR_iret
#else
	jmp	hypercall_iret
#endif

#include "entry-points.h"
	entry_point xen_syscall_target, VECTOR_SYSCALL

/*
 * Xen could not load one of the kernel's segment registers, and loaded null.  The
 * old %ds, %es, %fs and %gs are on the stack below a frame without error code.
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
 * unsigned long enter_user(const struct pt_regs *regs): enters user mode; returns
 * the argument of leave_user when that is called.
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

/* void leave_user(unsigned long value): called by the kernel in a trap from user mode. */
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
