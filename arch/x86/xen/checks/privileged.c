/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks of privileged instructions: those that Xen emulates, those that fault, and
 * the hypercalls that replace them.
 */
#include "../hypercall.h"
#include "area.h"
#include "check.h"

#define MSR_EFER 0xc0000080
#define MSR_GS_BASE 0xc0000101
#define EFER_NXE 0x800
#define CR0_PE_PG 0x80000001
#define CR0_WP 0x10000
#define CR4_PAE 0x20

static struct fault try_fpu(void)
{
	return TRY("fnop", : : : "memory");
}

static struct fault try_write_cr0(unsigned long value)
{
	return TRY("mov %0, %%cr0", : : "r"(value) : "memory");
}

static struct fault try_write_cr3(unsigned long value)
{
	return TRY("mov %0, %%cr3", : : "r"(value) : "memory");
}

/* Xen returns its signature "XenVMMXenVMM" for this leaf. */
static void cpuid_with_prefix_sees_xen(void)
{
	struct cpuid leaf = xen_cpuid(XEN_CPUID_FIRST_LEAF);

	EXPECT_EQUAL(leaf.ebx, 0x566e6558);
	EXPECT_EQUAL(leaf.ecx, 0x65584d4d);
	EXPECT_EQUAL(leaf.edx, 0x4d4d566e);
}

static void cr0_can_be_read(void)
{
	EXPECT_EQUAL(read_cr0() & CR0_PE_PG, CR0_PE_PG);
}

/* Xen clears the flag when it delivers the trap. */
static void fpu_traps_once_after_taskswitch(void)
{
	xen_set_ts(true);
	unsigned long cr0 = read_cr0();
	struct fault fault = try_fpu(), again = try_fpu();

	EXPECT_EQUAL(cr0 & X86_CR0_TS, X86_CR0_TS);
	EXPECT_EQUAL(fault.vector, X86_TRAP_NM);
	EXPECT_EQUAL(again.vector, NO_FAULT);
}

static void taskswitch_can_be_taken_back(void)
{
	xen_set_ts(true);
	xen_set_ts(false);
	EXPECT_EQUAL(try_fpu().vector, NO_FAULT);
}

static void clts_is_emulated(void)
{
	xen_set_ts(true);
	struct fault clts = TRY("clts", : : : "memory");

	EXPECT_EQUAL(clts.vector, NO_FAULT);
	EXPECT_EQUAL(try_fpu().vector, NO_FAULT);
}

static void write_to_cr0_is_emulated(void)
{
	EXPECT_EQUAL(try_write_cr0(read_cr0() | X86_CR0_TS).vector, NO_FAULT);
	EXPECT_EQUAL(try_fpu().vector, X86_TRAP_NM);
}

static void other_bits_of_cr0_are_refused(void)
{
	EXPECT_EQUAL(try_write_cr0(read_cr0() ^ CR0_WP).vector, X86_TRAP_GP);
}

static void cr2_is_in_the_shared_page(void)
{
	struct fault fault = TRY("mov %0, %%cr2", : : "r"(0x12345678ul) : "memory");

	EXPECT_EQUAL(fault.vector, NO_FAULT);
	EXPECT_EQUAL(this_vcpu()->arch.cr2, 0x12345678);
}

static void cr3_is_the_top_table(void)
{
	EXPECT_EQUAL(read_cr3(), xen_pfn_to_cr3(virt_to_mfn(top_table())));
}

/* The emulated write to %cr3 flushes the TLB, too. */
static void write_to_cr3_is_emulated(void)
{
	open_area();
	AREA[0];
	write_pte(entry_at(AREA), pte_of(second));
	struct fault fault = try_write_cr3(read_cr3());
	unsigned long seen = AREA[0];

	close_area();
	EXPECT_EQUAL(fault.vector, NO_FAULT);
	EXPECT_EQUAL(seen, SECOND);
}

static void writable_page_as_cr3_is_refused(void)
{
	unsigned long before = read_cr3();

	unsigned long cr3 = xen_pfn_to_cr3(virt_to_mfn((const void *)first));

	EXPECT_EQUAL(try_write_cr3(cr3).vector, X86_TRAP_GP);
	EXPECT_EQUAL(read_cr3(), before);
}

static void cr4_can_be_read(void)
{
	EXPECT_EQUAL(read_cr4() & CR4_PAE, CR4_PAE);
}

static void rdmsr_is_emulated(void)
{
	uint32_t low = 0, high = 0;
	struct fault fault = TRY("rdmsr", : "=a"(low), "=d"(high) : "c"(MSR_EFER) : "memory");

	EXPECT_EQUAL(fault.vector, NO_FAULT);
	EXPECT_EQUAL(low & EFER_NXE, EFER_NXE);
}

#ifdef CONFIG_X86_64
static unsigned long read_gs(void)
{
	unsigned long value;

	asm volatile("mov %%gs:0, %0" : "=r"(value) : : "memory");
	return value;
}

static void wrmsr_moves_gs_base(void)
{
	unsigned long base = (unsigned long)first;

	first[0] = FIRST;
	struct fault fault = TRY("wrmsr", : : "a"((uint32_t)base), "d"((uint32_t)(base >> 32)),
				 "c"(MSR_GS_BASE) : "memory");
	unsigned long seen = read_gs();

	HYPERVISOR_set_segment_base(SEGBASE_GS_KERNEL, (unsigned long)&irq_stack_union);
	EXPECT_EQUAL(fault.vector, NO_FAULT);
	EXPECT_EQUAL(seen, FIRST);
}

static void set_segment_base_moves_fs_and_gs(void)
{
	unsigned long fs;

	first[0] = FIRST;
	second[0] = SECOND;
	HYPERVISOR_set_segment_base(SEGBASE_GS_KERNEL, (unsigned long)first);
	unsigned long gs = read_gs();

	HYPERVISOR_set_segment_base(SEGBASE_GS_KERNEL, (unsigned long)&irq_stack_union);
	HYPERVISOR_set_segment_base(SEGBASE_FS, (unsigned long)second);
	asm volatile("mov %%fs:0, %0" : "=r"(fs) : : "memory");
	HYPERVISOR_set_segment_base(SEGBASE_FS, 0);
	EXPECT_EQUAL(gs, FIRST);
	EXPECT_EQUAL(fs, SECOND);
}
#endif

static void invlpg_faults(void)
{
	EXPECT_EQUAL(TRY("invlpg (%0)", : : "r"(first) : "memory").vector, X86_TRAP_GP);
}

static void hlt_faults(void)
{
	EXPECT_EQUAL(TRY("hlt", : : : "memory").vector, X86_TRAP_GP);
}

static void lgdt_faults(void)
{
	EXPECT_EQUAL(TRY("lgdt (%0)", : : "r"(second) : "memory").vector, X86_TRAP_GP);
}

/* Port 0x80, where a PC's firmware writes progress codes, is harmless. */
static struct fault try_port(void)
{
	return TRY("outb %%al, $0x80", : : "a"(0) : "memory");
}

static void ports_need_iopl(void)
{
	struct fault before = try_port();

	EXPECT(xen_set_iopl(1));
	struct fault with = try_port();

	EXPECT(xen_set_iopl(0));
	EXPECT_EQUAL(before.vector, X86_TRAP_GP);
	EXPECT_EQUAL(with.vector, NO_FAULT);
	EXPECT_EQUAL(try_port().vector, X86_TRAP_GP);
}

/* Changes an entry whose old value is in the TLB, flushes, and returns what is read there. */
static unsigned long seen_after(void (*flush)(void))
{
	open_area();
	AREA[0];
	write_pte(entry_at(AREA), pte_of(second));
	flush();
	unsigned long seen = AREA[0];

	close_area();
	return seen;
}

static void invlpg(void)
{
	xen_flush_tlb_single((const void *)AREA);
}

static void invlpg_all(void)
{
	xen_flush_tlb_single_all((const void *)AREA);
}

static void tlb_flush_by_mmuext(void)
{
	EXPECT_EQUAL(seen_after(xen_flush_tlb), SECOND);
}

static void tlb_flush_all_by_mmuext(void)
{
	EXPECT_EQUAL(seen_after(xen_flush_tlb_all), SECOND);
}

static void invlpg_by_mmuext(void)
{
	EXPECT_EQUAL(seen_after(invlpg), SECOND);
}

static void invlpg_all_by_mmuext(void)
{
	EXPECT_EQUAL(seen_after(invlpg_all), SECOND);
}

static void debug_register_keeps_its_value(void)
{
	EXPECT_EQUAL(HYPERVISOR_set_debugreg(1, (unsigned long)second), 0);
	EXPECT_EQUAL(HYPERVISOR_get_debugreg(1), (unsigned long)second);
	HYPERVISOR_set_debugreg(1, 0);
}

#ifdef CONFIG_X86_64
/* Xen refuses a breakpoint at its own addresses. */
static void debug_register_refuses_xen(void)
{
	EXPECT(HYPERVISOR_set_debugreg(0, __MACH2PHYS_VIRT_START) < 0);
}
#endif

static const struct check checks[] = {
	{"cpuid_with_prefix_sees_xen", cpuid_with_prefix_sees_xen},
	{"cr0_can_be_read", cr0_can_be_read},
	{"fpu_traps_once_after_taskswitch", fpu_traps_once_after_taskswitch},
	{"taskswitch_can_be_taken_back", taskswitch_can_be_taken_back},
	{"clts_is_emulated", clts_is_emulated},
	{"write_to_cr0_is_emulated", write_to_cr0_is_emulated},
	{"other_bits_of_cr0_are_refused", other_bits_of_cr0_are_refused},
	{"cr2_is_in_the_shared_page", cr2_is_in_the_shared_page},
	{"cr3_is_the_top_table", cr3_is_the_top_table},
	{"write_to_cr3_is_emulated", write_to_cr3_is_emulated},
	{"writable_page_as_cr3_is_refused", writable_page_as_cr3_is_refused},
	{"cr4_can_be_read", cr4_can_be_read},
	{"rdmsr_is_emulated", rdmsr_is_emulated},
#ifdef CONFIG_X86_64
	/* In 32-bit the base is in the descriptor. */
	{"wrmsr_moves_gs_base", wrmsr_moves_gs_base},
	{"set_segment_base_moves_fs_and_gs", set_segment_base_moves_fs_and_gs},
#endif
	{"invlpg_faults", invlpg_faults},
	{"hlt_faults", hlt_faults},
	{"lgdt_faults", lgdt_faults},
	{"ports_need_iopl", ports_need_iopl},
	{"tlb_flush_by_mmuext", tlb_flush_by_mmuext},
	{"tlb_flush_all_by_mmuext", tlb_flush_all_by_mmuext},
	{"invlpg_by_mmuext", invlpg_by_mmuext},
	{"invlpg_all_by_mmuext", invlpg_all_by_mmuext},
	{"debug_register_keeps_its_value", debug_register_keeps_its_value},
#ifdef CONFIG_X86_64
	/* Xen refuses no address that a 32-bit guest can name. */
	{"debug_register_refuses_xen", debug_register_refuses_xen},
#endif
};

const struct checks privileged_checks = CHECKS(checks);
