/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks of mappings: Xen's first page tables are kept and extended, entries are
 * changed, and the processor uses the new entries.
 */
#include "../hypercall.h"
#include "area.h"
#include "check.h"

static void m2p_inverts_p2m(void)
{
	for (unsigned long pfn = 0; pfn < xen_start_info->nr_pages; pfn++)
		EXPECT_EQUAL(mfn_to_pfn(pfn_to_mfn(pfn)), pfn);
}

static void boot_tables_read_only(void)
{
	for (unsigned long i = 0; i < xen_start_info->nr_pt_frames; i++)
		EXPECT_EQUAL(entry_of((char *)top_table() + i * PAGE_SIZE) & _PAGE_RW, 0);
}

static void memory_mapped(void)
{
	for (unsigned long pfn = 0; pfn < xen_start_info->nr_pages && pfn < MAX_MAPPED_PAGES; pfn++)
		if (pfn_to_virt(pfn) != HYPERVISOR_shared_info) {
			EXPECT(lookup_address(pfn_to_virt(pfn), 1));
			EXPECT_EQUAL(pte_mfn(entry_of(pfn_to_virt(pfn))), pfn_to_mfn(pfn));
		}
}

static void existing_mapping_left_alone(void)
{
	unsigned long pfn = virt_to_pfn((const void *)first);

	make_readonly((const void *)first);
	map_memory(pfn, pfn + 1);
	uint64_t entry = entry_of(first);

	make_readwrite((const void *)first);
	EXPECT_EQUAL(entry & _PAGE_RW, 0);
}

static void missing_mapping_inserted(void)
{
	unsigned long pfn = virt_to_pfn((const void *)first);

	map_page((const void *)first, 0);
	map_memory(pfn, pfn + 1);
	EXPECT_EQUAL(try_store(first).vector, NO_FAULT);
}

static void unmapped_address_faults(void)
{
	struct fault fault = try_read(AREA);

	EXPECT_EQUAL(fault.vector, X86_TRAP_PF);
	EXPECT_EQUAL(fault.error_code, 0);
	EXPECT_EQUAL(fault.address, (unsigned long)AREA);
}

static void new_tables_map_memory(void)
{
	open_area();
	unsigned long seen = AREA[0];

	AREA[0] = 0x3333;
	close_area();
	EXPECT_EQUAL(seen, FIRST);
	EXPECT_EQUAL(first[0], 0x3333);
	EXPECT_EQUAL(try_read(AREA).vector, X86_TRAP_PF);
}

static void mapping_changes_at_once(void)
{
	open_area();
	unsigned long before = AREA[0];
	long status = map_page((const void *)AREA, pte_of(second));
	unsigned long after = AREA[0];

	close_area();
	EXPECT_EQUAL(status, 0);
	EXPECT_EQUAL(before, FIRST);
	EXPECT_EQUAL(after, SECOND);
}

static void processor_marks_use(void)
{
	open_area();
	map_page((const void *)AREA, pte_of(first) & ~(_PAGE_ACCESSED | _PAGE_DIRTY));
	uint64_t unused = entry_of(AREA);

	AREA[0];
	uint64_t used = entry_of(AREA);

	AREA[0] = 1;
	uint64_t written = entry_of(AREA);

	close_area();
	EXPECT_EQUAL(unused & (_PAGE_ACCESSED | _PAGE_DIRTY), 0);
	EXPECT_EQUAL(used & (_PAGE_ACCESSED | _PAGE_DIRTY), _PAGE_ACCESSED);
	EXPECT_EQUAL(written & (_PAGE_ACCESSED | _PAGE_DIRTY), _PAGE_ACCESSED | _PAGE_DIRTY);
}

/* Xen does not read the third update. */
static void updates_stop_at_a_refused_one(void)
{
	unsigned int done = 99;

	open_area();
	uint64_t *entry = entry_at(AREA);
	const struct mmu_update updates[] = {
		{virt_to_machine(entry + 1), pte_of(first)},
		{virt_to_machine(entry + 2), pte_of(top_table())},
		{virt_to_machine(entry + 3), pte_of(first)},
	};
	long status = HYPERVISOR_mmu_update(updates, 3, &done, DOMID_SELF);
	uint64_t seen[] = {entry[1], entry[2], entry[3]};

	close_area();
	EXPECT(status < 0);
	EXPECT_EQUAL(done, 1);
	EXPECT_EQUAL(pte_mfn(seen[0]), virt_to_mfn((const void *)first));
	EXPECT_EQUAL(seen[1] | seen[2], 0);
}

static void preserve_ad_keeps_use(void)
{
	open_area();
	AREA[0] = 1;
	struct mmu_update update = {
		.ptr = virt_to_machine(entry_at(AREA)) |
		       MMU_PT_UPDATE_PRESERVE_AD,
		.val = pte_of(first) & ~(_PAGE_ACCESSED | _PAGE_DIRTY),
	};
	long status = HYPERVISOR_mmu_update(&update, 1, NULL, DOMID_SELF);
	uint64_t entry = entry_of(AREA);

	close_area();
	EXPECT_EQUAL(status, 0);
	EXPECT_EQUAL(entry & _PAGE_DIRTY, _PAGE_DIRTY);
}

static void read_only_honoured(void)
{
	make_readonly((const void *)first);
	struct fault fault = try_store(first);

	make_readwrite((const void *)first);
	EXPECT_EQUAL(fault.vector, X86_TRAP_PF);
	EXPECT_EQUAL(fault.error_code, X86_PF_PROT | X86_PF_WRITE);
	EXPECT_EQUAL(fault.address, (unsigned long)first);
}

static void no_execute_honoured(void)
{
	*(volatile unsigned char *)first = 0xc3; /* ret */
	struct fault allowed = TRY_CALL(first);

	map_page((const void *)first, pte_of(first) | _PAGE_NX);
	struct fault refused = TRY_CALL(first);

	map_page((const void *)first, pte_of(first));
	EXPECT_EQUAL(allowed.vector, NO_FAULT);
	EXPECT_EQUAL(refused.vector, X86_TRAP_PF);
	EXPECT_EQUAL(refused.error_code, X86_PF_PROT | X86_PF_INSTR);
	EXPECT_EQUAL(refused.address, (unsigned long)first);
}

static const struct check checks[] = {
	{"m2p_inverts_p2m", m2p_inverts_p2m},
	{"boot_tables_read_only", boot_tables_read_only},
	{"memory_mapped", memory_mapped},
	{"existing_mapping_left_alone", existing_mapping_left_alone},
	{"missing_mapping_inserted", missing_mapping_inserted},
	{"unmapped_address_faults", unmapped_address_faults},
	{"new_tables_map_memory", new_tables_map_memory},
	{"mapping_changes_at_once", mapping_changes_at_once},
	{"processor_marks_use", processor_marks_use},
	{"updates_stop_at_a_refused_one", updates_stop_at_a_refused_one},
	{"preserve_ad_keeps_use", preserve_ad_keeps_use},
	{"read_only_honoured", read_only_honoured},
	{"no_execute_honoured", no_execute_honoured},
};

const struct checks mapping_checks = CHECKS(checks);
