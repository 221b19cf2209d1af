/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Time: Xen's, in nanoseconds since it booted.
 *
 * In the shared page Xen says what time it was at some value of the time stamp
 * counter, and how fast that counts; the rest is arithmetic.  The values
 * change under the reader: version tells, so all of them are read as volatile.
 */
#include "hypercall.h"
#include "xen-ops.h"

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	/* Not before what is read ahead of it. */
	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* ticks * mul / 2^32, though the product may have 96 bits. */
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

/* Raises VIRQ_TIMER once, when that time has come; 0 takes it back. */
void xen_set_timer(uint64_t deadline)
{
	if (HYPERVISOR_set_timer_op(deadline) != 0)
		panic("set_timer_op refused");
}

/* Xen's own tick, every 10 ms, is on unless a guest says that it wants none. */
void time_init(void)
{
	if (HYPERVISOR_vcpu_op(VCPUOP_stop_periodic_timer, smp_processor_id(), NULL) != 0)
		panic("VCPUOP_stop_periodic_timer refused");
}
