/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Multicall batching: each call has its own result, arguments are kept until
 * the flush, and all of it costs one trap.
 */
#include "../hypercall.h"
#include "area.h"
#include "check.h"

#define CALLS 32

static void each_call_has_its_result(void)
{
	struct xen_feature_info features = {.submap_idx = 0};

	xen_mc_batch();
	MULTI_xen_version(XENVER_version, NULL);
	MULTI_xen_version(XENVER_get_features, &features);
	MULTI_xen_version(XENVER_version, NULL);
	EXPECT_EQUAL(xen_mc_issue(), 0);
	EXPECT_EQUAL(xen_mc_result(0), HYPERVISOR_xen_version(XENVER_version, NULL));
	EXPECT_EQUAL(xen_mc_result(1), 0);
	EXPECT_EQUAL(features.submap, xen_features);
	EXPECT_EQUAL(xen_mc_result(2), xen_mc_result(0));
}

static void failure_in_the_middle_stops_nobody(void)
{
	xen_mc_batch();
	MULTI_xen_version(XENVER_version, NULL);
	MULTI_update_va_mapping((unsigned long)top_table(), pte_of(top_table()), UVMF_NONE);
	MULTI_xen_version(XENVER_version, NULL);
	EXPECT_EQUAL(xen_mc_issue(), 1);
	EXPECT(xen_mc_result(0) > 0);
	EXPECT(xen_mc_result(1) < 0);
	EXPECT(xen_mc_result(2) > 0);
}

static void unknown_call_has_its_error(void)
{
	xen_mc_batch();
	xen_mc_entry(0).call->op = 1000;
	EXPECT_EQUAL(xen_mc_issue(), 1);
	EXPECT_EQUAL(xen_mc_result(0), -XEN_ENOSYS);
}

static void nothing_happens_before_the_flush(void)
{
	struct xen_feature_info features = {.submap_idx = 0};

	xen_mc_batch();
	MULTI_xen_version(XENVER_get_features, &features);
	uint32_t early = *(volatile uint32_t *)&features.submap;

	xen_mc_issue();
	EXPECT_EQUAL(early, 0);
	EXPECT(features.submap != 0);
}

static void batched_mappings_take_effect(void)
{
	open_area();
	AREA[0];
	xen_mc_batch();
	MULTI_update_va_mapping((unsigned long)AREA, pte_of(second), UVMF_INVLPG);
	MULTI_update_va_mapping((unsigned long)AREA + PAGE_SIZE, pte_of(first), UVMF_INVLPG);
	unsigned int failed = xen_mc_issue();
	unsigned long seen[] = {AREA[0], AREA[LONGS]};

	close_area();
	EXPECT_EQUAL(failed, 0);
	EXPECT_EQUAL(seen[0], SECOND);
	EXPECT_EQUAL(seen[1], FIRST);
}

static __attribute__((noinline)) void add_update(volatile void *address, volatile void *page)
{
	MULTI_mmu_update((struct mmu_update){virt_to_machine(entry_at(address)), pte_of(page)});
}

/* The flush does not read the caller's stack, which has been overwritten meanwhile. */
static void arguments_are_kept(void)
{
	open_area();
	xen_mc_batch();
	add_update(AREA + LONGS, second);
	add_update(AREA + 2 * LONGS, first);
	unsigned int failed = xen_mc_issue();
	unsigned long seen[] = {AREA[LONGS], AREA[2 * LONGS]};

	close_area();
	EXPECT_EQUAL(failed, 0);
	EXPECT_EQUAL(seen[0], SECOND);
	EXPECT_EQUAL(seen[1], FIRST);
}

static void arguments_do_not_overlap(void)
{
	uintptr_t at[3];

	xen_mc_batch();
	for (unsigned int i = 0; i < 3; i++) {
		struct multicall_space space = xen_mc_entry(5 + i);

		at[i] = (uintptr_t)space.args;
		space.call->op = __HYPERVISOR_xen_version;
	}
	xen_mc_issue();
	EXPECT(at[1] >= at[0] + 5 && at[2] >= at[1] + 6);
	EXPECT_EQUAL((at[0] | at[1] | at[2]) % 8, 0);
}

static void order_is_kept(void)
{
	open_area();
	xen_mc_batch();
	for (unsigned int i = 0; i < 4; i++) {
		add_update(AREA + LONGS, first);
		add_update(AREA + LONGS, second);
	}
	xen_mc_issue();
	unsigned long seen = AREA[LONGS];

	close_area();
	EXPECT_EQUAL(seen, SECOND);
}

/* One call more than fits: all are executed, in two flushes. */
static void full_buffer_flushes_itself(void)
{
	struct xen_feature_info features[MC_CALLS + 1] = {0};
	unsigned long before = xen_hypercalls, filled = 0;

	xen_mc_batch();
	for (unsigned int i = 0; i <= MC_CALLS; i++)
		MULTI_xen_version(XENVER_get_features, &features[i]);
	unsigned long early = xen_hypercalls - before;

	xen_mc_issue();
	for (unsigned int i = 0; i <= MC_CALLS; i++)
		filled += features[i].submap == xen_features;
	EXPECT_EQUAL(early, 1);
	EXPECT_EQUAL(xen_hypercalls - before, 2);
	EXPECT_EQUAL(filled, MC_CALLS + 1);
}

static void full_arguments_flush_too(void)
{
	unsigned long before = xen_hypercalls;

	xen_mc_batch();
	for (unsigned int i = 0; i < 3; i++) {
		struct multicall_space space = xen_mc_entry(MC_ARGS / 2);

		memset(space.args, 0xff, MC_ARGS / 2);
		space.call->op = __HYPERVISOR_xen_version;
	}
	unsigned long early = xen_hypercalls - before;

	EXPECT_EQUAL(xen_mc_issue(), 0);
	EXPECT_EQUAL(early, 1);
}

static void empty_batch_costs_nothing(void)
{
	unsigned long before = xen_hypercalls;

	xen_mc_batch();
	EXPECT_EQUAL(xen_mc_issue(), 0);
	EXPECT_EQUAL(xen_hypercalls - before, 0);
}

static volatile unsigned int events;

static void count(evtchn_port_t port)
{
	(void)port;
	events++;
}

static void batch_holds_events_back(void)
{
	events = 0;
	evtchn_port_t port = bind_ipi(0, count);

	xen_mc_batch();
	evtchn_send(port);
	unsigned int early = events;

	xen_mc_issue();
	unsigned int late = events;

	evtchn_close(port);
	EXPECT_EQUAL(early, 0);
	EXPECT_EQUAL(late, 1);
}

static void batch_leaves_events_masked(void)
{
	xen_irq_disable();
	xen_mc_batch();
	xen_mc_issue();
	bool disabled = xen_irqs_disabled();

	xen_irq_enable();
	EXPECT(disabled);
}

static uint64_t time_of_batch(void)
{
	uint64_t start = xen_clocksource_read();

	xen_mc_batch();
	for (unsigned int i = 0; i < CALLS; i++)
		MULTI_xen_version(XENVER_version, NULL);
	xen_mc_issue();
	return xen_clocksource_read() - start;
}

static uint64_t time_of_single_calls(void)
{
	uint64_t start = xen_clocksource_read();

	for (unsigned int i = 0; i < CALLS; i++)
		HYPERVISOR_xen_version(XENVER_version, NULL);
	return xen_clocksource_read() - start;
}

/* Prints the minimum of many runs; not a check, as times depend on the machine. */
static void print_times(void)
{
	uint64_t batch = ~0ull, single = ~0ull;

	for (unsigned int i = 0; i < 50; i++) {
		uint64_t time = time_of_batch();

		batch = time < batch ? time : batch;
		time = time_of_single_calls();
		single = time < single ? time : single;
	}
	printk("%u hypercalls: %lu ns, in one multicall %lu ns\n", CALLS,
	       (unsigned long)single, (unsigned long)batch);
}

static void many_calls_take_one_trap(void)
{
	unsigned long before = xen_hypercalls;

	xen_mc_batch();
	for (unsigned int i = 0; i < CALLS; i++)
		MULTI_xen_version(XENVER_version, NULL);
	EXPECT_EQUAL(xen_mc_issue(), 0);
	EXPECT_EQUAL(xen_hypercalls - before, 1);
	print_times();
}

static const struct check checks[] = {
	{"each_call_has_its_result", each_call_has_its_result},
	{"failure_in_the_middle_stops_nobody", failure_in_the_middle_stops_nobody},
	{"unknown_call_has_its_error", unknown_call_has_its_error},
	{"nothing_happens_before_the_flush", nothing_happens_before_the_flush},
	{"batched_mappings_take_effect", batched_mappings_take_effect},
	{"arguments_do_not_overlap", arguments_do_not_overlap},
	{"arguments_are_kept", arguments_are_kept},
	{"order_is_kept", order_is_kept},
	{"full_buffer_flushes_itself", full_buffer_flushes_itself},
	{"full_arguments_flush_too", full_arguments_flush_too},
	{"empty_batch_costs_nothing", empty_batch_costs_nothing},
	{"batch_holds_events_back", batch_holds_events_back},
	{"batch_leaves_events_masked", batch_leaves_events_masked},
	{"many_calls_take_one_trap", many_calls_take_one_trap},
};

const struct checks batching_checks = CHECKS(checks);
