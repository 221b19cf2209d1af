/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The registers of interrupted code, as entry.S leaves them on the stack: its
 * pushes from the top of this structure to vector, Xen's from error_code on.
 */
#ifndef PTRACE_H
#define PTRACE_H

/* "Vectors" of what does not come through the trap table. */
#define VECTOR_EVENT 256
#define VECTOR_FAILSAFE 257
#define VECTOR_SYSCALL 258

#ifndef __ASSEMBLER__
#include <stdbool.h>

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long vector;
	unsigned long error_code; /* 0 for a vector without one */
	unsigned long ip;
	unsigned long cs; /* bits 0-1: 0 kernel, 3 user, though Xen runs both in ring 3 */
	unsigned long flags;
	unsigned long sp;
	unsigned long ss;
};

static inline bool user_mode(const struct pt_regs *regs)
{
	return (regs->cs & 3) == 3;
}
#endif

#endif
