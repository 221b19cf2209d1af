/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * smp.c: more than one vCPU, with CONFIG_SMP.
 */
#ifndef SMP_H
#define SMP_H

#include <stdbool.h>

#include "percpu.h"

bool cpu_possible(unsigned int cpu);
bool cpu_online(unsigned int cpu);
union irq_stack_union *per_cpu_area(unsigned int cpu);
bool on_cpu_stack(unsigned int cpu, const void *address);
void xen_cpu_up(unsigned int cpu);
void xen_cpu_down(unsigned int cpu);
void smp_call_function(unsigned int cpu, void (*function)(void));
bool smp_call_pending(unsigned int cpu);
void cpu_relax(void);

#endif
