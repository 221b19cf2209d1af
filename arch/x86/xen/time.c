/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Xen's system time, in nanoseconds since Xen booted.
 *
 * In the shared page Xen writes a time, the value of the time stamp counter at that
 * time, and the counter's speed.  Xen may change the values while they are read, and
 * then changes version: all of them are read as volatile.
 */
#include "hypercall.h"
#include "xen-ops.h"

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	/* lfence: rdtsc must not be executed before the reads that precede it */
	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* Returns ticks * mul / 2^32; the product may have 96 bits. */
static uint64_t scale(uint64_t ticks, uint32_t mul)
{
	return (ticks >> 32) * mul + ((ticks & 0xffffffff) * mul >> 32);
}

uint64_t xen_clocksource_read(void)
{
	const volatile struct vcpu_time_info *info = &this_vcpu()->time;
	uint32_t version;
	uint64_t time;

	do {
		version = info->version;
		asm volatile("" : : : "memory");
		uint64_t ticks = rdtsc() - info->tsc_timestamp;
		int8_t shift = info->tsc_shift;

		ticks = shift < 0 ? ticks >> -shift : ticks << shift;
		time = info->system_time + scale(ticks, info->tsc_to_system_mul);
		asm volatile("" : : : "memory");
	} while ((version & 1) || version != info->version);
	return time;
}

/* Makes Xen raise VIRQ_TIMER once, at deadline; 0 cancels it. */
void xen_set_timer(uint64_t deadline)
{
	if (HYPERVISOR_set_timer_op(deadline) != 0)
		panic("set_timer_op refused");
}

/* Stops Xen's periodic timer of 10 ms, which is on by default. */
void time_init(void)
{
	if (HYPERVISOR_vcpu_op(VCPUOP_stop_periodic_timer, smp_processor_id(), NULL) != 0)
		panic("VCPUOP_stop_periodic_timer refused");
}
