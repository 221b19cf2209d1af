/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks of upcalls: the delivery of events by channel, and the status of channels.
 */
#include "../fault.h"
#include "../hypercall.h"
#include "../ptrace.h"
#include "../xen-ops.h"
#include "check.h"

static volatile unsigned int events;
static volatile evtchn_port_t last_port;
static volatile bool from_user;

static void count(evtchn_port_t port)
{
	events++;
	last_port = port;
	from_user = user_mode(irq_regs[0]);
}

static evtchn_port_t open_ipi(void)
{
	events = 0;
	return bind_ipi(0, count);
}

static void ipi_arrives(void)
{
	evtchn_port_t port = open_ipi();

	evtchn_send(port);
	unsigned int seen = events;

	evtchn_close(port);
	EXPECT_EQUAL(seen, 1);
	EXPECT_EQUAL(last_port, port);
}

static void taken_event_is_not_pending(void)
{
	evtchn_port_t port = open_ipi();

	evtchn_send(port);
	bool pending = evtchn_is_pending(port) || this_vcpu()->evtchn_upcall_pending;

	evtchn_close(port);
	EXPECT(!pending);
}

static void masked_channel_is_held_back(void)
{
	evtchn_port_t port = open_ipi();

	evtchn_mask(port);
	evtchn_send(port);
	unsigned int masked = events;
	bool pending = evtchn_is_pending(port);

	evtchn_unmask(port);
	unsigned int unmasked = events;

	evtchn_close(port);
	EXPECT_EQUAL(masked, 0);
	EXPECT(pending);
	EXPECT_EQUAL(unmasked, 1);
}

/* Sends after the unmask, too: the channel must still work. */
static void no_event_is_lost_by_unmask(void)
{
	evtchn_port_t port = open_ipi();

	for (unsigned int i = 0; i < 100; i++) {
		evtchn_mask(port);
		evtchn_send(port);
		evtchn_unmask(port);
		evtchn_send(port);
	}
	unsigned int seen = events;

	evtchn_close(port);
	EXPECT_EQUAL(seen, 200);
}

static void sends_coalesce(void)
{
	evtchn_port_t port = open_ipi();

	xen_irq_disable();
	for (unsigned int i = 0; i < 5; i++)
		evtchn_send(port);
	xen_irq_enable();
	unsigned int seen = events;

	evtchn_close(port);
	EXPECT_EQUAL(seen, 1);
}

static void one_upcall_brings_all_channels(void)
{
	evtchn_port_t ports[8];

	for (unsigned int i = 0; i < 8; i++)
		ports[i] = open_ipi();
	xen_irq_disable();
	unsigned int before = xen_upcalls[0];

	for (unsigned int i = 0; i < 8; i++)
		evtchn_send(ports[i]);
	xen_irq_enable();
	unsigned int seen = events, upcalls = xen_upcalls[0] - before;

	for (unsigned int i = 0; i < 8; i++)
		evtchn_close(ports[i]);
	EXPECT_EQUAL(seen, 8);
	EXPECT_EQUAL(upcalls, 1);
}

static unsigned int depth, deepest;

static void send_again(evtchn_port_t port)
{
	if (++depth > deepest)
		deepest = depth;
	if (++events < 5)
		evtchn_send(port);
	depth--;
}

static void event_in_a_handler_waits_for_its_end(void)
{
	events = 0;
	deepest = 0;
	evtchn_port_t port = bind_ipi(0, send_again);

	evtchn_send(port);
	evtchn_close(port);
	EXPECT_EQUAL(events, 5);
	EXPECT_EQUAL(deepest, 1);
}

/* Both ends of the channel are in this domain. */
static void interdomain_channel_reaches_its_other_end(void)
{
	struct evtchn_alloc_unbound unbound = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};

	EXPECT_EQUAL(HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &unbound), 0);
	struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF,
					       .remote_port = unbound.port};

	EXPECT_EQUAL(HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind), 0);
	evtchn_clear(bind.local_port); /* a new one begins as pending */
	evtchn_clear(unbound.port);
	evtchn_listen(unbound.port, count);
	events = 0;
	evtchn_send(bind.local_port);
	unsigned int seen = events;

	evtchn_close(bind.local_port);
	evtchn_close(unbound.port);
	EXPECT_EQUAL(seen, 1);
	EXPECT_EQUAL(last_port, unbound.port);
}

static uint32_t status_of(evtchn_port_t port)
{
	struct evtchn_status status = {.dom = DOMID_SELF, .port = port, .status = ~0u};

	HYPERVISOR_event_channel_op(EVTCHNOP_status, &status);
	return status.status;
}

static void status_tells_the_kind(void)
{
	evtchn_port_t port = open_ipi();
	uint32_t open = status_of(port);

	evtchn_close(port);
	EXPECT_EQUAL(open, EVTCHNSTAT_ipi);
	EXPECT_EQUAL(status_of(port), EVTCHNSTAT_closed);
}

static void closed_channel_refuses(void)
{
	evtchn_port_t port = open_ipi();

	evtchn_close(port);
	EXPECT_EQUAL(evtchn_send(port), -XEN_EINVAL);
}

static bool end_user(struct pt_regs *regs)
{
	leave_user(regs->di);
}

extern const char user_ends[];

asm("	.pushsection .user.text, \"ax\"\n"
    "user_ends:\n"
    "	int	$0x80\n"
    "	.popsection\n");

/* An event that is pending at the return to user mode comes before its first instruction. */
static void event_interrupts_user(void)
{
	evtchn_port_t port = open_ipi();
	trap_handler before = set_trap_handler(VECTOR_SYSTEM_CALL, end_user);

	from_user = false;
	xen_irq_disable();
	evtchn_send(port);
	unsigned long value = run_user(user_ends, 77);

	xen_irq_enable();
	set_trap_handler(VECTOR_SYSTEM_CALL, before);
	evtchn_close(port);
	EXPECT_EQUAL(value, 77);
	EXPECT_EQUAL(events, 1);
	EXPECT(from_user);
}

static evtchn_port_t port_of_trap;

/* Makes an event pending, which Xen delivers at the return from the trap. */
static bool send_masked(struct pt_regs *regs)
{
	(void)regs;
	xen_irq_disable();
	evtchn_send(port_of_trap);
	return true;
}

/* General registers and flags. */
static void registers_survive_an_upcall(void)
{
	unsigned long c = 0xc3, d = 0xd4, si = 0x51, di = 0xd1;
	bool carry;

	port_of_trap = open_ipi();
	trap_handler before = set_trap_handler(X86_TRAP_BP, send_masked);

	asm volatile("stc; int3"
		     : "+c"(c), "+d"(d), "+S"(si), "+D"(di), "=@ccc"(carry)
		     : : "memory");
	set_trap_handler(X86_TRAP_BP, before);
	evtchn_close(port_of_trap);
	EXPECT_EQUAL(events, 1);
	EXPECT(carry);
	EXPECT(c == 0xc3 && d == 0xd4 && si == 0x51 && di == 0xd1);
}

#ifdef CONFIG_X86_64
/* The entry code itself uses %r11. */
static void upper_registers_survive_an_upcall(void)
{
	register unsigned long r10 asm("r10");
	register unsigned long r11 asm("r11");

	port_of_trap = open_ipi();
	trap_handler before = set_trap_handler(X86_TRAP_BP, send_masked);

	r10 = 0x1010;
	r11 = 0x1111;
	asm volatile("int3" : "+r"(r10), "+r"(r11) : : "memory");
	unsigned long seen[] = {r10, r11};

	set_trap_handler(X86_TRAP_BP, before);
	evtchn_close(port_of_trap);
	EXPECT_EQUAL(events, 1);
	EXPECT_EQUAL(seen[0], 0x1010);
	EXPECT_EQUAL(seen[1], 0x1111);
}
#endif

static const struct check checks[] = {
	{"ipi_arrives", ipi_arrives},
	{"taken_event_is_not_pending", taken_event_is_not_pending},
	{"masked_channel_is_held_back", masked_channel_is_held_back},
	{"no_event_is_lost_by_unmask", no_event_is_lost_by_unmask},
	{"sends_coalesce", sends_coalesce},
	{"one_upcall_brings_all_channels", one_upcall_brings_all_channels},
	{"event_in_a_handler_waits_for_its_end", event_in_a_handler_waits_for_its_end},
	{"interdomain_channel_reaches_its_other_end", interdomain_channel_reaches_its_other_end},
	{"status_tells_the_kind", status_tells_the_kind},
	{"closed_channel_refuses", closed_channel_refuses},
	{"event_interrupts_user", event_interrupts_user},
	{"registers_survive_an_upcall", registers_survive_an_upcall},
#ifdef CONFIG_X86_64
	{"upper_registers_survive_an_upcall", upper_registers_survive_an_upcall},
#endif
};

const struct checks upcall_checks = CHECKS(checks);
