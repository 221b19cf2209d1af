/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks of the start of a PVH guest, with or without Xen: the loader's start info,
 * and the state that the entry code in the head object has set up.
 */
#include <stdint.h>

#include "../hypercall.h"
#include "../io.h"
#include "../pvh.h"
#include "check.h"

#define MSR_EFER 0xc0000080
#define EFER_LONG_MODE_NX 0xd00 /* LME, LMA, NXE */
#define CR0_PE_WP_PG 0x80010001
#define CR4_PAE 0x20

#define PAGE_RW 2ul
#define PAGE_NX (1ul << 63)
#define LARGE_PAGE_SIZE 0x200000

static void start_info_magic(void)
{
	EXPECT_EQUAL(pvh_start_info->magic, XEN_HVM_START_MAGIC_VALUE);
}

static bool holds_image(uint64_t start, uint64_t size, uint32_t type)
{
	return type == XEN_HVM_MEMMAP_TYPE_RAM && start <= virt_to_phys(_text) &&
	       start + size >= virt_to_phys(_end);
}

static unsigned int in_start_info(void)
{
	const struct hvm_memmap_table_entry *map = phys_to_virt(pvh_start_info->memmap_paddr);
	unsigned int holding = 0;

	for (uint32_t i = 0; i < pvh_start_info->memmap_entries; i++)
		holding += holds_image(map[i].addr, map[i].size, map[i].type);
	return holding;
}

static unsigned int in_memory_map(void)
{
	static struct e820entry entries[64];
	struct xen_memory_map map = {.nr_entries = 64, .buffer = entries};
	unsigned int holding = 0;

	if (HYPERCALL(__HYPERVISOR_memory_op, XENMEM_memory_map, &map) != 0)
		return 0;
	for (unsigned int i = 0; i < map.nr_entries; i++)
		holding += holds_image(entries[i].addr, entries[i].size, entries[i].type);
	return holding;
}

/* Version 0, which Xen 4.17 gives to a dom0, has no map: a hypercall returns it. */
static void memory_map_holds_image(void)
{
	if (pvh_start_info->version == 0) {
		EXPECT(xen_cpuid_base);
		EXPECT_EQUAL(in_memory_map(), 1);
	} else {
		EXPECT_EQUAL(in_start_info(), 1);
	}
}

static void gs_base_at_irq_stack_union(void)
{
	volatile unsigned long *first = (volatile unsigned long *)&irq_stack_union;
	unsigned long seen;

	*first = 0x1234567;
	asm volatile("mov %%gs:0, %0" : "=r"(seen) : : "memory");
	*first = 0;
	EXPECT_EQUAL(seen, 0x1234567);
}

static void long_mode(void)
{
	uint64_t cr0, cr4;
	uint16_t cs;

	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	asm volatile("mov %%cs, %0" : "=r"(cs));
	EXPECT_EQUAL(rdmsr(MSR_EFER) & EFER_LONG_MODE_NX, EFER_LONG_MODE_NX);
	EXPECT_EQUAL(cr0 & CR0_PE_WP_PG, CR0_PE_WP_PG);
	EXPECT_EQUAL(cr4 & CR4_PAE, CR4_PAE);
	EXPECT_EQUAL(cs & 3, 0);
}

/* Reloads %cs: int3 alone would pass with the selector of the old table. */
static void gdt_is_the_images(void)
{
	struct {
		uint16_t limit;
		uint64_t address;
	} __attribute__((packed)) descriptor;
	uint16_t cs;

	asm volatile("sgdt %0" : "=m"(descriptor));
	asm volatile("mov %%cs, %0" : "=r"(cs));
	EXPECT(descriptor.address >= virt_to_phys(_text) && descriptor.address < virt_to_phys(_etext));
	EXPECT(cs <= descriptor.limit);
	asm volatile("pushq %q0\n"
		     "	pushq $1f\n"
		     "	lretq\n"
		     "1:"
		     :
		     : "r"((uint64_t)cs)
		     : "memory");
}

static void cr3_is_the_images(void)
{
	uint64_t cr3;

	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	EXPECT_EQUAL(cr3, virt_to_phys(pvh_page_tables));
}

/* The level 2 entry for an address below 4 GiB; tables 3 to 6 are contiguous. */
static volatile uint64_t *identity_entry(uint64_t address)
{
	return &pvh_page_tables[3][0] + address / LARGE_PAGE_SIZE;
}

static void set_identity_entry(uint64_t address, uint64_t entry)
{
	*identity_entry(address) = entry;
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static volatile unsigned long probe;

/* Both addresses map the same memory. */
static void identity_and_kernel_map_agree(void)
{
	volatile unsigned long *alias = phys_to_virt(virt_to_phys((const void *)&probe));

	probe = 0x1122334455667788;
	EXPECT_EQUAL(*alias, 0x1122334455667788);
	*alias = 7;
	EXPECT_EQUAL(probe, 7);
}

static void identity_map_has_4_gib(void)
{
	for (uint64_t address = 0; address < 1ull << 32; address += LARGE_PAGE_SIZE)
		EXPECT_EQUAL(*identity_entry(address) & ~0x60ul, address | 0x83);
}

static void write(volatile void *address)
{
	*(volatile unsigned long *)address = 1;
}

static void read_only_page_is_protected(void)
{
	uint64_t alias = virt_to_phys((const void *)&probe);
	uint64_t entry = *identity_entry(alias);
	struct page_fault fault;

	set_identity_entry(alias, entry & ~PAGE_RW);
	bool faulted = pvh_faults(write, phys_to_virt(alias), &fault);
	set_identity_entry(alias, entry);
	EXPECT(faulted);
	EXPECT_EQUAL(fault.error, 3);
	EXPECT_EQUAL(fault.address, alias);
	EXPECT(!pvh_faults(write, phys_to_virt(alias), &fault));
}

static void nothing(volatile void *argument)
{
	(void)argument;
}

static void no_execute_page_is_not_executed(void)
{
	uint64_t alias = virt_to_phys((const void *)nothing);
	void (*function)(volatile void *) = (void (*)(volatile void *))phys_to_virt(alias);
	uint64_t entry = *identity_entry(alias);
	struct page_fault fault;

	set_identity_entry(alias, entry | PAGE_NX);
	bool faulted = pvh_faults(function, NULL, &fault);
	set_identity_entry(alias, entry);
	EXPECT(faulted);
	EXPECT_EQUAL(fault.error, 0x11);
	EXPECT_EQUAL(fault.address, alias);
	EXPECT(!pvh_faults(function, NULL, &fault));
}

static void breakpoint_comes_back(void)
{
	unsigned int before = pvh_breakpoints;

	asm volatile("int3" : : : "memory");
	EXPECT_EQUAL(pvh_breakpoints, before + 1);
}

static const struct check table[] = {
	{"pvh_start_info_magic", start_info_magic},
	{"pvh_memory_map_holds_image", memory_map_holds_image},
	{"pvh_bss_cleared", bss_cleared},
	{"pvh_stack_in_init_thread_union", stack_in_init_thread_union},
	{"pvh_gs_base_at_irq_stack_union", gs_base_at_irq_stack_union},
	{"pvh_long_mode", long_mode},
	{"pvh_gdt_is_the_images", gdt_is_the_images},
	{"pvh_cr3_is_the_images", cr3_is_the_images},
	{"pvh_identity_map_has_4_gib", identity_map_has_4_gib},
	{"pvh_identity_and_kernel_map_agree", identity_and_kernel_map_agree},
	{"pvh_read_only_page_is_protected", read_only_page_is_protected},
	{"pvh_no_execute_page_is_not_executed", no_execute_page_is_not_executed},
	{"pvh_breakpoint_comes_back", breakpoint_comes_back},
};

const struct checks pvh_start_checks = CHECKS(table);
