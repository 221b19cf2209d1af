/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Declarations for the source files of the PVH guest. */
#ifndef PVH_H
#define PVH_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "pvh-abi.h"
#include "xen-ops.h"

/* pvh.c: the load address of the image minus the address that it was linked for. */
extern unsigned long pvh_distance;
extern const struct hvm_start_info *pvh_start_info;
extern uint32_t xen_cpuid_base; /* 0: Xen was not found */
extern uint64_t pvh_page_tables[8][512];

/* pvh.c: a page of the image over which Xen's page can be mapped. */
union pvh_shared_page {
	volatile struct shared_info info;
	unsigned char page[PAGE_SIZE];
};

extern union pvh_shared_page pvh_shared_page;

static inline struct cpuid cpuid(uint32_t leaf)
{
	struct cpuid out;

	asm volatile("cpuid"
		     : "=a"(out.eax), "=b"(out.ebx), "=c"(out.ecx), "=d"(out.edx)
		     : "a"(leaf), "c"(0));
	return out;
}

/* Physical memory below 4 GiB is identity mapped; the image is mapped twice. */
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
