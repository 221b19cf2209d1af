/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Privileged instructions, and what a PV kernel does instead.
 *
 * The kernel runs in ring 3 (or 1), so each of them faults into Xen, which
 * either does what was meant (mov to and from control registers, rdmsr and
 * wrmsr of some registers, clts, port I/O with the privilege for it), or passes
 * the fault on (invlpg, lgdt, hlt, cli ...).  A hypercall does the same for
 * less, or does what the instruction cannot.  cpuid faults in no ring: unless
 * the processor can be told to, the kernel must ask Xen itself.
 */
#include "hypercall.h"
#include "xen-ops.h"

uint32_t xen_features;

/* What Xen offers and demands of this kind of guest. */
void xen_setup_features(void)
{
	struct xen_feature_info info = {.submap_idx = 0};

	if (HYPERVISOR_xen_version(XENVER_get_features, &info) != 0)
		panic("Xen tells no features");
	xen_features = info.submap;
}

/* The prefix is an invalid instruction with "xen" behind it, which Xen looks for. */
struct cpuid xen_cpuid(uint32_t leaf)
{
	struct cpuid result;

	asm volatile("ud2; .ascii \"xen\"; cpuid"
		     : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
		     : "0"(leaf), "2"(0));
	return result;
}

unsigned long read_cr0(void)
{
	unsigned long value;

	asm volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

unsigned long read_cr3(void)
{
	unsigned long value;

	asm volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

unsigned long read_cr4(void)
{
	unsigned long value;

	asm volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

/* The task-switched flag of %cr0: the next use of the FPU traps, once. */
void xen_set_ts(bool set)
{
	if (HYPERVISOR_fpu_taskswitch(set) != 0)
		panic("fpu_taskswitch refused");
}

static void flush(unsigned int cmd, unsigned long address)
{
	struct mmuext_op operation = {.cmd = cmd, .arg1.linear_addr = address};

	if (HYPERVISOR_mmuext_op(&operation, 1, NULL, DOMID_SELF) != 0)
		panic("TLB flush %u refused", cmd);
}

void xen_flush_tlb(void)
{
	flush(MMUEXT_TLB_FLUSH_LOCAL, 0);
}

void xen_flush_tlb_all(void)
{
	flush(MMUEXT_TLB_FLUSH_ALL, 0);
}

void xen_flush_tlb_single(const void *address)
{
	flush(MMUEXT_INVLPG_LOCAL, (unsigned long)address);
}

void xen_flush_tlb_single_all(const void *address)
{
	flush(MMUEXT_INVLPG_ALL, (unsigned long)address);
}

/* MMUEXT_SET_LDT: the table's pages must be read-only, as the GDT's. */
long xen_set_ldt(const void *table, unsigned int entries)
{
	struct mmuext_op operation = {
		.cmd = MMUEXT_SET_LDT,
		.arg1.linear_addr = (unsigned long)table,
		.arg2.nr_ents = entries,
	};

	return HYPERVISOR_mmuext_op(&operation, 1, NULL, DOMID_SELF);
}

/*
 * The virtual I/O privilege level: at 1 Xen carries out the kernel's port I/O,
 * on the ports that the domain has.
 */
bool xen_set_iopl(unsigned int level)
{
	struct physdev_set_iopl set_iopl = {.iopl = level};

	return HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &set_iopl) == 0;
}
