/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The first C code of a PV guest.
 *
 * Xen starts a PV guest in 64-bit (or PAE) mode with paging on, in ring 3 (or
 * ring 1), with events masked, the address of start_info in %rsi and a small
 * stack that lies outside the image.  startup_xen then clears the bytes from
 * __bss_start to __bss_stop, stores %rsi in xen_start_info, moves to
 * init_thread_union, points %gs at irq_stack_union (64-bit) and jumps to
 * xen_start_kernel.  There is no trap table yet: any fault ends the domain.
 */
#include "layout.h"
#include "page.h"
#include "xen-ops.h"

/*
 * In .data, so that it does not matter whether the entry code clears .bss before or
 * after it stores this.
 */
struct start_info *xen_start_info __attribute__((section(".data")));

struct entry_state entry_state;

/* Xen's shared page is mapped here, over a page of the image. */
static union {
	struct shared_info info;
	unsigned char page[PAGE_SIZE];
} shared_info_page __attribute__((aligned(PAGE_SIZE)));

struct shared_info *const HYPERVISOR_shared_info = &shared_info_page.info;

static void map_shared_info(void)
{
	if (map_page(&shared_info_page, xen_start_info->shared_info | PTE_KERNEL) != 0)
		panic("shared_info cannot be mapped");
}

static void note_entry_state(void)
{
	asm volatile("mov %%cs, %0" : "=r"(entry_state.cs));
	asm volatile("mov %%ss, %0" : "=r"(entry_state.ss));
	asm volatile("pushf; pop %0" : "=r"(entry_state.flags));
	entry_state.upcall_mask = this_vcpu()->evtchn_upcall_mask;
}

/* A fault before trap_init() ends the domain; events come after the last line only. */
static void setup(void)
{
	map_shared_info();
	note_entry_state();
	evtchn_init();
	trap_init();
	xen_setup_features();
	mmu_init();
	gdt_init();
	process_init();
	time_init();
	xen_irq_enable();
}

/*
 * Entered by a jump: it cannot return, and the stack does not have the alignment that
 * the compiler expects after a call.
 */
__attribute__((force_align_arg_pointer)) _Noreturn void xen_start_kernel(void)
{
	xen_domain_type = XEN_PV_DOMAIN;
	xen_initial_domain = xen_start_info->flags & SIF_INITDOMAIN;
	if (!xen_initial_domain)
		xen_console_use_ring(pfn_to_virt(mfn_to_pfn(xen_start_info->console.domU.mfn)),
				     xen_start_info->console.domU.evtchn);
	setup();
	printk("%s: %lu pages, flags 0x%x, command line \"%s\"\n", xen_start_info->magic,
	       xen_start_info->nr_pages, xen_start_info->flags,
	       (const char *)xen_start_info->cmd_line);
	report_result(run_checks());
}
