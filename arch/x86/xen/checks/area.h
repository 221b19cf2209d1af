/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Pages and page tables that checks use.
 */
#ifndef AREA_H
#define AREA_H

#include "../fault.h"
#include "../layout.h"
#include "../page.h"
#include "../xen-ops.h"

#define PAGE __attribute__((aligned(PAGE_SIZE)))
#define ENTRIES (PAGE_SIZE / 8) /* of a table */
#define LONGS (PAGE_SIZE / sizeof(long))

/* An address where nothing is mapped, and whose L3 entry is free. */
#ifdef CONFIG_X86_64
#define AREA ((volatile unsigned long *)(VIRT_BASE + 0x60000000))
#else
#define AREA ((volatile unsigned long *)0x20000000)
#endif

/* Two pages of memory, which begin with these numbers after open_area(). */
#define FIRST 0x1111
#define SECOND 0x2222
extern volatile unsigned long first[LONGS], second[LONGS];

/* area.c */
void open_area(void);
void close_area(void);

static inline uint64_t *top_table(void)
{
	return (uint64_t *)xen_start_info->pt_base;
}

static inline uint64_t *entry_at(const volatile void *address)
{
	return lookup_address((const void *)address, 1);
}

static inline uint64_t entry_of(const volatile void *address)
{
	return *(volatile uint64_t *)entry_at(address);
}

static inline uint64_t pte_of(const volatile void *page)
{
	return mfn_pte(virt_to_mfn((const void *)page), PTE_KERNEL);
}

static inline struct fault try_read(const volatile void *address)
{
	return TRY("mov (%0), %%al", : : "r"(address) : "ax", "memory");
}

/* Stores the value that the address has. */
static inline struct fault try_store(volatile void *address)
{
	unsigned long value = *(volatile unsigned long *)address;

	return TRY("mov %1, (%0)", : : "r"(address), "r"(value) : "memory");
}

#endif
