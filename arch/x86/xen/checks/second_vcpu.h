/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Helpers for checks with a second vCPU.  It runs during a check only, and calls
 * functions of that check while vCPU 0 waits; only vCPU 0 prints.
 */
#ifndef SECOND_VCPU_H
#define SECOND_VCPU_H

#include "../hypercall.h"
#include "../smp.h"
#include "patience.h"

#define CPU1 1
#define ROUNDS 10 /* in which the vCPUs take turns; each takes long on a busy machine */

#define NEEDS_SECOND_VCPU                          \
	do {                                       \
		if (!cpu_possible(CPU1))           \
			SKIP("there is one vCPU"); \
	} while (0)

/* Yields the processor for a short time. */
static inline void rest(void)
{
	struct sched_poll poll = {.timeout = xen_clocksource_read() + MS};

	HYPERVISOR_sched_op(SCHEDOP_poll, &poll);
}

/* Waits; returns whether the condition became true before the limit. */
#define WAIT_UNTIL(condition)                                                  \
	({                                                                     \
		uint64_t end_ = xen_clocksource_read() + PATIENCE_NS;          \
		bool met_;                                                     \
		while (!(met_ = (condition)) && xen_clocksource_read() < end_) \
			rest();                                                \
		met_;                                                          \
	})

/* The state by which the two vCPUs synchronise. */
static volatile unsigned int stage;

static inline void start(void (*function)(void))
{
	stage = 0;
	xen_cpu_up(CPU1);
	smp_call_function(CPU1, function);
}

static inline bool has_returned(void)
{
	return WAIT_UNTIL(!smp_call_pending(CPU1));
}

static inline bool finish(void)
{
	bool returned = has_returned();

	xen_cpu_down(CPU1);
	return returned;
}

#endif
