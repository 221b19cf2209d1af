/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * @NAME@: a 32-bit PV kernel, in one file.
 *
 * Distributions build Xen without CONFIG_PV32, so this kernel runs as a domU inside xen-shim, a
 * small Xen that has it.  Xen enters _start in the head object with page tables built, in PAE
 * mode; _start clears .bss, switches to boot_stack and jumps to kernel_main.
 *
 * A domU may not write to Xen's console: its console is a page shared with a process in dom0.
 */
#include <stddef.h>
#include <stdint.h>

#define STACK_SIZE 0x4000 /* the same as stack_size in SConstruct */
#define VIRT_BASE 0xc0000000
#define MACH2PHYS 0xf5800000 /* Xen's table of this domain's frame for each machine frame */

/* The start of struct start_info (Xen's public header xen.h). */
struct start_info {
	char magic[32];
	uint32_t nr_pages, shared_info, flags, store_mfn, store_evtchn;
	uint32_t console_mfn, console_evtchn;
};

/* The console's page (io/console.h): two rings, each with a consumer and a producer index. */
struct console {
	char in[1024], out[2048];
	uint32_t in_cons, in_prod, out_cons, out_prod;
};

/* The head object refers to these by name. */
char boot_stack[STACK_SIZE] __attribute__((aligned(16)));
const struct start_info *xen_start_info;
_Noreturn void kernel_main(void);

/* Xen fills this page with the code of each hypercall, 32 bytes per number. */
extern char hypercall_page[];

#define HYPERVISOR_xen_version 17
#define HYPERVISOR_sched_op 29
#define HYPERVISOR_event_channel_op 32
#define SCHEDOP_yield 0
#define SCHEDOP_shutdown 2
#define EVTCHNOP_send 4

/* Up to two arguments go into %ebx and %ecx; the result comes in %eax. */
static long hypercall(unsigned int number, long first, const void *second)
{
	long result;

	asm volatile("call *%[code]"
		     : "=a"(result), "+b"(first), "+c"(second)
		     : [code] "r"(hypercall_page + 32 * number)
		     : "memory");
	return result;
}

/* start_info has the machine frame; the kernel has its own frames mapped from VIRT_BASE on. */
static volatile struct console *console(void)
{
	uint32_t pfn = ((const uint32_t *)MACH2PHYS)[xen_start_info->console_mfn];

	return (volatile struct console *)(VIRT_BASE + pfn * 4096);
}

static void write_text(const char *text)
{
	volatile struct console *ring = console();
	uint32_t port = xen_start_info->console_evtchn;

	for (; *text; text++) {
		while (ring->out_prod - ring->out_cons == sizeof(ring->out))
			hypercall(HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
		ring->out[ring->out_prod % sizeof(ring->out)] = *text;
		ring->out_prod++;
	}
	hypercall(HYPERVISOR_event_channel_op, EVTCHNOP_send, &port);
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

/* Report the result and end, once all output is read: the console ends with the domain. */
static _Noreturn void end(int passed)
{
	uint32_t reason = passed ? 0 : 3; /* SHUTDOWN_poweroff, SHUTDOWN_crash */

	write_text(passed ? "RESULT: PASS\n" : "RESULT: FAIL\n");
	while (console()->out_prod != console()->out_cons)
		hypercall(HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	for (;;)
		hypercall(HYPERVISOR_sched_op, SCHEDOP_shutdown, &reason);
}

static char in_bss;

_Noreturn void kernel_main(void)
{
	char *here = __builtin_frame_address(0);

	write_text(CONFIG_GREETING "\n");
	check("the_stack_is_ours", here >= boot_stack && here < boot_stack + STACK_SIZE);
	check("bss_is_clear", in_bss == 0);
	check("xen_is_4_or_newer", hypercall(HYPERVISOR_xen_version, 0, NULL) >> 16 >= 4);
	end(failures == 0);
}
