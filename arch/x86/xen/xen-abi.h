/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The part of Xen's public interface that this guest uses: layouts and
 * numbers, under Xen's names.  Each block names its source in the Xen tree.
 */
#ifndef XEN_ABI_H
#define XEN_ABI_H

#include <stdint.h>

/* xen/include/public/xen.h */
#define __HYPERVISOR_xen_version 17
#define __HYPERVISOR_console_io 18
#define __HYPERVISOR_sched_op 29
#define __HYPERVISOR_physdev_op 33

#define CONSOLEIO_write 0

#define SIF_INITDOMAIN (1 << 1)

#define MAX_GUEST_CMDLINE 1024

/* A page frame number; "machine" means Xen's numbering, not the guest's. */
typedef unsigned long xen_pfn_t;

struct start_info {
	char magic[32];		   /* "xen-3.0-x86_64" and the like */
	unsigned long nr_pages;	   /* memory of this domain, in pages */
	unsigned long shared_info; /* machine address */
	uint32_t flags;		   /* SIF_* */
	xen_pfn_t store_mfn;	   /* machine frame of the xenstore ring */
	uint32_t store_evtchn;
	union {
		struct {
			xen_pfn_t mfn;
			uint32_t evtchn;
		} domU;
		struct {
			uint32_t info_off;
			uint32_t info_size;
		} dom0;
	} console;
	unsigned long pt_base;	    /* virtual address of the top page table */
	unsigned long nr_pt_frames; /* page table pages in use at entry */
	unsigned long mfn_list;	    /* virtual address of the p2m table */
	unsigned long mod_start;    /* initrd: a frame number, as MOD_START_PFN asks */
	unsigned long mod_len;	    /* bytes */
	int8_t cmd_line[MAX_GUEST_CMDLINE];
	unsigned long first_p2m_pfn;
	unsigned long nr_p2m_frames;
};

/* xen/include/public/version.h: returns major << 16 | minor */
#define XENVER_version 0

/* xen/include/public/sched.h */
#define SCHEDOP_shutdown 2

#define SHUTDOWN_poweroff 0
#define SHUTDOWN_crash 3

struct sched_shutdown {
	unsigned int reason; /* SHUTDOWN_* */
};

/* xen/include/public/physdev.h */
#define PHYSDEVOP_set_iopl 6

struct physdev_set_iopl {
	uint32_t iopl;
};

#endif
