/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The virtual interrupt flag of a PV guest: evtchn_upcall_mask in the page shared
 * with Xen.  The real flag is Xen's: `cli` and `sti` fault, and `popf` silently does
 * not change it, so a kernel must not use them.
 *
 * Two bytes work together: Xen sets evtchn_upcall_pending when an event is pending,
 * and delivers it only if the mask is clear.  Clearing the mask is a plain store,
 * which Xen does not notice; so if an event became pending meanwhile, the kernel must
 * enter Xen, which delivers the event on return.
 */
#include "hypercall.h"
#include "xen-ops.h"

#define barrier() asm volatile("" : : : "memory")

/* Any hypercall works; this one has no other effect. */
void xen_force_evtchn_callback(void)
{
	HYPERVISOR_xen_version(XENVER_version, NULL);
}

bool xen_irqs_disabled(void)
{
	return this_vcpu()->evtchn_upcall_mask != 0;
}

void xen_irq_disable(void)
{
	this_vcpu()->evtchn_upcall_mask = 1;
	barrier();
}

void xen_irq_enable(void)
{
	barrier();
	this_vcpu()->evtchn_upcall_mask = 0;
	/* In this order: Xen itself delivers events that become pending from here on. */
	barrier();
	if (this_vcpu()->evtchn_upcall_pending)
		xen_force_evtchn_callback();
}

/* Returns the state for xen_restore_fl. */
unsigned long xen_save_fl(void)
{
	return xen_irqs_disabled() ? 0 : X86_EFLAGS_IF;
}

void xen_restore_fl(unsigned long flags)
{
	if (flags & X86_EFLAGS_IF)
		xen_irq_enable();
	else
		xen_irq_disable();
}

/* Enables events and waits for one, in one hypercall so that none is missed in between. */
void xen_safe_halt(void)
{
	if (HYPERVISOR_sched_op(SCHEDOP_block, NULL) != 0)
		panic("SCHEDOP_block refused");
}
