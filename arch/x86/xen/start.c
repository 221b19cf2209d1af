/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Common to PV and PVH: the objects that the entry code in the Xen head object needs
 * before any C code runs, and variables that the start of the guest sets.
 */
#include "layout.h"
#include "percpu.h"
#include "xen-ops.h"

/* The boot stack; the entry code starts at its upper end. */
union thread_union {
	unsigned char stack[THREAD_SIZE];
} init_thread_union __attribute__((aligned(THREAD_SIZE)));

#ifdef CONFIG_X86_64
/*
 * That of the boot CPU, number 0.  With CONFIG_SMP the entry code refers to it as
 * init_per_cpu__irq_stack_union (vmlinux.lds.S).
 */
union irq_stack_union irq_stack_union;
#endif

enum xen_domain_type xen_domain_type;
bool xen_initial_domain;

unsigned long xen_hypercalls;
