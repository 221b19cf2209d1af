/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks of the entry code in the Xen head object that apply to PV and PVH; the
 * tables of both contain them.
 */
#include <stdint.h>

#include "../layout.h"
#include "../xen-ops.h"
#include "check.h"

/* Not zero in the file, unlike .bss: see the comment on .bss in vmlinux.lds.S. */
extern volatile uint64_t bss_probe;

void bss_cleared(void)
{
	EXPECT_EQUAL(bss_probe, 0);
}

void stack_in_init_thread_union(void)
{
	uintptr_t stack = (uintptr_t)__builtin_frame_address(0);
	uintptr_t base = (uintptr_t)&init_thread_union;

	EXPECT(stack >= base && stack < base + THREAD_SIZE);
}
