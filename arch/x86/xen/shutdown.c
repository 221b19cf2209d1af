/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How a run ends, in words and as a status.
 *
 * The words are the last line, "RESULT: PASS" or "RESULT: FAIL".  The status is
 * QEMU's: its isa-debug-exit device at port 0xf4 ends QEMU with status
 * 2 * code + 1.  A shutdown hypercall alone could not carry one: for dom0 Xen
 * halts the machine (QEMU then runs on) or reboots it (status 0, as after a
 * crash).
 */
#include "hypercall.h"
#include "io.h"
#include "xen-ops.h"

#define DEBUG_EXIT_PORT 0xf4
#define DEBUG_EXIT_PASS 0x10 /* QEMU's status 33 */
#define DEBUG_EXIT_FAIL 2    /* QEMU's status 5 */

/*
 * A PV kernel runs in ring 3 (or 1), where `out` faults.  At the virtual I/O
 * privilege level 1 Xen carries it out on the kernel's behalf, for dom0.
 */
static bool may_use_ports(void)
{
#ifdef CONFIG_XEN_PV
	if (xen_domain_type == XEN_PV_DOMAIN)
		return xen_initial_domain && xen_set_iopl(1);
#endif
	return true;
}

_Noreturn void report_result(bool passed)
{
	struct sched_shutdown shutdown = {
		.reason = passed ? SHUTDOWN_poweroff : SHUTDOWN_crash,
	};

	printk("RESULT: %s\n", passed ? "PASS" : "FAIL");
	xen_console_drain();
	if (may_use_ports())
		outl(DEBUG_EXIT_PORT, passed ? DEBUG_EXIT_PASS : DEBUG_EXIT_FAIL);

	/* No such device: the reason is the status that the toolstack sees. */
	while (xen_domain_type != XEN_NATIVE)
		HYPERVISOR_sched_op(SCHEDOP_shutdown, &shutdown);
	for (;;)
		asm volatile("cli; hlt");
}
