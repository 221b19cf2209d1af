/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Runs the checks and says how each ended, one line each: "PASS name",
 * "FAIL name: why" or "SKIP name: why", and at last how many were made.
 */
#include <stdarg.h>

#include "../printk.h"
#include "../xen-ops.h"
#include "check.h"

const char *current_check = "boot";

static bool failed;
static const char *skipped;

static const struct checks *const pieces[] = {
	&booting_checks,
#ifdef CONFIG_X86_64
	&mapping_checks,
	&page_type_checks,
	&privileged_checks,
	&segment_checks,
	&exception_checks,
	&flag_checks,
	&upcall_checks,
	&timer_checks,
	&batching_checks,
#endif
};

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

/* Whether it did not fail. */
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

	for (size_t piece = 0; piece < sizeof(pieces) / sizeof(pieces[0]); piece++)
		for (size_t i = 0; i < pieces[piece]->count; i++)
			all = run(&pieces[piece]->rows[i], &made) && all;
	current_check = "shutdown";
	printk("CHECKS: %u\n", made);
	return all;
}
