/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Page tables for the address AREA, which exist during a check.
 */
#include "area.h"

static uint64_t l2[ENTRIES] PAGE, l1[ENTRIES] PAGE;
volatile unsigned long first[LONGS] PAGE, second[LONGS] PAGE;

/* Maps the page first at AREA, and nothing after it. */
void open_area(void)
{
	memset(l2, 0, PAGE_SIZE);
	memset(l1, 0, PAGE_SIZE);
	l1[0] = pte_of(first);
	insert_table((const void *)AREA, 3, l2);
	insert_table((const void *)AREA, 2, l1);
	first[0] = FIRST;
	second[0] = SECOND;
}

void close_area(void)
{
	write_pte(lookup_address((const void *)AREA, 3), 0);
	xen_flush_tlb();
	if (make_readwrite(l2) != 0 || make_readwrite(l1) != 0)
		panic("tables without a use are not given back");
}
