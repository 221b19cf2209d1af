/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a PVH guest is told and may ask for, under Xen's names; each block names
 * its source in the Xen tree.  And what the parts of the PVH guest share.
 */
#ifndef PVH_H
#define PVH_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "xen-ops.h"

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
#define XEN_CPUID_FIRST_LEAF 0x40000000
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
	unsigned int nr_entries; /* room in buffer; result: how many there are */
	struct e820entry *buffer;
};

/* Linux arch/x86/include/uapi/asm/bootparam.h: what firmware says, too */
struct e820entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type; /* as XEN_HVM_MEMMAP_TYPE_* */
} __attribute__((packed));

/* xen/include/public/hvm/hvm_op.h, hvm/params.h */
#define HVMOP_set_param 0
#define HVMOP_get_param 1
#define HVM_PARAM_CALLBACK_IRQ 0
#define HVM_PARAM_CALLBACK_TYPE_VECTOR (2ull << 56)
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

/* pvh.c: where the image lies, less where it was linked for. */
extern unsigned long pvh_distance;
extern const struct hvm_start_info *pvh_start_info;
extern uint32_t xen_cpuid_base; /* 0: there is no Xen */
extern uint64_t pvh_page_tables[8][512];

/* pvh.c: a page of the image, in whose place Xen's page can be mapped. */
union pvh_shared_page {
	volatile struct shared_info info;
	unsigned char page[PAGE_SIZE];
};

extern union pvh_shared_page pvh_shared_page;

struct leaf {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct leaf cpuid(uint32_t leaf)
{
	struct leaf out;

	asm volatile("cpuid"
		     : "=a"(out.eax), "=b"(out.ebx), "=c"(out.ecx), "=d"(out.edx)
		     : "a"(leaf), "c"(0));
	return out;
}

/* Physical memory below 4 GiB is mapped where it is; the image at its own addresses, too. */
static inline void *phys_to_virt(uint64_t address)
{
	return (void *)address;
}

static inline uint64_t virt_to_phys(const void *address)
{
	return (uint64_t)address - VIRT_BASE + pvh_distance;
}

long pvh_map_shared_info(void);
_Noreturn void xen_pvh_start_kernel(uint32_t start_info, uint32_t distance);
bool pvh_uses_vmcall(void);
long pvh_hypercall(bool vmcall, unsigned int number, unsigned long arg1, unsigned long arg2);
long pvh_set_param(uint32_t index, uint64_t value);
uint64_t pvh_get_param(uint32_t index);

/* pvh-traps.c */
#define VECTOR_BREAKPOINT 3
#define VECTOR_PAGE_FAULT 14
#define VECTOR_UPCALL 0x40

struct page_fault {
	uint64_t address; /* cr2 */
	uint64_t error;	  /* 1: it was present; 2: a write; 16: a fetch */
};

extern volatile unsigned int pvh_breakpoints, pvh_upcalls;
void pvh_trap_init(void);
bool pvh_faults(void (*function)(volatile void *), volatile void *argument,
		struct page_fault *fault);

#endif
