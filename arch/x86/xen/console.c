/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Text to the console.
 *
 * dom0 gives it to Xen, by HYPERVISOR_console_io, which needs nothing to be set
 * up and is allowed to dom0 only.  A domU has a page that it shares with a
 * process in dom0, xenconsoled: a ring of characters, and an event channel to
 * say that there are new ones.
 */
#include <stddef.h>
#include <stdint.h>

#include "hypercall.h"
#include "page.h"
#include "xen-ops.h"

/* Nobody reads any more, if it takes longer; about 10 seconds. */
#define MAX_YIELDS 1000000

static volatile struct xencons_interface *ring(void)
{
	return pfn_to_virt(mfn_to_pfn(xen_start_info->console.domU.mfn));
}

static void notify_reader(void)
{
	struct evtchn_send send = {.port = xen_start_info->console.domU.evtchn};

	HYPERVISOR_event_channel_op(EVTCHNOP_send, &send);
}

/* Until no more than count characters wait to be read. */
static bool wait_until_read(uint32_t count)
{
	for (long i = 0; ring()->out_prod - ring()->out_cons > count; i++) {
		if (i == MAX_YIELDS)
			return false;
		notify_reader();
		HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
	}
	return true;
}

static void ring_write(const char *text, size_t size)
{
	volatile struct xencons_interface *intf = ring();
	uint32_t prod = intf->out_prod;

	for (size_t i = 0; i < size; i++) {
		if (prod - intf->out_cons == sizeof(intf->out)) {
			intf->out_prod = prod;
			if (!wait_until_read(sizeof(intf->out) / 2))
				return;
		}
		intf->out[prod++ % sizeof(intf->out)] = text[i];
	}
	/* The characters first: x86 keeps stores in order, and volatile the compiler. */
	intf->out_prod = prod;
	notify_reader();
}

static bool is_dom0(void)
{
	return xen_start_info->flags & SIF_INITDOMAIN;
}

/* Before a shutdown, which takes the ring away. */
void xen_console_drain(void)
{
	if (!is_dom0())
		wait_until_read(0);
}

void xen_console_write(const char *text, size_t size)
{
	if (is_dom0())
		HYPERVISOR_console_io(CONSOLEIO_write, (unsigned int)size, text);
	else
		ring_write(text, size);
}
