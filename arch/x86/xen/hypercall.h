/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How this guest calls Xen.  With CONFIG_XEN_HYPERCALL_PAGE through
 * hypercall_page, a page of the image that Xen fills before entry with one
 * stub of 32 bytes per hypercall (the note XEN_ELFNOTE_HYPERCALL_PAGE tells it
 * where).  The stub knows which instruction enters this Xen from this kind of
 * guest.  Without it through hypercall_pv, a stub in the Xen head object, which
 * finds the hypercall's number in %eax.
 *
 * Arguments go in %rdi, %rsi, %rdx (64-bit) or %ebx, %ecx, %edx (32-bit), the
 * result comes back in %rax; Xen may clobber the argument registers.  A
 * negative result is -errno (xen/include/public/errno.h).
 *
 * The `call` pushes onto the current stack: there must be no red zone below it.
 */
#ifndef HYPERCALL_H
#define HYPERCALL_H

#include "xen-abi.h"

#ifdef CONFIG_X86_64
#define HYPERCALL_ARG1 "D"
#define HYPERCALL_ARG2 "S"
#define HYPERCALL_ARG3 "d"
#else
#define HYPERCALL_ARG1 "b"
#define HYPERCALL_ARG2 "c"
#define HYPERCALL_ARG3 "d"
#endif

#ifdef CONFIG_XEN_HYPERCALL_PAGE
#define HYPERCALL_ENTER "call hypercall_page + %c[slot]"
#else
#define HYPERCALL_ENTER "call hypercall_pv"
#endif

/* A macro, because the slot must be a constant of the instruction. */
#define hypercall3(number, arg1, arg2, arg3)                                         \
	({                                                                           \
		long result_ = (number);                                             \
		unsigned long arg1_ = (unsigned long)(arg1);                         \
		unsigned long arg2_ = (unsigned long)(arg2);                         \
		unsigned long arg3_ = (unsigned long)(arg3);                         \
		asm volatile(HYPERCALL_ENTER                                         \
			     : "+a"(result_), "+" HYPERCALL_ARG1(arg1_),             \
			       "+" HYPERCALL_ARG2(arg2_), "+" HYPERCALL_ARG3(arg3_)  \
			     : [slot] "i"(32 * (number))                             \
			     : "memory");                                            \
		result_;                                                             \
	})

static inline long HYPERVISOR_xen_version(int cmd, void *arg)
{
	return hypercall3(__HYPERVISOR_xen_version, cmd, arg, 0);
}

static inline long HYPERVISOR_console_io(int cmd, unsigned int count, const char *buffer)
{
	return hypercall3(__HYPERVISOR_console_io, cmd, count, buffer);
}

static inline long HYPERVISOR_sched_op(int cmd, void *arg)
{
	return hypercall3(__HYPERVISOR_sched_op, cmd, arg, 0);
}

static inline long HYPERVISOR_physdev_op(int cmd, void *arg)
{
	return hypercall3(__HYPERVISOR_physdev_op, cmd, arg, 0);
}

#endif
