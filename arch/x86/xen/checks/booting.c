/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Booting and setup: what Xen and the entry code in the head object promise to
 * the first line of C.  A failure means that the image, the head object or Xen
 * broke that promise.
 */
#include <stdint.h>

#include "../hypercall.h"
#include "../layout.h"
#include "../page.h"
#include "../xen-ops.h"
#include "check.h"

/* Only a prefix of magic: Xen gives "xen-3.0-x86_64p" to a dom0. */
static void start_info_magic(void)
{
#ifdef CONFIG_X86_64
	static const char prefix[] = "xen-3.0-x86_64";
#else
	static const char prefix[] = "xen-3.0-x86_32p";
#endif
	EXPECT(memcmp(xen_start_info->magic, prefix, sizeof(prefix) - 1) == 0);
}

static void memory_holds_image(void)
{
	EXPECT(xen_start_info->nr_pages > ((uintptr_t)_end - VIRT_BASE) / PAGE_SIZE);
}

static void hypercall_returns_version(void)
{
	long version = HYPERVISOR_xen_version(XENVER_version, NULL);

	printk("Xen %ld.%ld\n", version >> 16, version & 0xffff);
	EXPECT(version >> 16 >= 4);
}

/* The page is zero in the file. */
static void hypercall_page_filled(void)
{
#ifdef CONFIG_XEN_HYPERCALL_PAGE
	extern const volatile unsigned char hypercall_page[];
	const volatile unsigned char *stub = &hypercall_page[32 * __HYPERVISOR_xen_version];

	EXPECT(stub[0] != 0);
#else
	SKIP("XEN_HYPERCALL_PAGE is not set");
#endif
}

#ifdef CONFIG_X86_64
static void gs_base_at_irq_stack_union(void)
{
	volatile unsigned long *first = (volatile unsigned long *)&irq_stack_union;
	unsigned long seen;

	*first = 0x1234567;
	asm volatile("mov %%gs:0, %0" : "=r"(seen) : : "memory");
	*first = 0;
	EXPECT_EQUAL(seen, 0x1234567);
}

#endif

/* A 64-bit kernel runs in ring 3, like its users; a 32-bit kernel in ring 1. */
static void entered_in_the_kernels_ring(void)
{
	EXPECT_EQUAL(entry_state.cs, FLAT_KERNEL_CS);
	EXPECT_EQUAL(entry_state.ss, FLAT_KERNEL_SS);
}

static void entered_with_events_masked(void)
{
	EXPECT_EQUAL(entry_state.upcall_mask, 1);
}

/* The processor's own flag is always set: Xen handles the interrupts. */
static void entered_with_interrupts_on(void)
{
	EXPECT(entry_state.flags & X86_EFLAGS_IF);
}

static void entered_with_direction_flag_clear(void)
{
	EXPECT_EQUAL(entry_state.flags & 0x400, 0);
}

/* Xen writes the clock's speed there, which is never 0. */
static void shared_info_mapped(void)
{
	EXPECT(this_vcpu()->time.tsc_to_system_mul != 0);
}

static void wall_clock_set(void)
{
	/* the year 2001, before the first release of Xen */
	EXPECT(HYPERVISOR_shared_info->wc_sec > 978307200);
}

/* A PV guest must not write its page tables, and has pseudo-physical frame numbers. */
static void features_read(void)
{
	EXPECT(xen_features & 1 << XENFEAT_mmu_pt_update_preserve_ad);
	EXPECT_EQUAL(xen_features & 1 << XENFEAT_writable_page_tables, 0);
	EXPECT_EQUAL(xen_features & 1 << XENFEAT_auto_translated_physmap, 0);
}

static void features_agree_with_start_info(void)
{
	EXPECT_EQUAL(!!(xen_features & 1 << XENFEAT_dom0),
		     !!(xen_start_info->flags & SIF_INITDOMAIN));
}

/* Each page of the image is in the frame that VIRT_BASE and PADDR_OFFSET determine. */
static void image_at_its_frames(void)
{
	for (const char *page = _text; page < _end; page += PAGE_SIZE)
		if (page != (const char *)HYPERVISOR_shared_info)
			EXPECT_EQUAL(pte_mfn(*lookup_address(page, 1)), virt_to_mfn(page));
}

static const struct check checks[] = {
	{"start_info_magic", start_info_magic},
	{"memory_holds_image", memory_holds_image},
	{"bss_cleared", bss_cleared},
	{"stack_in_init_thread_union", stack_in_init_thread_union},
	{"hypercall_returns_version", hypercall_returns_version},
	{"hypercall_page_filled", hypercall_page_filled},
#ifdef CONFIG_X86_64
	{"gs_base_at_irq_stack_union", gs_base_at_irq_stack_union},
#endif
	{"entered_in_the_kernels_ring", entered_in_the_kernels_ring},
	{"entered_with_events_masked", entered_with_events_masked},
	{"entered_with_interrupts_on", entered_with_interrupts_on},
	{"entered_with_direction_flag_clear", entered_with_direction_flag_clear},
	{"shared_info_mapped", shared_info_mapped},
	{"wall_clock_set", wall_clock_set},
	{"features_read", features_read},
	{"features_agree_with_start_info", features_agree_with_start_info},
	{"image_at_its_frames", image_at_its_frames},
};

const struct checks booting_checks = CHECKS(checks);
