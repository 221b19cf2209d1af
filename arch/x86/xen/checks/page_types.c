/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Pagetable setup, what Xen allows: a page is a table or writable, never both.
 */
#include "../hypercall.h"
#include "area.h"
#include "check.h"

#define PTE_AVAILABLE 0x200 /* a bit that means nothing to the processor */

static uint64_t l4[ENTRIES] PAGE, l1[ENTRIES] PAGE;

static void store_to_l4_faults(void)
{
	struct fault fault = try_store(top_table());

	EXPECT_EQUAL(fault.vector, X86_TRAP_PF);
	EXPECT_EQUAL(fault.error_code, X86_PF_PROT | X86_PF_WRITE);
	EXPECT_EQUAL(fault.address, (unsigned long)top_table());
}

/* Emulated for dom0 in any case. */
static void store_to_l1_needs_assist(void)
{
	uint64_t *entry = entry_at(first), value = *entry ^ PTE_AVAILABLE;

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

/* Some page of Xen's own: what its part of the top table points to. */
static void xens_memory_refused(void)
{
	uint64_t entry = 0;

	for (unsigned int slot = 260; slot < 272 && !(entry & _PAGE_PRESENT); slot++)
		entry = top_table()[slot];
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

static void copied_l4_becomes_cr3(void)
{
	unsigned long before = read_cr3();

	memcpy(l4, top_table(), PAGE_SIZE);
	memset(&l4[256], 0, 16 * sizeof(l4[0])); /* Xen's part, which Xen fills in */
	make_readonly(l4);
	EXPECT_EQUAL(pin_table(l4, 4), 0);
	EXPECT_EQUAL(xen_write_cr3(l4), 0);
	unsigned long now = read_cr3();

	EXPECT_EQUAL(xen_write_cr3(top_table()), 0);
	EXPECT_EQUAL(unpin_table(l4), 0);
	EXPECT_EQUAL(make_readwrite(l4), 0);
	EXPECT_EQUAL(now, virt_to_machine(l4));
	EXPECT_EQUAL(read_cr3(), before);
}

static const struct check checks[] = {
	{"store_to_l4_faults", store_to_l4_faults},
	{"store_to_l1_needs_assist", store_to_l1_needs_assist},
	{"writable_mapping_of_table_refused", writable_mapping_of_table_refused},
	{"writable_page_as_table_refused", writable_page_as_table_refused},
	{"xens_memory_refused", xens_memory_refused},
	{"pinned_page_stays_a_table", pinned_page_stays_a_table},
	{"unpinned_page_is_memory_again", unpinned_page_is_memory_again},
	{"copied_l4_becomes_cr3", copied_l4_becomes_cr3},
};

const struct checks page_type_checks = CHECKS(checks);
