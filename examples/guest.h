/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How the examples say how they went: to Xen's console as its PVH dom0, else to the serial port
 * of QEMU's machine; and by that machine's port 0xf4, which ends it.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdint.h>

/* "XenVMMXenVMM" in leaf 0x40000000: its first four letters will do. */
static inline uint32_t cpuid_ebx(uint32_t leaf)
{
	uint32_t ebx, ecx = 0, edx;

	asm volatile("cpuid" : "+a"(leaf), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ebx;
}

/* By Xen's console_io, as dom0; the number goes into %eax. */
static inline void write_to_xen(const char *text, unsigned long size)
{
	unsigned long number = 18, write = 0;
	int is_intel = cpuid_ebx(0) == 0x756e6547; /* "Genu" of GenuineIntel */

#ifdef __x86_64__
#define ARGUMENTS "+a"(number), "+D"(write), "+S"(size), "+d"(text)
#else
#define ARGUMENTS "+a"(number), "+b"(write), "+c"(size), "+d"(text)
#endif
	if (is_intel)
		asm volatile("vmcall" : ARGUMENTS : : "memory");
	else
		asm volatile("vmmcall" : ARGUMENTS : : "memory");
#undef ARGUMENTS
}

static inline void write_text(const char *text)
{
	unsigned long size = 0;

	while (text[size])
		size++;
	if (cpuid_ebx(0x40000000) == 0x566e6558)
		write_to_xen(text, size);
	else
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
