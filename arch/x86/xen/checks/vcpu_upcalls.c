/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks of upcalls on two vCPUs: each has its own mask and handles its own events.
 */
#include "second_vcpu.h"

#include "../ptrace.h"
#include "check.h"

static const void *volatile frame;

/* The number of events handled, by vCPU. */
static volatile unsigned int events[NR_CPUS];

static void count(evtchn_port_t port)
{
	(void)port;
	frame = irq_regs[smp_processor_id()];
	events[smp_processor_id()]++;
}

static evtchn_port_t open_ipi(unsigned int cpu, event_handler handler)
{
	events[0] = 0;
	events[CPU1] = 0;
	return bind_ipi(cpu, handler);
}

static void nothing(void)
{
}

static void smp_ipi_upcall_arrives_there(void)
{
	NEEDS_SECOND_VCPU;
	evtchn_port_t port = open_ipi(CPU1, count);
	unsigned int before = xen_upcalls[0];

	start(nothing);
	bool idle = has_returned();

	evtchn_send(port);
	bool arrived = WAIT_UNTIL(events[CPU1]);
	unsigned int here = xen_upcalls[0] - before;

	xen_cpu_down(CPU1);
	evtchn_close(port);
	EXPECT(idle);
	EXPECT(arrived);
	EXPECT_EQUAL(events[CPU1], 1);
	EXPECT(on_cpu_stack(CPU1, frame));
	EXPECT_EQUAL(here, 0);
}

static evtchn_port_t ipis[NR_CPUS];

/* The vCPUs send events to each other until both have received their number. */
static void send_back(evtchn_port_t port)
{
	unsigned int cpu = smp_processor_id();

	if (port != ipis[cpu])
		return;
	events[cpu]++;
	if (cpu == CPU1 || events[cpu] < ROUNDS)
		evtchn_send(ipis[!cpu]);
}

static void smp_ipi_is_sent_back(void)
{
	NEEDS_SECOND_VCPU;
	ipis[0] = open_ipi(0, send_back);
	ipis[CPU1] = open_ipi(CPU1, send_back);
	start(nothing);
	evtchn_send(ipis[CPU1]);
	bool enough = WAIT_UNTIL(events[0] == ROUNDS);
	bool returned = finish();

	evtchn_close(ipis[0]);
	evtchn_close(ipis[CPU1]);
	EXPECT(enough);
	EXPECT(returned);
	EXPECT_EQUAL(events[CPU1], ROUNDS);
}

static volatile unsigned int early;

static void be_masked(void)
{
	xen_irq_disable();
	stage = 1;
	WAIT_UNTIL(stage == 2);
	xen_force_evtchn_callback();
	early = events[0] + events[CPU1];
	xen_irq_enable();
}

static void smp_mask_of_its_own(void)
{
	NEEDS_SECOND_VCPU;
	evtchn_port_t port = open_ipi(CPU1, count);

	start(be_masked);
	bool masked = WAIT_UNTIL(stage == 1);
	bool mine = xen_irqs_disabled();

	evtchn_send(port);
	stage = 2;
	bool returned = finish();

	evtchn_close(port);
	EXPECT(masked);
	EXPECT(!mine);
	EXPECT(returned);
	EXPECT_EQUAL(early, 0);
	EXPECT_EQUAL(events[CPU1], 1);
}

static void ignore(evtchn_port_t port)
{
	(void)port;
}

/* The upcall on vCPU 0 can read the pending bits of the other vCPU's channels. */
static void smp_events_are_left_to_their_vcpu(void)
{
	NEEDS_SECOND_VCPU;
	evtchn_port_t mine = bind_ipi(0, ignore), theirs = open_ipi(CPU1, count);

	start(be_masked);
	bool masked = WAIT_UNTIL(stage == 1);

	evtchn_send(theirs);
	evtchn_send(mine);
	bool pending = evtchn_is_pending(theirs);

	stage = 2;
	bool returned = finish();

	evtchn_close(mine);
	evtchn_close(theirs);
	EXPECT(masked);
	EXPECT(pending);
	EXPECT(returned);
	EXPECT_EQUAL(events[0], 0);
	EXPECT_EQUAL(events[CPU1], 1);
}

/* Moves one end of a channel whose two ends are in this domain. */
static void smp_channel_can_be_moved(void)
{
	NEEDS_SECOND_VCPU;
	struct evtchn_alloc_unbound unbound = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};

	EXPECT_EQUAL(HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &unbound), 0);
	struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF,
					       .remote_port = unbound.port};

	EXPECT_EQUAL(HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind), 0);
	evtchn_clear(bind.local_port);
	evtchn_clear(unbound.port);
	events[0] = 0;
	events[CPU1] = 0;
	evtchn_listen(unbound.port, count);
	evtchn_send(bind.local_port);
	unsigned int unmoved = events[0], before = xen_upcalls[0];

	start(nothing);
	bool idle = has_returned();

	evtchn_move(unbound.port, CPU1);
	evtchn_send(bind.local_port);
	bool arrived = WAIT_UNTIL(events[CPU1]);
	unsigned int here = xen_upcalls[0] - before;

	xen_cpu_down(CPU1);
	evtchn_close(bind.local_port);
	evtchn_close(unbound.port);
	EXPECT_EQUAL(unmoved, 1);
	EXPECT(idle);
	EXPECT(arrived);
	EXPECT_EQUAL(here, 0);
}

static volatile uint64_t time, deadline;

static void note_tick(evtchn_port_t port)
{
	time = xen_clocksource_read();
	count(port);
}

static void set_timer(void)
{
	evtchn_port_t port = bind_virq(VIRQ_TIMER, note_tick);

	deadline = xen_clocksource_read() + WHILE_NS;
	xen_set_timer(deadline);
	WAIT_UNTIL(events[CPU1]);
	evtchn_close(port);
}

static void smp_timer_fires_there(void)
{
	NEEDS_SECOND_VCPU;
	events[0] = 0;
	events[CPU1] = 0;
	start(set_timer);
	/* Waits twice as long as the other vCPU. */
	bool returned = has_returned() || has_returned();

	xen_cpu_down(CPU1);
	EXPECT(returned);
	EXPECT_EQUAL(events[0], 0);
	EXPECT_EQUAL(events[CPU1], 1);
	EXPECT(time >= deadline);
}

static const struct check checks[] = {
	{"smp_ipi_upcall_arrives_there", smp_ipi_upcall_arrives_there},
	{"smp_ipi_is_sent_back", smp_ipi_is_sent_back},
	{"smp_mask_of_its_own", smp_mask_of_its_own},
	{"smp_events_are_left_to_their_vcpu", smp_events_are_left_to_their_vcpu},
	{"smp_channel_can_be_moved", smp_channel_can_be_moved},
	{"smp_timer_fires_there", smp_timer_fires_there},
};

const struct checks vcpu_upcall_checks = CHECKS(checks);
