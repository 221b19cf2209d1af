/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Page tables of a PV guest.
 *
 * The processor uses them directly: an entry has a machine frame number, not a
 * pseudo-physical one.  The table p2m, in the guest's memory, translates the latter
 * to the former; m2p, which Xen maps for every guest, translates back.
 *
 * Xen checks every entry, so that a guest cannot map memory of others, and no table
 * may be writable: a page has one of the types "writable", "L1 table", "L2 table" ...,
 * with a reference count, never two types at once.  A new table is filled while it is
 * ordinary memory, made read-only, and linked into another table or pinned; then Xen
 * checks all of its entries and sets its type.  From then on entries are changed by
 * hypercall.
 *
 * Xen's domain builder has made the first tables, which map the image and some memory
 * after it.  This code keeps and extends them.
 */
#include "hypercall.h"
#include "layout.h"
#include "page.h"
#include "xen-ops.h"

#define MFN_MASK 0x000ffffffffff000ull
#define TABLE_ENTRIES 512

static unsigned long next_free_pfn;

unsigned long pte_mfn(uint64_t entry)
{
	return (entry & MFN_MASK) / PAGE_SIZE;
}

uint64_t mfn_pte(unsigned long mfn, uint64_t flags)
{
	return (uint64_t)mfn * PAGE_SIZE | flags;
}

/*
 * Returns the entry for an address in the table of a level, 1 for L1; NULL if there
 * is no such table.  The tables must be mapped, as those of the image and of
 * insert_table are.
 */
uint64_t *lookup_address(const void *address, unsigned int level)
{
	uint64_t *table = (uint64_t *)xen_start_info->pt_base;

	for (unsigned int at = PAGETABLE_LEVELS;; at--) {
		uint64_t *entry = &table[(unsigned long)address >> (12 + 9 * (at - 1)) &
					 (TABLE_ENTRIES - 1)];
		if (at == level)
			return entry;
		if (!(*(volatile uint64_t *)entry & _PAGE_PRESENT))
			return NULL;
		table = pfn_to_virt(mfn_to_pfn(pte_mfn(*entry)));
	}
}

/* Changes an entry of a table of any level; negative if Xen refuses. */
long write_pte(const uint64_t *entry, uint64_t value)
{
	struct mmu_update update = {
		.ptr = virt_to_machine(entry) | MMU_NORMAL_PT_UPDATE,
		.val = value,
	};

	return HYPERVISOR_mmu_update(&update, 1, NULL, DOMID_SELF);
}

/* Changes the L1 entry of an address and flushes it from the TLB, in one hypercall. */
long map_page(const void *address, uint64_t entry)
{
	return HYPERVISOR_update_va_mapping((unsigned long)address, entry, UVMF_INVLPG);
}

static long set_protection(const void *address, uint64_t flags)
{
	uint64_t *entry = lookup_address(address, 1);

	if (!entry || !(*entry & _PAGE_PRESENT))
		panic("%p is not mapped", address);
	return map_page(address, (*entry & ~_PAGE_RW) | flags);
}

void make_readonly(const void *page)
{
	if (set_protection(page, 0) != 0)
		panic("%p cannot be made read-only", page);
}

/* Maps a page writable; Xen refuses while it is a page table. */
long make_readwrite(const void *page)
{
	return set_protection(page, _PAGE_RW);
}

static long mmuext(unsigned int cmd, const void *page)
{
	struct mmuext_op operation = {.cmd = cmd, .arg1.mfn = virt_to_mfn(page)};

	return HYPERVISOR_mmuext_op(&operation, 1, NULL, DOMID_SELF);
}

/* Pins a read-only page as a table, which Xen checks, until it is unpinned. */
long pin_table(const void *page, unsigned int level)
{
	return mmuext(MMUEXT_PIN_L1_TABLE + level - 1, page);
}

long unpin_table(const void *page)
{
	return mmuext(MMUEXT_UNPIN_TABLE, page);
}

/* Sets the top table of kernel mode, which is pinned, or (64-bit) that of user mode. */
long xen_write_cr3(const void *page)
{
	return mmuext(MMUEXT_NEW_BASEPTR, page);
}

long xen_write_user_cr3(const void *page)
{
	return mmuext(MMUEXT_NEW_USER_BASEPTR, page);
}

static bool holds_p2m(unsigned long pfn)
{
	return pfn - xen_start_info->first_p2m_pfn < xen_start_info->nr_p2m_frames;
}

/* Returns a cleared page of memory, which is never freed. */
void *alloc_page(void)
{
	while (holds_p2m(next_free_pfn))
		next_free_pfn++;

	void *page = pfn_to_virt(next_free_pfn++);
	uint64_t *entry = lookup_address(page, 1);

	if (!entry || !(*entry & _PAGE_PRESENT))
		panic("no more memory is mapped");
	memset(page, 0, PAGE_SIZE);
	return page;
}

/* Links a page as the table of the next lower level for address, if there is none. */
void insert_table(const void *address, unsigned int level, const void *page)
{
	make_readonly(page);
	if (write_pte(lookup_address(address, level), mfn_pte(virt_to_mfn(page), PTE_TABLE)) != 0)
		panic("a table for %p refused", address);
}

/* The p2m area may contain page tables, which must not be mapped writable. */
static uint64_t memory_pte(unsigned long pfn)
{
	return mfn_pte(pfn_to_mfn(pfn), holds_p2m(pfn) ? PTE_KERNEL & ~_PAGE_RW : PTE_KERNEL);
}

/* Maps the frames of one L1 table: in a new table, or those missing in the existing one. */
void map_memory(unsigned long pfn, unsigned long end)
{
	const void *address = pfn_to_virt(pfn);

	if (*lookup_address(address, 2) & _PAGE_PRESENT) {
		uint64_t *entry = lookup_address(address, 1);

		for (; pfn < end; pfn++, entry++)
			if (!(*entry & _PAGE_PRESENT) && write_pte(entry, memory_pte(pfn)) != 0)
				panic("page frame %lu cannot be mapped", pfn);
		return;
	}
	uint64_t *table = alloc_page();

	for (unsigned int i = 0; pfn < end; pfn++, i++)
		table[i] = memory_pte(pfn);
	insert_table(address, 2, table);
}

/* Maps the domain's memory from VIRT_BASE on, as far as there is room. */
void mmu_init(void)
{
	unsigned long end = xen_start_info->nr_pages;

	/* After the tables is Xen's boot stack, which is not used any more. */
	next_free_pfn = virt_to_pfn((void *)xen_start_info->pt_base) +
			xen_start_info->nr_pt_frames + 1;
	if (end > MAX_MAPPED_PAGES)
		end = MAX_MAPPED_PAGES;
	for (unsigned long pfn = 0; pfn < end; pfn += TABLE_ENTRIES)
		map_memory(pfn, end - pfn < TABLE_ENTRIES ? end : pfn + TABLE_ENTRIES);
}
