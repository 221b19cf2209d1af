/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The checks of the self-test.  To add one, write a function in the file of its
 * subject, and add a row to the table at the end of that file:
 *
 *	static void two_is_even(void)
 *	{
 *		EXPECT_EQUAL(2 % 2, 0);
 *	}
 *
 * A check passes if it returns without a failed expectation; a failed one returns
 * at once.  A check must restore the state of the guest.
 *
 * tests/arch/mutations.py has a row for each check: a change of the guest that
 * makes the check fail, which proves that the check works.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>

struct check {
	const char *name;
	void (*run)(void);
};

struct checks {
	const struct check *rows;
	size_t count;
};

#define CHECKS(table) \
	{ table, sizeof(table) / sizeof((table)[0]) }

/* One table per subject, in the file of its name. */
extern const struct checks booting_checks, mapping_checks, page_type_checks, privileged_checks, segment_checks,
	exception_checks, flag_checks, upcall_checks, timer_checks, batching_checks, pvh_start_checks,
	pvh_xen_checks, second_vcpu_checks, vcpu_upcall_checks;

/* entry.c */
void bss_cleared(void);
void stack_in_init_thread_union(void);

/* run.c: reports the first reason only. */
__attribute__((format(printf, 1, 2))) void check_fail(const char *format, ...);
void check_skip(const char *reason);

#define EXPECT(condition)                                                        \
	do {                                                                     \
		if (!(condition)) {                                              \
			check_fail("not %s (%s:%d)", #condition, __FILE__, __LINE__); \
			return;                                                  \
		}                                                                \
	} while (0)

/* Compares 64-bit integers, such as page table entries, in a 32-bit kernel too. */
#define EXPECT_EQUAL(actual, expected)                                             \
	do {                                                                       \
		long long actual_ = (actual), expected_ = (expected);              \
		if (actual_ != expected_) {                                        \
			check_fail("%s is %lld (0x%llx), not %lld (0x%llx) (%s:%d)", \
				   #actual, actual_, actual_, expected_, expected_, \
				   __FILE__, __LINE__);                            \
			return;                                                    \
		}                                                                  \
	} while (0)

/* Skips a check that this kernel or machine cannot run; it is not counted. */
#define SKIP(reason)                \
	do {                        \
		check_skip(reason); \
		return;             \
	} while (0)

#endif
