/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The entry point of an image without XEN_PV, which no Xen code starts: it
 * stops.  Naked, because there may be no stack.
 */
__attribute__((naked, noreturn)) void startup_halt(void);

void startup_halt(void)
{
	asm volatile("cli\n"
		     "1:	hlt\n"
		     "	jmp 1b");
}
