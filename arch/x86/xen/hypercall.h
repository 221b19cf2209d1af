/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Hypercalls.
 *
 * With CONFIG_XEN_HYPERCALL_PAGE the guest calls hypercall_page, a page of the image
 * whose address is in the note XEN_ELFNOTE_HYPERCALL_PAGE.  Before entry Xen fills it
 * with one stub of 32 bytes per hypercall, which has the instruction that enters this
 * Xen from this type of guest.  Without it the guest calls a stub in the Xen head
 * object, hypercall_pv in a PV guest, with the number of the hypercall in %eax.
 *
 * Arguments go in %rdi, %rsi, %rdx, %r10 (64-bit) or %ebx, %ecx, %edx, %esi
 * (32-bit), the result comes back in %rax; Xen may clobber the argument
 * registers.  A negative result is -errno (xen/include/public/errno.h).
 *
 * The `call` pushes onto the current stack: there must be no red zone below it.
 */
#ifndef HYPERCALL_H
#define HYPERCALL_H

#include "xen-abi.h"

#ifndef __ASSEMBLER__

#ifdef CONFIG_X86_64
#define HYPERCALL_ARG1 "D"
#define HYPERCALL_ARG2 "S"
#define HYPERCALL_ARG3 "d"
#define HYPERCALL_ARG4 "r10"
#else
#define HYPERCALL_ARG1 "b"
#define HYPERCALL_ARG2 "c"
#define HYPERCALL_ARG3 "d"
#define HYPERCALL_ARG4 "esi"
#endif

#ifdef CONFIG_XEN_HYPERCALL_PAGE
#define HYPERCALL_ENTER "call hypercall_page + %c[slot]"
#elif !defined(CONFIG_XEN_PVH)
#define HYPERCALL_ENTER "call hypercall_pv"
#else
/* pvh.c: the stub that enters Xen from this type of guest. */
extern void (*xen_hypercall)(void);
#define HYPERCALL_ENTER "call *xen_hypercall"
#endif

/* start.c: the number of hypercalls made. */
extern unsigned long xen_hypercalls;

/* A macro, because the slot must be a constant of the instruction. */
#define HYPERCALL4(number, arg1, arg2, arg3, arg4, ...)                               \
	({                                                                            \
		long result_ = (number);                                              \
		unsigned long arg1_ = (unsigned long)(arg1);                          \
		unsigned long arg2_ = (unsigned long)(arg2);                          \
		unsigned long arg3_ = (unsigned long)(arg3);                          \
		register unsigned long arg4_ asm(HYPERCALL_ARG4) =                    \
			(unsigned long)(arg4);                                        \
		/* counts those of all vCPUs */                                       \
		__atomic_fetch_add(&xen_hypercalls, 1, __ATOMIC_RELAXED);             \
		asm volatile(HYPERCALL_ENTER                                          \
			     : "+a"(result_), "+" HYPERCALL_ARG1(arg1_),              \
			       "+" HYPERCALL_ARG2(arg2_), "+" HYPERCALL_ARG3(arg3_),  \
			       "+r"(arg4_)                                            \
			     : [slot] "i"(32 * (number))                              \
			     : "memory");                                             \
		result_;                                                              \
	})

/* A hypercall with 1 to 4 arguments. */
#define HYPERCALL(...) HYPERCALL4(__VA_ARGS__, 0, 0, 0, 0)

/* A 64-bit argument; in 32-bit two arguments, the low half first. */
#ifdef CONFIG_X86_64
#define ARG64(value) (value)
#else
#define ARG64(value) (uint32_t)(value), (uint32_t)((uint64_t)(value) >> 32)
#endif

static inline long HYPERVISOR_xen_version(int cmd, void *arg)
{
	return HYPERCALL(__HYPERVISOR_xen_version, cmd, arg);
}

static inline long HYPERVISOR_console_io(int cmd, unsigned int count, const char *buffer)
{
	return HYPERCALL(__HYPERVISOR_console_io, cmd, count, buffer);
}

static inline long HYPERVISOR_sched_op(int cmd, void *arg)
{
	return HYPERCALL(__HYPERVISOR_sched_op, cmd, arg);
}

static inline long HYPERVISOR_physdev_op(int cmd, void *arg)
{
	return HYPERCALL(__HYPERVISOR_physdev_op, cmd, arg);
}

static inline long HYPERVISOR_event_channel_op(int cmd, void *arg)
{
	return HYPERCALL(__HYPERVISOR_event_channel_op, cmd, arg);
}

static inline long HYPERVISOR_multicall(struct multicall_entry *calls, unsigned int count)
{
	return HYPERCALL(__HYPERVISOR_multicall, calls, count);
}

static inline long HYPERVISOR_set_trap_table(const struct trap_info *table)
{
	return HYPERCALL(__HYPERVISOR_set_trap_table, table);
}

static inline long HYPERVISOR_mmu_update(const struct mmu_update *requests, unsigned int count,
					 unsigned int *done, domid_t domain)
{
	return HYPERCALL(__HYPERVISOR_mmu_update, requests, count, done, domain);
}

static inline long HYPERVISOR_set_gdt(const unsigned long *frames, unsigned int entries)
{
	return HYPERCALL(__HYPERVISOR_set_gdt, frames, entries);
}

static inline long HYPERVISOR_stack_switch(unsigned long ss, unsigned long sp)
{
	return HYPERCALL(__HYPERVISOR_stack_switch, ss, sp);
}

static inline long HYPERVISOR_fpu_taskswitch(int set)
{
	return HYPERCALL(__HYPERVISOR_fpu_taskswitch, set);
}

static inline long HYPERVISOR_platform_op(struct xen_platform_op *op)
{
	return HYPERCALL(__HYPERVISOR_platform_op, op);
}

static inline long HYPERVISOR_set_debugreg(int number, unsigned long value)
{
	return HYPERCALL(__HYPERVISOR_set_debugreg, number, value);
}

static inline unsigned long HYPERVISOR_get_debugreg(int number)
{
	return (unsigned long)HYPERCALL(__HYPERVISOR_get_debugreg, number);
}

static inline long HYPERVISOR_update_descriptor(uint64_t machine_address, uint64_t descriptor)
{
	return HYPERCALL(__HYPERVISOR_update_descriptor, ARG64(machine_address), ARG64(descriptor));
}

static inline long HYPERVISOR_update_va_mapping(unsigned long address, uint64_t entry,
						unsigned long flags)
{
	return HYPERCALL(__HYPERVISOR_update_va_mapping, address, ARG64(entry), flags);
}

static inline long HYPERVISOR_set_timer_op(uint64_t deadline)
{
	return HYPERCALL(__HYPERVISOR_set_timer_op, ARG64(deadline));
}

static inline long HYPERVISOR_vm_assist(unsigned int cmd, unsigned int type)
{
	return HYPERCALL(__HYPERVISOR_vm_assist, cmd, type);
}

static inline long HYPERVISOR_vcpu_op(int cmd, unsigned int vcpu, void *arg)
{
	return HYPERCALL(__HYPERVISOR_vcpu_op, cmd, vcpu, arg);
}

#ifdef CONFIG_X86_64
static inline long HYPERVISOR_set_segment_base(int which, unsigned long base)
{
	return HYPERCALL(__HYPERVISOR_set_segment_base, which, base);
}
#endif

static inline long HYPERVISOR_mmuext_op(const struct mmuext_op *operations, unsigned int count,
					unsigned int *done, domid_t domain)
{
	return HYPERCALL(__HYPERVISOR_mmuext_op, operations, count, done, domain);
}

static inline long HYPERVISOR_callback_op(int cmd, void *arg)
{
	return HYPERCALL(__HYPERVISOR_callback_op, cmd, arg);
}

#endif
#endif
