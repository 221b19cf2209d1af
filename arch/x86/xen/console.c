/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Writes text to the console.
 *
 * dom0 passes it to Xen by HYPERVISOR_console_io, which needs no setup and is
 * allowed to dom0 only.  A domU shares a page with xenconsoled, a process in dom0:
 * a ring of characters, and an event channel that signals new ones.  Without Xen
 * the console is the machine's serial port.
 */
#include <stddef.h>
#include <stdint.h>

#include "hypercall.h"
#include "io.h"
#include "xen-ops.h"

#define SERIAL_PORT 0x3f8

/* About 10 seconds; after that the reader is assumed to have ended. */
#define MAX_YIELDS 1000000

static volatile struct xencons_interface *ring;
static evtchn_port_t ring_port;

static void notify_reader(void)
{
	struct evtchn_send send = {.port = ring_port};

	HYPERVISOR_event_channel_op(EVTCHNOP_send, &send);
}

/* Waits until at most count characters are unread; returns whether that came true. */
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
	/* After the characters: x86 keeps the order of stores, and so does volatile. */
	ring->out_prod = prod;
	notify_reader();
}

static void hypervisor_write(const char *text, size_t size)
{
	HYPERVISOR_console_io(CONSOLEIO_write, (unsigned int)size, text);
}

/* Writes to a 16550 UART, which firmware or QEMU has initialised. */
static void serial_write(const char *text, size_t size)
{
	for (; size; size--, text++) {
		while (!(inb(SERIAL_PORT + 5) & 0x20))
			; /* wait until it has room for a character */
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

/* Waits until all is read; called before a shutdown, which frees the ring. */
void xen_console_drain(void)
{
	if (ring)
		wait_until_read(0);
}

void xen_console_write(const char *text, size_t size)
{
	write_text(text, size);
}
