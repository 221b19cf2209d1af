/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Privileged instructions, and their replacements in a PV kernel.
 *
 * The kernel runs in ring 3 (or 1), so each of them faults into Xen.  Xen emulates
 * some (mov to and from control registers, rdmsr and wrmsr of some registers, clts,
 * port I/O with the I/O privilege level), and delivers the fault of the others to
 * the kernel (invlpg, lgdt, hlt, cli ...).  A hypercall does the same at lower cost,
 * or does what the instruction cannot.  cpuid does not fault in any ring, unless the
 * processor supports CPUID faulting: the kernel must call Xen for it.
 */
#include "hypercall.h"
#include "xen-ops.h"

uint32_t xen_features;

/* Reads the features that Xen offers to, and requires of, this type of guest. */
void xen_setup_features(void)
{
	struct xen_feature_info info = {.submap_idx = 0};

	if (HYPERVISOR_xen_version(XENVER_get_features, &info) != 0)
		panic("Xen does not report its features");
	xen_features = info.submap;
}

/* Xen emulates cpuid after this prefix: an invalid instruction and "xen". */
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

/* Sets or clears TS of %cr0: the next use of the FPU traps, once. */
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

/* MMUEXT_SET_LDT; the pages of the table must be read-only, like those of the GDT. */
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
 * Sets the virtual I/O privilege level: at 1 Xen emulates the kernel's port I/O on
 * the ports that the domain may use.
 */
bool xen_set_iopl(unsigned int level)
{
	struct physdev_set_iopl set_iopl = {.iopl = level};

	return HYPERVISOR_physdev_op(PHYSDEVOP_set_iopl, &set_iopl) == 0;
}
