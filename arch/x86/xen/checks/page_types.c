/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks of page types: for Xen a page is a page table or writable, never both.
 */
#include "../hypercall.h"
#include "area.h"
#include "check.h"

#define PTE_AVAILABLE 0x200 /* a bit that the processor ignores */

static uint64_t l1[ENTRIES] PAGE;

static void store_to_top_table_faults(void)
{
	struct fault fault = try_store(top_table());

	EXPECT_EQUAL(fault.vector, X86_TRAP_PF);
	EXPECT_EQUAL(fault.error_code, X86_PF_PROT | X86_PF_WRITE);
	EXPECT_EQUAL(fault.address, (unsigned long)top_table());
}

/* For dom0 Xen emulates the store in any case. */
static void store_to_l1_needs_assist(void)
{
	unsigned long *entry = (unsigned long *)entry_at(first); /* its lower half, in 32-bit */
	unsigned long value = *entry ^ PTE_AVAILABLE;

	HYPERVISOR_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
	struct fault with = TRY("mov %1, (%0)", : : "r"(entry), "r"(value) : "memory");

	HYPERVISOR_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables);
	struct fault without = try_store(entry);

	EXPECT_EQUAL(with.vector, NO_FAULT);
	EXPECT_EQUAL(*entry, value);
	if (!(xen_start_info->flags & SIF_INITDOMAIN))
		EXPECT_EQUAL(without.vector, X86_TRAP_PF);
}

static void writable_mapping_of_table_refused(void)
{
	EXPECT(make_readwrite(top_table()) < 0);
	EXPECT(make_readwrite(entry_at(first)) < 0);
}

static void writable_page_as_table_refused(void)
{
	memset(l1, 0, PAGE_SIZE);
	EXPECT_EQUAL(pin_table(l1, 1), -XEN_EINVAL);
	EXPECT(write_pte(lookup_address((const void *)AREA, 3),
			 mfn_pte(virt_to_mfn(l1), PTE_TABLE)) < 0);
}

/* The entry of a page of Xen's memory. */
static uint64_t xens_entry(void)
{
#ifdef CONFIG_X86_64
	for (unsigned int slot = 260; slot < 272; slot++)
		if (top_table()[slot] & _PAGE_PRESENT)
			return top_table()[slot];
	return 0;
#else
	return *lookup_address((const void *)__MACH2PHYS_VIRT_START, 2);
#endif
}

static void xens_memory_refused(void)
{
	uint64_t entry = xens_entry();

	EXPECT(entry & _PAGE_PRESENT);
	EXPECT(map_page((const void *)first, mfn_pte(pte_mfn(entry), PTE_KERNEL)) < 0);
}

static void pinned_page_stays_a_table(void)
{
	memset(l1, 0, PAGE_SIZE);
	l1[0] = pte_of(first);
	make_readonly(l1);
	EXPECT_EQUAL(pin_table(l1, 1), 0);
	long writable = make_readwrite(l1);

	EXPECT_EQUAL(unpin_table(l1), 0);
	make_readwrite(l1);
	EXPECT(writable < 0);
}

static void unpinned_page_is_memory_again(void)
{
	make_readonly(l1);
	EXPECT_EQUAL(pin_table(l1, 1), 0);
	EXPECT_EQUAL(unpin_table(l1), 0);
	EXPECT_EQUAL(make_readwrite(l1), 0);
	EXPECT_EQUAL(try_store(l1).vector, NO_FAULT);
}

#ifdef CONFIG_X86_64
static uint64_t top[ENTRIES] PAGE;

static void copy_tables(void)
{
	memcpy(top, top_table(), PAGE_SIZE);
	memset(&top[256], 0, 16 * sizeof(top[0])); /* Xen's part, which Xen fills in */
	make_readonly(top);
}

static void give_tables_back(void)
{
	EXPECT_EQUAL(make_readwrite(top), 0);
}
#else
static uint64_t top[ENTRIES] PAGE, l2[ENTRIES] PAGE;

/* The last L2 table has Xen's entries, so two L3 tables cannot share it. */
static void copy_tables(void)
{
	memcpy(l2, lookup_address((const void *)0xc0000000, 2), PAGE_SIZE);
	make_readonly(l2);
	memcpy(top, top_table(), PAGE_SIZE);
	top[3] = mfn_pte(virt_to_mfn(l2), _PAGE_PRESENT);
	make_readonly(top);
}

static void give_tables_back(void)
{
	EXPECT_EQUAL(make_readwrite(top), 0);
	EXPECT_EQUAL(make_readwrite(l2), 0);
}
#endif

static void copied_tables_become_cr3(void)
{
	unsigned long before = read_cr3();

	copy_tables();
	EXPECT_EQUAL(pin_table(top, PAGETABLE_LEVELS), 0);
	EXPECT_EQUAL(xen_write_cr3(top), 0);
	unsigned long now = read_cr3();

	EXPECT_EQUAL(xen_write_cr3(top_table()), 0);
	EXPECT_EQUAL(unpin_table(top), 0);
	give_tables_back();
	EXPECT_EQUAL(now, xen_pfn_to_cr3(virt_to_mfn(top)));
	EXPECT_EQUAL(read_cr3(), before);
}

static const struct check checks[] = {
	{"store_to_top_table_faults", store_to_top_table_faults},
	{"store_to_l1_needs_assist", store_to_l1_needs_assist},
	{"writable_mapping_of_table_refused", writable_mapping_of_table_refused},
	{"writable_page_as_table_refused", writable_page_as_table_refused},
	{"xens_memory_refused", xens_memory_refused},
	{"pinned_page_stays_a_table", pinned_page_stays_a_table},
	{"unpinned_page_is_memory_again", unpinned_page_is_memory_again},
	{"copied_tables_become_cr3", copied_tables_become_cr3},
};

const struct checks page_type_checks = CHECKS(checks);
