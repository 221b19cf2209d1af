/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the guest can find out about its own start, one named check per
 * promise of Xen's or of the entry code's.  A failed check means that the
 * image, the head object or Xen broke that promise.
 *
 * A new check is a function and a row of the table below.
 */
#include <stddef.h>
#include <stdint.h>

#include "hypercall.h"
#include "layout.h"
#include "xen-ops.h"

struct check {
	const char *name;
	bool (*passes)(void);
};

/* magic goes on after the prefix: a dom0 sees "xen-3.0-x86_64p". */
static bool start_info_magic(void)
{
#ifdef CONFIG_X86_64
	static const char prefix[] = "xen-3.0-x86_64";
#else
	static const char prefix[] = "xen-3.0-x86_32p";
#endif
	for (size_t i = 0; i < sizeof(prefix) - 1; i++)
		if (xen_start_info->magic[i] != prefix[i])
			return false;
	return true;
}

static bool memory_holds_image(void)
{
	return xen_start_info->nr_pages > ((uintptr_t)_end - VIRT_BASE) / PAGE_SIZE;
}

/* Not zero in the file; why a variable in .bss would prove nothing: vmlinux.lds.S. */
extern volatile uint64_t bss_probe;

static bool bss_cleared(void)
{
	return bss_probe == 0;
}

static bool stack_in_init_thread_union(void)
{
	uintptr_t stack = (uintptr_t)__builtin_frame_address(0);
	uintptr_t base = (uintptr_t)&init_thread_union;

	return stack >= base && stack < base + THREAD_SIZE;
}

#ifdef CONFIG_X86_64
static bool gs_base_at_irq_stack_union(void)
{
	volatile unsigned long *first = (volatile unsigned long *)&irq_stack_union;
	unsigned long seen;

	*first = 0x1234567;
	asm volatile("mov %%gs:0, %0" : "=r"(seen) : : "memory");
	*first = 0;
	return seen == 0x1234567;
}
#endif

/* A hypercall page that Xen did not fill is all zeros, and the call faults. */
static bool hypercall_returns_version(void)
{
	long version = HYPERVISOR_xen_version(XENVER_version, NULL);

	xen_raw_printk("Xen %ld.%ld\n", version >> 16, version & 0xffff);
	return version >> 16 >= 4;
}

static const struct check checks[] = {
	{"start_info_magic", start_info_magic},
	{"memory_holds_image", memory_holds_image},
	{"bss_cleared", bss_cleared},
	{"stack_in_init_thread_union", stack_in_init_thread_union},
#ifdef CONFIG_X86_64
	{"gs_base_at_irq_stack_union", gs_base_at_irq_stack_union},
#endif
	{"hypercall_returns_version", hypercall_returns_version},
};

bool run_checks(void)
{
	bool all = true;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		bool passed = checks[i].passes();

		xen_raw_printk("%s %s\n", passed ? "PASS" : "FAIL", checks[i].name);
		all = all && passed;
	}
	return all;
}
