/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Frame numbers.  A pfn (pseudo-physical) numbers the guest's memory from 0 without
 * gaps; an mfn (machine) is the frame that Xen allocated.  This kernel maps pfn n at
 * VIRT_BASE + n pages.
 */
#ifndef PAGE_H
#define PAGE_H

#include <stdint.h>

#include "layout.h"
#include "xen-ops.h"

/* The pages that are mapped: 1 GiB, one L2 table; less in 32-bit if Xen's area begins before. */
#define L2_PAGES 0x40000
#if !defined(CONFIG_X86_64) && VIRT_BASE + L2_PAGES * PAGE_SIZE > __MACH2PHYS_VIRT_START
#define MAX_MAPPED_PAGES ((__MACH2PHYS_VIRT_START - VIRT_BASE) / PAGE_SIZE)
#else
#define MAX_MAPPED_PAGES L2_PAGES
#endif

static inline unsigned long pfn_to_mfn(unsigned long pfn)
{
	return ((const unsigned long *)xen_start_info->mfn_list)[pfn];
}

static inline unsigned long mfn_to_pfn(unsigned long mfn)
{
	return ((const unsigned long *)__MACH2PHYS_VIRT_START)[mfn];
}

static inline void *pfn_to_virt(unsigned long pfn)
{
	return (void *)(VIRT_BASE + pfn * PAGE_SIZE);
}

static inline unsigned long virt_to_pfn(const void *address)
{
	return ((unsigned long)address - VIRT_BASE) / PAGE_SIZE;
}

static inline unsigned long virt_to_mfn(const void *address)
{
	return pfn_to_mfn(virt_to_pfn(address));
}

/* Returns the value of %cr3 for a top table; in 32-bit the high bits of the frame are rotated. */
static inline unsigned long xen_pfn_to_cr3(unsigned long mfn)
{
#ifdef CONFIG_X86_64
	return mfn * PAGE_SIZE;
#else
	return mfn << 12 | mfn >> 20;
#endif
}

static inline uint64_t virt_to_machine(const void *address)
{
	return (uint64_t)virt_to_mfn(address) * PAGE_SIZE + (unsigned long)address % PAGE_SIZE;
}

#endif
