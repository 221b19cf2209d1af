/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * @NAME@: a PV kernel, in one file.
 *
 * Xen builds page tables for it, loads it, and enters _start in the head object in 64-bit mode,
 * in ring 3: a PV kernel calls Xen, by hypercalls, for everything that only ring 0 may do.
 * _start clears .bss, switches to boot_stack and jumps to kernel_main.
 */
#include <stddef.h>
#include <stdint.h>

#define STACK_SIZE 0x4000 /* the same as stack_size in SConstruct */

/* The head object refers to these by name. */
char boot_stack[STACK_SIZE] __attribute__((aligned(16)));
void *xen_start_info; /* struct start_info of Xen's public headers, at its virtual address */
_Noreturn void kernel_main(void);

/* Xen fills this page with the code of each hypercall, 32 bytes per number. */
extern char hypercall_page[];

/* These numbers are from Xen's public headers. */
#define HYPERVISOR_xen_version 17
#define HYPERVISOR_console_io 18
#define HYPERVISOR_sched_op 29
#define HYPERVISOR_physdev_op 33
#define CONSOLEIO_write 0
#define PHYSDEVOP_set_iopl 6
#define SCHEDOP_shutdown 2

/* Up to three arguments go into %rdi, %rsi and %rdx; the result comes in %rax. */
static long hypercall(unsigned int number, long first, long second, long third)
{
	long result;

	asm volatile("call *%[code]"
		     : "=a"(result), "+D"(first), "+S"(second), "+d"(third)
		     : [code] "r"(hypercall_page + 32 * number)
		     : "rcx", "r11", "memory");
	return result;
}

/* Write to Xen's console, which only dom0 may do. */
static void write_text(const char *text)
{
	size_t size = 0;

	while (text[size])
		size++;
	hypercall(HYPERVISOR_console_io, CONSOLEIO_write, (long)size, (long)text);
}

static int failures;

/* Print the result of a check: `scons boot` reads these lines. */
static void check(const char *name, int holds)
{
	write_text(holds ? "PASS " : "FAIL ");
	write_text(name);
	write_text(holds ? "\n" : ": it does not hold\n");
	failures += !holds;
}

/*
 * Report the result and end.  QEMU, as `scons boot` starts it, exits with the status 2 * code + 1
 * when code is written to port 0xf4.  A kernel in ring 3 needs I/O privilege level 1 for ports.
 */
static _Noreturn void end(int passed)
{
	uint32_t iopl = 1, reason = 0; /* SHUTDOWN_poweroff, if there is no such port */
	uint32_t code = passed ? 0x10 : 2;

	write_text(passed ? "RESULT: PASS\n" : "RESULT: FAIL\n");
	if (hypercall(HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, (long)&iopl, 0) == 0)
		asm volatile("outl %0, %1" : : "a"(code), "Nd"((uint16_t)0xf4));
	for (;;)
		hypercall(HYPERVISOR_sched_op, SCHEDOP_shutdown, (long)&reason, 0);
}

static char in_bss;

_Noreturn void kernel_main(void)
{
	char *here = __builtin_frame_address(0);

	write_text(CONFIG_GREETING "\n");
	check("the_stack_is_ours", here >= boot_stack && here < boot_stack + STACK_SIZE);
	check("bss_is_clear", in_bss == 0);
	check("start_info_is_of_xen", *(const uint32_t *)xen_start_info == 0x2d6e6578); /* "xen-" */
	check("xen_is_4_or_newer", hypercall(HYPERVISOR_xen_version, 0, 0, 0) >> 16 >= 4);
	end(failures == 0);
}
