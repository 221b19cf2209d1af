/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How the examples say how they went, without Xen: to the serial port of QEMU's machine, and
 * by its port 0xf4, which ends it.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdint.h>

static inline void write_text(const char *text)
{
	for (; *text; text++)
		asm volatile("outb %0, %1" : : "a"(*text), "Nd"((uint16_t)0x3f8));
}

static int failures;

static inline void check(const char *name, int holds)
{
	write_text(holds ? "PASS " : "FAIL ");
	write_text(name);
	write_text(holds ? "\n" : ": it does not hold\n");
	failures += !holds;
}

static inline _Noreturn void end(void)
{
	write_text(failures ? "RESULT: FAIL\n" : "RESULT: PASS\n");
	asm volatile("outl %0, %1" : : "a"(failures ? 2 : 0x10), "Nd"((uint16_t)0xf4));
	for (;;)
		asm volatile("cli; hlt");
}

#endif
