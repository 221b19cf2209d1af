/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The interrupt flag of a PV guest: evtchn_upcall_mask in the page that it
 * shares with Xen.  The real flag is Xen's; `cli` and `sti` fault, and `popf`
 * silently does not change it, so a kernel must not use them.
 *
 * Two bytes work together: Xen sets evtchn_upcall_pending when there is
 * something to deliver, and looks at the mask before it does.  Clearing the
 * mask is a plain store, of which Xen learns nothing; so what became pending
 * meanwhile must be asked for, by entering Xen: it delivers on the way back.
 */
#include "hypercall.h"
#include "xen-ops.h"

#define barrier() asm volatile("" : : : "memory")

/* Any hypercall will do; this one does nothing else. */
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
	/* In this order: what becomes pending from here on Xen delivers by itself. */
	barrier();
	if (this_vcpu()->evtchn_upcall_pending)
		xen_force_evtchn_callback();
}

/* The state to give to xen_restore_fl. */
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

/* Enables and waits for an event, without a gap in between, which is why it is one call. */
void xen_safe_halt(void)
{
	if (HYPERVISOR_sched_op(SCHEDOP_block, NULL) != 0)
		panic("SCHEDOP_block refused");
}
