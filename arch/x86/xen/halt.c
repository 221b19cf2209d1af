/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The entry point of an image without XEN_PV: it halts, as the image has no code
 * to start under Xen.  Naked, because there may be no stack.
 */
__attribute__((naked, noreturn)) void startup_halt(void);

void startup_halt(void)
{
	asm volatile("cli\n"
		     "1:	hlt\n"
		     "	jmp 1b");
}
