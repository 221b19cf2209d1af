/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The part of Xen's public interface that only a PVH guest uses, in the form
 * of xen-abi.h.
 */
#ifndef PVH_ABI_H
#define PVH_ABI_H

#include <stdint.h>

#include "xen-abi.h"

/* xen/include/public/arch-x86/hvm/start_info.h; all addresses are physical */
#define XEN_HVM_START_MAGIC_VALUE 0x336ec578
#define XEN_HVM_MEMMAP_TYPE_RAM 1

struct hvm_start_info {
	uint32_t magic;
	uint32_t version; /* from 1 on there is a memory map */
	uint32_t flags;	  /* SIF_* */
	uint32_t nr_modules;
	uint64_t modlist_paddr;
	uint64_t cmdline_paddr;
	uint64_t rsdp_paddr;
	uint64_t memmap_paddr;
	uint32_t memmap_entries;
	uint32_t reserved;
};

struct hvm_memmap_table_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type; /* XEN_HVM_MEMMAP_TYPE_* */
	uint32_t reserved;
};

/* xen/include/public/arch-x86/cpuid.h: relative to the first leaf */
#define XEN_CPUID_LAST_FIRST_LEAF 0x4000ff00 /* other hypervisors' leaves may come first */
#define XEN_CPUID_LEAF_VERSION 1	     /* eax: major << 16 | minor */
#define XEN_CPUID_LEAF_MSR 2		     /* ebx: the MSR that fills the hypercall page */

/* xen/include/public/xen.h */
#define __HYPERVISOR_memory_op 12
#define __HYPERVISOR_hvm_op 34

/* xen/include/public/memory.h */
#define XENMEM_add_to_physmap 7
#define XENMEM_memory_map 9
#define XENMAPSPACE_shared_info 0

struct xen_add_to_physmap {
	domid_t domid;
	uint16_t size;
	unsigned int space; /* XENMAPSPACE_* */
	unsigned long idx;
	xen_pfn_t gpfn;
};

struct xen_memory_map {
	unsigned int nr_entries; /* room in buffer; result: the number of entries */
	struct e820entry *buffer;
};

/* Linux arch/x86/include/uapi/asm/bootparam.h */
struct e820entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type; /* as XEN_HVM_MEMMAP_TYPE_* */
} __attribute__((packed));

/* xen/include/public/hvm/hvm_op.h, hvm/params.h */
#define HVMOP_set_param 0
#define HVMOP_get_param 1
#define HVM_PARAM_CALLBACK_IRQ 0
#define HVM_PARAM_CALLBACK_TYPE_VECTOR 2 /* << 56, and the vector */
#define HVM_PARAM_CONSOLE_PFN 17
#define HVM_PARAM_CONSOLE_EVTCHN 18

struct xen_hvm_param {
	domid_t domid;
	uint16_t pad;
	uint32_t index; /* HVM_PARAM_* */
	uint64_t value;
};

/* xen/include/public/features.h */
#define XENFEAT_hvm_callback_vector 8

#endif
