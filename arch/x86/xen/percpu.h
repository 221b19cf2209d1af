/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Data of each vCPU at %gs:0, with its number: the index into all other arrays of
 * data per vCPU.
 *
 * Code never moves from one vCPU to another, so the number stays valid.
 */
#ifndef PERCPU_H
#define PERCPU_H

#include <stddef.h>

#include "layout.h"

#if defined(CONFIG_SMP) && defined(CONFIG_X86_64)
#define NR_CPUS 2
#else
#define NR_CPUS 1
#endif

#ifdef CONFIG_X86_64
/*
 * The layout is that of Linux: the compilers' stack protector expects its canary at
 * %gs:40.
 */
union irq_stack_union {
	unsigned char irq_stack[THREAD_SIZE];
	struct {
		unsigned char gs_base[40];
		unsigned long stack_canary;
		unsigned int cpu_number;
	};
} __attribute__((aligned(PAGE_SIZE)));
#endif

static inline unsigned int smp_processor_id(void)
{
	unsigned int cpu = 0;

#if NR_CPUS > 1
	asm("movl %%gs:%c1, %0" : "=r"(cpu) : "i"(offsetof(union irq_stack_union, cpu_number)));
#endif
	return cpu;
}

#endif
