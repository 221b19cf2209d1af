/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What each virtual CPU has for itself: what %gs:0 is to it, and by that its
 * number, the index of everything else that there is one of for each.
 *
 * The number stays as it is for as long as code runs: nothing here moves from
 * one CPU to another.
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
 * The compilers' stack protector expects its canary at %gs:40, which is why
 * Linux lays its interrupt stack out so.
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
