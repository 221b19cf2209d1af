/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Segmentation: the guest's own descriptor table, one for each CPU.
 *
 * The processor's GDT decides who runs in which ring, so Xen must have checked
 * every entry: a guest fills pages with descriptors, gives up its right to
 * write them, and names their frames.  From then on an entry is changed by
 * HYPERVISOR_update_descriptor only.  The last entries of the table are Xen's
 * (from FIRST_RESERVED_GDT_ENTRY), and among them are flat segments for kernel
 * and user that every guest may use, so this kernel needs none of its own to
 * run.
 *
 * When a guest is scheduled, Xen loads the segment registers that it had.  If a
 * descriptor has gone meanwhile, Xen loads a null selector instead and says so
 * by the failsafe callback.
 */
#include "hypercall.h"
#include "layout.h"
#include "page.h"
#include "ptrace.h"
#include "xen-ops.h"

uint64_t gdt[NR_CPUS][GDT_ENTRIES] __attribute__((aligned(PAGE_SIZE))) = {
	[0 ... NR_CPUS - 1] = {
		[GDT_ENTRY_DATA] = GDT_DATA,
		[GDT_ENTRY_CODE] = GDT_CODE,
	},
};

long load_gdt(const void *table, unsigned int entries)
{
	unsigned long frame = virt_to_mfn(table);

	return HYPERVISOR_set_gdt(&frame, entries);
}

/* In the table of the CPU that calls. */
long write_gdt_entry(unsigned int index, uint64_t descriptor)
{
	const uint64_t *entry = &gdt[smp_processor_id()][index];

	return HYPERVISOR_update_descriptor(virt_to_machine(entry), descriptor);
}

unsigned long failsafe_selectors[4];
volatile unsigned int failsafe_callbacks;

static bool handle_failsafe(struct pt_regs *regs)
{
	(void)regs;
	failsafe_callbacks++;
	return true;
}

void gdt_init(void)
{
	set_trap_handler(VECTOR_FAILSAFE, handle_failsafe);
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		make_readonly(gdt[cpu]);
	if (load_gdt(gdt[0], GDT_ENTRIES) != 0)
		panic("set_gdt refused");
}
