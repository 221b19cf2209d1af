/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Segmentation: the guest's descriptor tables, one for each vCPU.
 *
 * The processor's GDT determines the ring of code, so Xen must check every entry: a
 * guest fills pages with descriptors, makes them read-only, and passes their frames
 * to Xen.  From then on only HYPERVISOR_update_descriptor changes an entry.  The last
 * entries, from FIRST_RESERVED_GDT_ENTRY on, are Xen's.  Among them are flat segments
 * for kernel and user that every guest may use, so this kernel runs without a table
 * of its own.
 *
 * When Xen schedules a guest, it loads the guest's segment registers.  If a
 * descriptor was removed meanwhile, Xen loads a null selector and enters the guest at
 * the failsafe callback.
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

/* Changes an entry in the table of the calling vCPU. */
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
