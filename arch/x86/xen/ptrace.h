/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The registers of interrupted code on the stack: entry_64.S or entry_32.S pushes the
 * fields up to vector, Xen those from error_code on.
 */
#ifndef PTRACE_H
#define PTRACE_H

#define VECTOR_SYSTEM_CALL 0x80 /* of system calls, as in Linux */

/* Numbers for entries that do not use the trap table. */
#define VECTOR_EVENT 256
#define VECTOR_FAILSAFE 257
#define VECTOR_SYSCALL 258

#ifndef __ASSEMBLER__
#include <stdbool.h>

struct pt_regs {
#ifdef CONFIG_X86_64
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8, ax, cx, dx, si, di;
#else
	unsigned long bx, cx, dx, si, di, bp, ax, ds, es;
#endif
	unsigned long vector;
	unsigned long error_code; /* 0 if the vector has none */
	unsigned long ip;
	unsigned long cs; /* bits 0-1: 3 user; kernel 1, or 0 in 64-bit, though that is ring 3 too */
	unsigned long flags;
	unsigned long sp; /* sp and ss: in 32-bit only if user mode was interrupted */
	unsigned long ss;
};

static inline bool user_mode(const struct pt_regs *regs)
{
	return (regs->cs & 3) == 3;
}

/* The stack pointer of an interrupted kernel. */
static inline unsigned long kernel_stack_pointer(const struct pt_regs *regs)
{
#ifdef CONFIG_X86_64
	return regs->sp;
#else
	return (unsigned long)&regs->sp; /* no switch of stacks: the frame ends here */
#endif
}
#endif

#endif
