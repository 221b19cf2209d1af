/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Runs the checks and prints one line for each: "PASS name", "FAIL name: why" or
 * "SKIP name: why"; the last line has the number of checks that ran.
 */
#include <stdarg.h>

#include "../printk.h"
#include "../xen-ops.h"
#include "check.h"

const char *current_check = "boot";

static bool failed;
static const char *skipped;

#ifdef CONFIG_XEN_PV
static const struct checks *const pv_pieces[] = {
	&booting_checks,
	&mapping_checks,
	&page_type_checks,
	&privileged_checks,
	&segment_checks,
	&exception_checks,
	&flag_checks,
	&upcall_checks,
	&timer_checks,
	&batching_checks,
#if defined(CONFIG_SMP) && defined(CONFIG_X86_64)
	&second_vcpu_checks,
	&vcpu_upcall_checks,
#endif
	NULL,
};
#endif

#ifdef CONFIG_XEN_PVH
static const struct checks *const pvh_pieces[] = {
	&pvh_start_checks,
	&pvh_xen_checks,
	NULL,
};
#endif

static const struct checks *const *pieces(void)
{
#ifdef CONFIG_XEN_PV
	if (xen_domain_type == XEN_PV_DOMAIN)
		return pv_pieces;
#endif
#ifdef CONFIG_XEN_PVH
	if (xen_domain_type != XEN_PV_DOMAIN)
		return pvh_pieces;
#endif
	__builtin_unreachable();
}

void check_fail(const char *format, ...)
{
	va_list args;

	if (failed)
		return;
	failed = true;
	printk("FAIL %s: ", current_check);
	va_start(args, format);
	vprintk(format, args);
	va_end(args);
	printk("\n");
}

void check_skip(const char *reason)
{
	skipped = reason;
}

/* Runs a check; returns whether it passed or was skipped. */
static bool run(const struct check *check, unsigned int *made)
{
	current_check = check->name;
	failed = false;
	skipped = NULL;
	check->run();
	if (!failed && skipped) {
		printk("SKIP %s: %s\n", check->name, skipped);
		return true;
	}
	++*made;
	if (!failed)
		printk("PASS %s\n", check->name);
	return !failed;
}

bool run_checks(void)
{
	unsigned int made = 0;
	bool all = true;

	for (const struct checks *const *piece = pieces(); *piece; piece++)
		for (size_t i = 0; i < (*piece)->count; i++)
			all = run(&(*piece)->rows[i], &made) && all;
	current_check = "shutdown";
	printk("CHECKS: %u\n", made);
	return all;
}
