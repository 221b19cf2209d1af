/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Reports the result of a run: as text and as QEMU's exit status.
 *
 * The text is the last line, "RESULT: PASS" or "RESULT: FAIL".  The isa-debug-exit
 * device at port 0xf4 ends QEMU with status 2 * code + 1.  A shutdown hypercall alone
 * could not pass a status: for dom0 Xen halts the machine (QEMU then keeps running)
 * or reboots it (status 0, as after a crash).
 */
#include "hypercall.h"
#include "io.h"
#include "xen-ops.h"

#define DEBUG_EXIT_PORT 0xf4
#define DEBUG_EXIT_PASS 0x10 /* QEMU's status 33 */
#define DEBUG_EXIT_FAIL 2    /* QEMU's status 5 */

/*
 * A PV kernel runs in ring 3 (or 1), where `out` faults.  At virtual I/O privilege
 * level 1 Xen emulates it, for dom0 only.
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

	/* Without the device, the shutdown reason is the status that the toolstack reads. */
	while (xen_domain_type != XEN_NATIVE)
		HYPERVISOR_sched_op(SCHEDOP_shutdown, &shutdown);
	for (;;)
		asm volatile("cli; hlt");
}
