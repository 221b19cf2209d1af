/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Event channels, the interrupts of a PV guest.
 *
 * A channel is a bit in evtchn_pending and one in evtchn_mask, both in the
 * shared page.  When Xen sets a pending bit that is not masked it sets the bit
 * of its word in evtchn_pending_sel and then evtchn_upcall_pending, and enters
 * the guest at xen_hypervisor_callback, once for all of them, with
 * evtchn_upcall_mask set.
 *
 * An event that became pending while its channel was masked is delivered by
 * EVTCHNOP_unmask only: clearing the mask by a store would lose it and every later
 * one, because Xen acts on a change of the pending bit from 0 to 1.
 */
#include "hypercall.h"
#include "ptrace.h"
#include "xen-ops.h"

#define BITS_PER_LONG (8 * sizeof(long))
#define MAX_PORTS 1024

static event_handler handlers[MAX_PORTS];

/*
 * The channels whose events go to each vCPU.  The pending bits are common to all,
 * so without this a vCPU would handle an event that another was notified of.
 */
static unsigned long evtchns_of[NR_CPUS][BITS_PER_LONG];

static void set_bit(unsigned int bit, unsigned long *words)
{
	__atomic_fetch_or(&words[bit / BITS_PER_LONG], 1ul << bit % BITS_PER_LONG, __ATOMIC_SEQ_CST);
}

static void clear_bit(unsigned int bit, unsigned long *words)
{
	__atomic_fetch_and(&words[bit / BITS_PER_LONG], ~(1ul << bit % BITS_PER_LONG),
			   __ATOMIC_SEQ_CST);
}

static bool test_bit(unsigned int bit, const unsigned long *words)
{
	return *(const volatile unsigned long *)&words[bit / BITS_PER_LONG] >>
		       (bit % BITS_PER_LONG) & 1;
}

bool evtchn_is_pending(evtchn_port_t port)
{
	return test_bit(port, HYPERVISOR_shared_info->evtchn_pending);
}

void evtchn_clear(evtchn_port_t port)
{
	clear_bit(port, HYPERVISOR_shared_info->evtchn_pending);
}

void evtchn_mask(evtchn_port_t port)
{
	set_bit(port, HYPERVISOR_shared_info->evtchn_mask);
}

void evtchn_unmask(evtchn_port_t port)
{
	struct evtchn_unmask unmask = {.port = port};

	if (HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &unmask) != 0)
		panic("channel %u cannot be unmasked", port);
}

long evtchn_send(evtchn_port_t port)
{
	struct evtchn_send send = {.port = port};

	return HYPERVISOR_event_channel_op(EVTCHNOP_send, &send);
}

static void forget(evtchn_port_t port)
{
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		clear_bit(port, evtchns_of[cpu]);
}

static evtchn_port_t listen(unsigned int vcpu, evtchn_port_t port, event_handler handler)
{
	if (port >= MAX_PORTS)
		panic("channel %u is beyond the table of handlers", port);
	handlers[port] = handler;
	set_bit(port, evtchns_of[vcpu]);
	evtchn_unmask(port);
	return port;
}

/* Sets the handler of a channel and unmasks it; its events go to vCPU 0. */
evtchn_port_t evtchn_listen(evtchn_port_t port, event_handler handler)
{
	return listen(0, port, handler);
}

evtchn_port_t bind_ipi(unsigned int vcpu, event_handler handler)
{
	struct evtchn_bind_ipi bind = {.vcpu = vcpu};

	if (HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, &bind) != 0)
		panic("no IPI channel");
	return listen(vcpu, bind.port, handler);
}

/* Binds a VIRQ of the calling vCPU to a new channel. */
evtchn_port_t bind_virq(unsigned int virq, event_handler handler)
{
	struct evtchn_bind_virq bind = {.virq = virq, .vcpu = smp_processor_id()};

	if (HYPERVISOR_event_channel_op(EVTCHNOP_bind_virq, &bind) != 0)
		panic("no channel for VIRQ %u", virq);
	return listen(bind.vcpu, bind.port, handler);
}

/* Moves a channel, neither of an IPI nor of the timer, to another vCPU. */
void evtchn_move(evtchn_port_t port, unsigned int vcpu)
{
	struct evtchn_bind_vcpu bind = {.port = port, .vcpu = vcpu};

	evtchn_mask(port);
	if (HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, &bind) != 0)
		panic("channel %u cannot be moved to vCPU %u", port, vcpu);
	forget(port);
	set_bit(port, evtchns_of[vcpu]);
	evtchn_unmask(port);
}

void evtchn_close(evtchn_port_t port)
{
	struct evtchn_close close = {.port = port};

	evtchn_mask(port);
	if (HYPERVISOR_event_channel_op(EVTCHNOP_close, &close) != 0)
		panic("channel %u cannot be closed", port);
	evtchn_clear(port);
	forget(port);
	handlers[port] = NULL;
}

static void handle_word(struct shared_info *shared, unsigned int word)
{
	const volatile unsigned long *mine = &evtchns_of[smp_processor_id()][word];

	for (;;) {
		unsigned long ready = *(volatile unsigned long *)&shared->evtchn_pending[word] &
				      ~*(volatile unsigned long *)&shared->evtchn_mask[word] & *mine;
		if (!ready)
			return;
		evtchn_port_t port = word * BITS_PER_LONG + (unsigned int)__builtin_ctzl(ready);

		/* Before the handler runs: a later event is a new one. */
		evtchn_clear(port);
		if (port >= MAX_PORTS || !handlers[port])
			panic("no handler for channel %u", port);
		handlers[port](port);
	}
}

const struct pt_regs *irq_regs[NR_CPUS];
volatile unsigned int xen_upcalls[NR_CPUS];

static bool handle_upcall(struct pt_regs *regs)
{
	volatile struct vcpu_info *vcpu = this_vcpu();

	irq_regs[smp_processor_id()] = regs;
	xen_upcalls[smp_processor_id()]++;
	do {
		unsigned long words = 0;

		/* In this order: Xen writes them in the reverse order. */
		vcpu->evtchn_upcall_pending = 0;
		asm volatile("xchg %0, %1" : "+r"(words), "+m"(vcpu->evtchn_pending_sel)
			     : : "memory");
		for (; words; words &= words - 1)
			handle_word(HYPERVISOR_shared_info, (unsigned int)__builtin_ctzl(words));
	} while (vcpu->evtchn_upcall_pending);
	return true;
}

/* Masks all channels, including those that Xen has bound; called before the first event. */
void evtchn_init(void)
{
	for (size_t i = 0; i < BITS_PER_LONG; i++)
		HYPERVISOR_shared_info->evtchn_mask[i] = ~0ul;
	set_trap_handler(VECTOR_EVENT, handle_upcall);
}
