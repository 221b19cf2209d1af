/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks that depend on time and on scheduling: the timer's VIRQ, blocking and
 * polling, and the failsafe callback.
 *
 * An event may come late (patience.h), but not too early.
 */
#include "../hypercall.h"
#include "../xen-ops.h"
#include "check.h"
#include "patience.h"

static volatile unsigned int ticks;
static volatile uint64_t tick_time;

static void tick(evtchn_port_t port)
{
	(void)port;
	tick_time = xen_clocksource_read();
	ticks++;
}

/* Whether a tick comes within ns nanoseconds. */
static bool ticks_within(uint64_t ns)
{
	uint64_t end = xen_clocksource_read() + ns;

	while (!ticks)
		if (xen_clocksource_read() > end)
			return false;
	return true;
}

static evtchn_port_t open_timer(void)
{
	ticks = 0;
	return bind_virq(VIRQ_TIMER, tick);
}

static void clock_goes_on(void)
{
	uint64_t start = xen_clocksource_read(), last = start;

	for (unsigned int i = 0; i < 10000; i++) {
		uint64_t now = xen_clocksource_read();

		EXPECT(now >= last);
		last = now;
	}
	EXPECT(last > start);
}

static void timer_fires_and_not_early(void)
{
	evtchn_port_t port = open_timer();
	uint64_t deadline = xen_clocksource_read() + WHILE_NS;

	xen_set_timer(deadline);
	bool fired = ticks_within(PATIENCE_NS);

	evtchn_close(port);
	EXPECT(fired);
	EXPECT(tick_time >= deadline);
}

static void timer_fires_once(void)
{
	evtchn_port_t port = open_timer();

	xen_set_timer(xen_clocksource_read() + MS);
	bool fired = ticks_within(PATIENCE_NS);

	ticks = 0;
	bool again = ticks_within(25 * MS);

	evtchn_close(port);
	EXPECT(fired);
	EXPECT(!again);
}

/* Retries if the vCPU was not scheduled for so long that the timer had fired. */
static void timer_can_be_taken_back(void)
{
	evtchn_port_t port = open_timer();
	uint64_t deadline;

	do {
		ticks = 0;
		deadline = xen_clocksource_read() + WHILE_NS;
		xen_set_timer(deadline);
		xen_set_timer(0);
	} while (xen_clocksource_read() >= deadline);
	bool fired = ticks_within(2 * WHILE_NS);

	evtchn_close(port);
	EXPECT(!fired);
}

/* Xen's periodic timer would fire every 10 ms. */
static void periodic_timer_is_stopped(void)
{
	evtchn_port_t port = open_timer();
	bool fired = ticks_within(25 * MS);

	evtchn_close(port);
	EXPECT(!fired);
}

static void virq_channel_says_so(void)
{
	evtchn_port_t port = open_timer();
	struct evtchn_status status = {.dom = DOMID_SELF, .port = port};

	HYPERVISOR_event_channel_op(EVTCHNOP_status, &status);
	evtchn_close(port);
	EXPECT_EQUAL(status.status, EVTCHNSTAT_virq);
	EXPECT_EQUAL(status.u.virq, VIRQ_TIMER);
}

/* In a loop, because any event ends the block. */
static void block_until_timer(void)
{
	evtchn_port_t port = open_timer();
	uint64_t start = xen_clocksource_read();

	xen_irq_disable();
	xen_set_timer(start + WHILE_NS);
	while (!ticks && xen_clocksource_read() < start + PATIENCE_NS) {
		xen_safe_halt();
		xen_irq_disable();
	}
	uint64_t slept = xen_clocksource_read() - start;

	xen_irq_enable();
	evtchn_close(port);
	EXPECT_EQUAL(ticks, 1);
	EXPECT(slept >= WHILE_NS);
}

static void poll_ends_by_time(void)
{
	evtchn_port_t port = bind_ipi(0, tick);

	evtchn_mask(port);
	uint64_t start = xen_clocksource_read();
	struct sched_poll poll = {.ports = &port, .nr_ports = 1, .timeout = start + WHILE_NS};
	long status = HYPERVISOR_sched_op(SCHEDOP_poll, &poll);
	uint64_t slept = xen_clocksource_read() - start;

	evtchn_close(port);
	EXPECT_EQUAL(status, 0);
	EXPECT(slept >= WHILE_NS);
}

/* A pending event ends the poll at once, even if its channel is masked. */
static void poll_ends_by_event(void)
{
	evtchn_port_t port = bind_ipi(0, tick);

	ticks = 0;
	evtchn_mask(port);
	evtchn_send(port);
	uint64_t start = xen_clocksource_read();
	struct sched_poll poll = {.ports = &port, .nr_ports = 1, .timeout = start + PATIENCE_NS};
	long status = HYPERVISOR_sched_op(SCHEDOP_poll, &poll);
	uint64_t slept = xen_clocksource_read() - start;

	evtchn_clear(port);
	evtchn_close(port);
	EXPECT_EQUAL(status, 0);
	EXPECT(slept < PATIENCE_NS);
	EXPECT_EQUAL(ticks, 0);
}

#ifdef CONFIG_X86_64
static unsigned long read_es(void)
{
	unsigned long es;

	asm volatile("mov %%es, %0" : "=r"(es));
	return es;
}

/* Moves dom0's vCPU to another processor; returns whether there are two. */
static bool run_on_another_processor(void)
{
	struct sched_pin_override pin = {.pcpu = 1};

	if (HYPERVISOR_sched_op(SCHEDOP_pin_override, &pin) != 0)
		return false;
	pin.pcpu = 0;
	HYPERVISOR_sched_op(SCHEDOP_pin_override, &pin);
	pin.pcpu = -1;
	HYPERVISOR_sched_op(SCHEDOP_pin_override, &pin);
	return true;
}

/*
 * Makes Xen deschedule this vCPU and schedule it again.  A domU sleeps, and other
 * domains run meanwhile.  dom0 may be the only domain: it moves to another processor
 * or, if there is only one, requests to park no processor, which Xen does on another
 * vCPU.  (With two processors that would work, too, but Xen 4.17 sometimes does not
 * wake dom0 after it.)
 */
static void be_rescheduled(void)
{
	struct xen_platform_op op = {
		.cmd = XENPF_core_parking,
		.interface_version = XENPF_INTERFACE_VERSION,
		.u.core_parking = {.type = XEN_CORE_PARKING_SET, .idle_nums = 0},
	};

	if (xen_start_info->flags & SIF_INITDOMAIN && !run_on_another_processor())
		HYPERVISOR_platform_op(&op);
	if (read_es() != 0)
		block_until_timer();
}

/*
 * The descriptor of a segment register was removed while the vCPU was not running:
 * Xen loads null, and passes the old selector on the stack.
 */
static void failsafe_tells_of_a_lost_segment(void)
{
	unsigned int before = failsafe_callbacks;

	EXPECT_EQUAL(write_gdt_entry(GDT_ENTRY_FREE, GDT_DATA), 0);
	asm volatile("mov %0, %%es" : : "r"(SELECTOR(GDT_ENTRY_FREE)));
	EXPECT_EQUAL(write_gdt_entry(GDT_ENTRY_FREE, 0), 0);
	be_rescheduled();
	unsigned long es = read_es();

	asm volatile("mov %0, %%es" : : "r"(0));
	if (es == SELECTOR(GDT_ENTRY_FREE))
		SKIP("Xen did not switch to another virtual CPU");
	EXPECT_EQUAL(es, 0);
	EXPECT_EQUAL(failsafe_callbacks - before, 1);
	EXPECT_EQUAL(failsafe_selectors[1] & 0xffff, SELECTOR(GDT_ENTRY_FREE));
}
#endif

static const struct check checks[] = {
	{"clock_goes_on", clock_goes_on},
	{"timer_fires_and_not_early", timer_fires_and_not_early},
	{"timer_fires_once", timer_fires_once},
	{"timer_can_be_taken_back", timer_can_be_taken_back},
	{"periodic_timer_is_stopped", periodic_timer_is_stopped},
	{"virq_channel_says_so", virq_channel_says_so},
	{"block_until_timer", block_until_timer},
	{"poll_ends_by_time", poll_ends_by_time},
	{"poll_ends_by_event", poll_ends_by_event},
#ifdef CONFIG_X86_64
	/* A 32-bit kernel finds the lost segment itself: its entry code loads %es. */
	{"failsafe_tells_of_a_lost_segment", failsafe_tells_of_a_lost_segment},
#endif
};

const struct checks timer_checks = CHECKS(checks);
