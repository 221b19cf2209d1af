/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks of the virtual interrupt flag: the event mask, and which events it blocks.
 *
 * The guest sends the events to itself, so no check depends on time.
 */
#include "../hypercall.h"
#include "../ptrace.h"
#include "area.h"
#include "check.h"

static volatile unsigned int events;
static volatile bool masked_in_handler;
static evtchn_port_t port;

static void count(evtchn_port_t port)
{
	(void)port;
	events++;
	masked_in_handler = xen_irqs_disabled();
}

static void ignore(evtchn_port_t port)
{
	(void)port;
}

static void open_channel(void)
{
	events = 0;
	port = bind_ipi(0, count);
}

/* Returns with events enabled, as a check must leave them. */
static void close_channel(void)
{
	evtchn_close(port);
	xen_irq_enable();
}

static void masked_event_stays_pending(void)
{
	open_channel();
	xen_irq_disable();
	evtchn_send(port);
	xen_force_evtchn_callback();
	unsigned int early = events;
	bool pending = this_vcpu()->evtchn_upcall_pending && evtchn_is_pending(port);

	xen_irq_enable();
	unsigned int late = events;

	close_channel();
	EXPECT_EQUAL(early, 0);
	EXPECT(pending);
	EXPECT_EQUAL(late, 1);
}

static void enabled_event_comes_at_once(void)
{
	open_channel();
	evtchn_send(port);
	unsigned int seen = events;

	close_channel();
	EXPECT_EQUAL(seen, 1);
}

/* Repeated, because Xen also delivers the event when it was entered for another reason. */
static void enable_forces_delivery(void)
{
	unsigned int late = 0;

	open_channel();
	for (unsigned int i = 0; i < 100; i++) {
		xen_irq_disable();
		evtchn_send(port);
		xen_irq_enable();
		late += events != i + 1;
	}
	close_channel();
	EXPECT_EQUAL(late, 0);
}

static void restore_forces_delivery(void)
{
	open_channel();
	unsigned long flags = xen_save_fl();

	xen_irq_disable();
	evtchn_send(port);
	xen_restore_fl(flags);
	unsigned int seen = events;

	close_channel();
	EXPECT_EQUAL(seen, 1);
}

static void save_tells_the_flag(void)
{
	unsigned long on = xen_save_fl();

	xen_irq_disable();
	unsigned long off = xen_save_fl();

	xen_irq_enable();
	EXPECT_EQUAL(on, X86_EFLAGS_IF);
	EXPECT_EQUAL(off, 0);
}

static void inner_restore_keeps_masked(void)
{
	xen_irq_disable();
	unsigned long flags = xen_save_fl();

	xen_irq_disable();
	xen_restore_fl(flags);
	bool disabled = xen_irqs_disabled();

	xen_irq_enable();
	EXPECT(disabled);
	EXPECT(!xen_irqs_disabled());
}

static void cli_faults(void)
{
	EXPECT_EQUAL(TRY("cli", : : : "memory").vector, X86_TRAP_GP);
	EXPECT(!xen_irqs_disabled());
}

static void sti_faults(void)
{
	xen_irq_disable();
	struct fault fault = TRY("sti", : : : "memory");
	bool disabled = xen_irqs_disabled();

	xen_irq_enable();
	EXPECT_EQUAL(fault.vector, X86_TRAP_GP);
	EXPECT(disabled);
}

/* At I/O privilege level 1 cli and sti do not fault, but have no effect. */
static void cli_does_nothing_with_iopl(void)
{
	EXPECT(xen_set_iopl(1));
	struct fault fault = TRY("cli", : : : "memory");
	bool disabled = xen_irqs_disabled();

	xen_set_iopl(0);
	xen_irq_enable();
	EXPECT_EQUAL(fault.vector, NO_FAULT);
	EXPECT(!disabled);
}

static void popf_does_nothing(void)
{
	unsigned long flags;

	asm volatile("pushf; pop %0" : "=r"(flags));
	asm volatile("push %1; popf; pushf; pop %0"
		     : "=r"(flags) : "r"(flags & ~X86_EFLAGS_IF) : "memory", "cc");
	EXPECT_EQUAL(flags & X86_EFLAGS_IF, X86_EFLAGS_IF);
	EXPECT(!xen_irqs_disabled());
}

static void upcall_runs_masked(void)
{
	open_channel();
	masked_in_handler = false;
	evtchn_send(port);
	close_channel();
	EXPECT(masked_in_handler);
	EXPECT(!xen_irqs_disabled());
}

static bool masked_in_trap;
static unsigned long flags_in_frame;

static bool note_mask(struct pt_regs *regs)
{
	masked_in_trap = xen_irqs_disabled();
	flags_in_frame = regs->flags;
	return regs->vector == X86_TRAP_BP; /* the other is fixed up */
}

static void take_trap(unsigned int vector)
{
	trap_handler before = set_trap_handler(vector, note_mask);

	if (vector == X86_TRAP_BP)
		asm volatile("int3" : : : "memory");
	else
		try_read(AREA);
	set_trap_handler(vector, before);
}

/* The trap table has the flag for masked events, as of an interrupt gate, for page faults. */
static void gate_that_masks(void)
{
	take_trap(X86_TRAP_PF);
	EXPECT(masked_in_trap);
	EXPECT(!xen_irqs_disabled());
}

static void gate_that_does_not_mask(void)
{
	take_trap(X86_TRAP_BP);
	EXPECT(!masked_in_trap);
}

/* Xen puts the mask into IF of the saved flags, from which iret restores it. */
static void frame_carries_the_flag(void)
{
	take_trap(X86_TRAP_BP);
	unsigned long on = flags_in_frame;

	xen_irq_disable();
	take_trap(X86_TRAP_BP);
	bool disabled = xen_irqs_disabled();

	xen_irq_enable();
	EXPECT_EQUAL(on & X86_EFLAGS_IF, X86_EFLAGS_IF);
	EXPECT_EQUAL(flags_in_frame & X86_EFLAGS_IF, 0);
	EXPECT(disabled);
}

static bool set_flag(struct pt_regs *regs)
{
	regs->flags |= X86_EFLAGS_IF;
	return true;
}

static void iret_delivers_what_is_pending(void)
{
	open_channel();
	xen_irq_disable();
	evtchn_send(port);
	trap_handler before = set_trap_handler(X86_TRAP_BP, set_flag);

	asm volatile("int3" : : : "memory");
	unsigned int seen = events;
	bool disabled = xen_irqs_disabled();

	set_trap_handler(X86_TRAP_BP, before);
	close_channel();
	EXPECT_EQUAL(seen, 1);
	EXPECT(!disabled);
}

/* The timer ends the wait if the event does not. */
static void block_enables_and_wakes(void)
{
	evtchn_port_t timer = bind_virq(VIRQ_TIMER, ignore);

	xen_set_timer(xen_clocksource_read() + 1000000000);
	open_channel();
	xen_irq_disable();
	evtchn_send(port);
	xen_safe_halt();
	unsigned int seen = events;
	bool disabled = xen_irqs_disabled();

	close_channel();
	evtchn_close(timer);
	EXPECT_EQUAL(seen, 1);
	EXPECT(!disabled);
}

static const struct check checks[] = {
	{"masked_event_stays_pending", masked_event_stays_pending},
	{"enabled_event_comes_at_once", enabled_event_comes_at_once},
	{"enable_forces_delivery", enable_forces_delivery},
	{"restore_forces_delivery", restore_forces_delivery},
	{"save_tells_the_flag", save_tells_the_flag},
	{"inner_restore_keeps_masked", inner_restore_keeps_masked},
	{"cli_faults", cli_faults},
	{"sti_faults", sti_faults},
	{"cli_does_nothing_with_iopl", cli_does_nothing_with_iopl},
	{"popf_does_nothing", popf_does_nothing},
	{"upcall_runs_masked", upcall_runs_masked},
	{"gate_that_masks", gate_that_masks},
	{"gate_that_does_not_mask", gate_that_does_not_mask},
	{"frame_carries_the_flag", frame_carries_the_flag},
	{"iret_delivers_what_is_pending", iret_delivers_what_is_pending},
	{"block_enables_and_wakes", block_enables_and_wakes},
};

const struct checks flag_checks = CHECKS(checks);
