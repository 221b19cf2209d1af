/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Text to the console.
 *
 * dom0 gives it to Xen, by HYPERVISOR_console_io, which needs nothing to be set
 * up and is allowed to dom0 only.  A domU has a page that it shares with a
 * process in dom0, xenconsoled: a ring of characters, and an event channel to
 * say that there are new ones.  Without Xen there is the machine's serial port.
 */
#include <stddef.h>
#include <stdint.h>

#include "hypercall.h"
#include "io.h"
#include "xen-ops.h"

#define SERIAL_PORT 0x3f8

/* Nobody reads any more, if it takes longer; about 10 seconds. */
#define MAX_YIELDS 1000000

static volatile struct xencons_interface *ring;
static evtchn_port_t ring_port;

static void notify_reader(void)
{
	struct evtchn_send send = {.port = ring_port};

	HYPERVISOR_event_channel_op(EVTCHNOP_send, &send);
}

/* Until no more than count characters wait to be read. */
static bool wait_until_read(uint32_t count)
{
	for (long i = 0; ring->out_prod - ring->out_cons > count; i++) {
		if (i == MAX_YIELDS)
			return false;
		notify_reader();
		HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
	}
	return true;
}

static void ring_write(const char *text, size_t size)
{
	uint32_t prod = ring->out_prod;

	for (size_t i = 0; i < size; i++) {
		if (prod - ring->out_cons == sizeof(ring->out)) {
			ring->out_prod = prod;
			if (!wait_until_read(sizeof(ring->out) / 2))
				return;
		}
		ring->out[prod++ % sizeof(ring->out)] = text[i];
	}
	/* The characters first: x86 keeps stores in order, and volatile the compiler. */
	ring->out_prod = prod;
	notify_reader();
}

static void hypervisor_write(const char *text, size_t size)
{
	HYPERVISOR_console_io(CONSOLEIO_write, (unsigned int)size, text);
}

/* A 16550 UART, as the firmware or QEMU has left it. */
static void serial_write(const char *text, size_t size)
{
	for (; size; size--, text++) {
		while (!(inb(SERIAL_PORT + 5) & 0x20))
			; /* until it has room for a character */
		outb(SERIAL_PORT, (uint8_t)*text);
	}
}

static void (*write_text)(const char *text, size_t size) = hypervisor_write;

void xen_console_use_ring(volatile struct xencons_interface *interface, evtchn_port_t port)
{
	ring = interface;
	ring_port = port;
	write_text = ring_write;
}

void xen_console_use_serial_port(void)
{
	write_text = serial_write;
}

/* Before a shutdown, which takes the ring away. */
void xen_console_drain(void)
{
	if (ring)
		wait_until_read(0);
}

void xen_console_write(const char *text, size_t size)
{
	write_text(text, size);
}
