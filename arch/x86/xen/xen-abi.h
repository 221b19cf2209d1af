/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The part of Xen's public interface that this guest uses: layouts and
 * numbers, under Xen's names.  Each block names its source in the Xen tree;
 * tests/arch/test_abi.py compares all of them with Xen's own headers.
 *
 * The assembly sources read the numbers only.
 */
#ifndef XEN_ABI_H
#define XEN_ABI_H

/* xen/include/public/xen.h */
#define __HYPERVISOR_set_trap_table 0
#define __HYPERVISOR_mmu_update 1
#define __HYPERVISOR_set_gdt 2
#define __HYPERVISOR_stack_switch 3
#define __HYPERVISOR_fpu_taskswitch 5
#define __HYPERVISOR_platform_op 7
#define __HYPERVISOR_set_debugreg 8
#define __HYPERVISOR_get_debugreg 9
#define __HYPERVISOR_update_descriptor 10
#define __HYPERVISOR_multicall 13
#define __HYPERVISOR_update_va_mapping 14
#define __HYPERVISOR_set_timer_op 15
#define __HYPERVISOR_xen_version 17
#define __HYPERVISOR_console_io 18
#define __HYPERVISOR_vm_assist 21
#define __HYPERVISOR_iret 23
#define __HYPERVISOR_vcpu_op 24
#define __HYPERVISOR_set_segment_base 25
#define __HYPERVISOR_mmuext_op 26
#define __HYPERVISOR_sched_op 29
#define __HYPERVISOR_callback_op 30
#define __HYPERVISOR_event_channel_op 32
#define __HYPERVISOR_physdev_op 33

#define CONSOLEIO_write 0

#define SIF_INITDOMAIN (1 << 1)

#define MAX_GUEST_CMDLINE 1024

#define DOMID_SELF 0x7ff0

#define VIRQ_TIMER 0

#define MMU_NORMAL_PT_UPDATE 0
#define MMU_PT_UPDATE_PRESERVE_AD 2

#define MMUEXT_PIN_L1_TABLE 0
#define MMUEXT_UNPIN_TABLE 4
#define MMUEXT_NEW_BASEPTR 5
#define MMUEXT_TLB_FLUSH_LOCAL 6
#define MMUEXT_INVLPG_LOCAL 7
#define MMUEXT_TLB_FLUSH_ALL 10
#define MMUEXT_INVLPG_ALL 11
#define MMUEXT_SET_LDT 13
#define MMUEXT_NEW_USER_BASEPTR 15

#define UVMF_NONE 0
#define UVMF_INVLPG 2

#define VMASST_CMD_enable 0
#define VMASST_CMD_disable 1
#define VMASST_TYPE_writable_pagetables 2

#define XEN_LEGACY_MAX_VCPUS 32

/* xen/include/public/arch-x86/xen.h */
#define FIRST_RESERVED_GDT_ENTRY 7168

#define VGCF_in_kernel (1 << 2)
#define VGCF_failsafe_disables_events (1 << 3)
#define VGCF_syscall_disables_events (1 << 4)

/* xen/include/public/arch-x86/xen-x86_{32,64}.h: where Xen shows m2p */
#ifdef __x86_64__
#define __MACH2PHYS_VIRT_START 0xffff800000000000
#else
#define __MACH2PHYS_VIRT_START 0xf5800000
#endif

/* xen/include/public/arch-x86/xen-x86_{32,64}.h: ring 3; 32-bit kernels are in ring 1 */
#ifdef __x86_64__
#define FLAT_KERNEL_CS 0xe033
#define FLAT_KERNEL_DS 0
#define FLAT_KERNEL_SS 0xe02b
#define FLAT_USER_CS 0xe033
#define FLAT_USER_DS 0
#define FLAT_USER_SS 0xe02b
#define SEGBASE_FS 0
#define SEGBASE_GS_KERNEL 2
#else
#define FLAT_KERNEL_CS 0xe019
#define FLAT_KERNEL_DS 0xe021
#define FLAT_KERNEL_SS 0xe021
#define FLAT_USER_CS 0xe02b
#define FLAT_USER_DS 0xe033
#define FLAT_USER_SS 0xe033
#endif

/* xen/include/public/callback.h */
#define CALLBACKOP_register 0
#define CALLBACKTYPE_event 0
#define CALLBACKTYPE_failsafe 1
#define CALLBACKTYPE_syscall 2
#define CALLBACKF_mask_events 1

/* xen/include/public/errno.h */
#define XEN_ENOENT 2
#define XEN_EINVAL 22
#define XEN_ENOSYS 38

/* xen/include/public/event_channel.h */
#define EVTCHNOP_bind_interdomain 0
#define EVTCHNOP_bind_virq 1
#define EVTCHNOP_close 3
#define EVTCHNOP_send 4
#define EVTCHNOP_status 5
#define EVTCHNOP_alloc_unbound 6
#define EVTCHNOP_bind_ipi 7
#define EVTCHNOP_bind_vcpu 8
#define EVTCHNOP_unmask 9

#define EVTCHNSTAT_closed 0
#define EVTCHNSTAT_virq 4
#define EVTCHNSTAT_ipi 5

/* xen/include/public/features.h: bit numbers of submap 0 */
#define XENFEAT_writable_page_tables 0
#define XENFEAT_auto_translated_physmap 2
#define XENFEAT_mmu_pt_update_preserve_ad 5
#define XENFEAT_dom0 11

/* xen/include/public/physdev.h */
#define PHYSDEVOP_set_iopl 6

/* xen/include/public/platform.h */
#define XENPF_INTERFACE_VERSION 0x03000001
#define XENPF_core_parking 60
#define XEN_CORE_PARKING_SET 1

/* xen/include/public/sched.h */
#define SCHEDOP_yield 0
#define SCHEDOP_block 1
#define SCHEDOP_shutdown 2
#define SCHEDOP_poll 3
#define SCHEDOP_pin_override 7

#define SHUTDOWN_poweroff 0
#define SHUTDOWN_crash 3

/* xen/include/public/vcpu.h */
#define VCPUOP_initialise 0
#define VCPUOP_up 1
#define VCPUOP_down 2
#define VCPUOP_is_up 3
#define VCPUOP_get_runstate_info 4
#define VCPUOP_stop_periodic_timer 7

#define RUNSTATE_running 0

/* xen/include/public/version.h: XENVER_version returns major << 16 | minor */
#define XENVER_version 0
#define XENVER_get_features 6

/* xen/include/public/arch-x86/cpuid.h */
#define XEN_CPUID_FIRST_LEAF 0x40000000

#ifndef __ASSEMBLER__

#include <stdint.h>

/* xen/include/public/xen.h */

/* A page frame number; "machine" means Xen's numbering, not the guest's. */
typedef unsigned long xen_pfn_t;

typedef uint16_t domid_t;

struct start_info {
	char magic[32];		   /* "xen-3.0-x86_64" and the like */
	unsigned long nr_pages;	   /* memory of this domain, in pages */
	unsigned long shared_info; /* machine address */
	uint32_t flags;		   /* SIF_* */
	xen_pfn_t store_mfn;	   /* machine frame of the xenstore ring */
	uint32_t store_evtchn;
	union {
		struct {
			xen_pfn_t mfn; /* machine frame of the console ring */
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
	unsigned long mod_start;    /* initrd: a frame number, because of the note MOD_START_PFN */
	unsigned long mod_len;	    /* bytes */
	int8_t cmd_line[MAX_GUEST_CMDLINE];
	unsigned long first_p2m_pfn;
	unsigned long nr_p2m_frames;
};

/* Xen is writing while version is odd. */
struct vcpu_time_info {
	uint32_t version;
	uint32_t pad0;
	uint64_t tsc_timestamp; /* at system_time */
	uint64_t system_time;	/* nanoseconds since Xen's boot */
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;
	uint8_t pad1[2];
};

/* xen/include/public/arch-x86/xen-x86_{32,64}.h */
struct arch_vcpu_info {
	unsigned long cr2;
#ifdef __x86_64__
	unsigned long pad;
#else
	unsigned long pad[5];
#endif
};

struct vcpu_info {
	uint8_t evtchn_upcall_pending;
	uint8_t evtchn_upcall_mask;
	unsigned long evtchn_pending_sel; /* bit n: word n of evtchn_pending is not 0 */
	struct arch_vcpu_info arch;
	struct vcpu_time_info time;
};

/* Only the first fields; the others differ among architectures, and are not used. */
struct shared_info {
	struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
	unsigned long evtchn_pending[sizeof(unsigned long) * 8];
	unsigned long evtchn_mask[sizeof(unsigned long) * 8];
	uint32_t wc_version;
	uint32_t wc_sec;
	uint32_t wc_nsec;
};

struct mmu_update {
	uint64_t ptr; /* machine address of the entry | MMU_* */
	uint64_t val;
};

struct mmuext_op {
	unsigned int cmd;
	union {
		xen_pfn_t mfn;
		unsigned long linear_addr;
	} arg1;
	union {
		unsigned int nr_ents;
		const void *vcpumask;
		xen_pfn_t src_mfn;
	} arg2;
};

struct multicall_entry {
	unsigned long op, result;
	unsigned long args[6];
};

/* xen/include/public/arch-x86/xen.h */
struct trap_info {
	uint8_t vector;
	uint8_t flags; /* the least privilege that may use `int`; | 4: enter masked */
	uint16_t cs;
	unsigned long address;
};

#ifdef __x86_64__
/* xen/include/public/arch-x86/xen-x86_64.h */
struct cpu_user_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint32_t error_code;
	uint32_t entry_vector;
	uint64_t rip;
	uint16_t cs, _pad0[1];
	uint8_t saved_upcall_mask;
	uint8_t _pad1[3];
	uint64_t rflags;
	uint64_t rsp;
	uint16_t ss, _pad2[3];
	uint16_t es, _pad3[3];
	uint16_t ds, _pad4[3];
	uint16_t fs, _pad5[3];
	uint16_t gs, _pad6[3];
};

/* xen/include/public/arch-x86/xen.h: the state in which a vCPU starts */
struct vcpu_guest_context {
	uint8_t fpu_ctxt[512];
	unsigned long flags; /* VGCF_* */
	struct cpu_user_regs user_regs;
	struct trap_info trap_ctxt[256]; /* by vector */
	unsigned long ldt_base, ldt_ents;
	unsigned long gdt_frames[16], gdt_ents; /* machine frames */
	unsigned long kernel_ss, kernel_sp;	/* as by stack_switch */
	unsigned long ctrlreg[8];		/* [1]: the user's top table; [3]: the kernel's */
	unsigned long debugreg[8];
	unsigned long event_callback_eip;
	unsigned long failsafe_callback_eip;
	unsigned long syscall_callback_eip;
	unsigned long vm_assist;
	unsigned long fs_base, gs_base_kernel, gs_base_user;
};
#endif

/* xen/include/public/arch-x86/xen-x86_{32,64}.h */
#ifdef __x86_64__
typedef unsigned long xen_callback_t;
#else
struct xen_callback {
	unsigned long cs;
	unsigned long eip;
};

typedef struct xen_callback xen_callback_t;
#endif

/* xen/include/public/callback.h */
struct callback_register {
	uint16_t type;
	uint16_t flags;
	xen_callback_t address;
};

/* xen/include/public/event_channel.h */
typedef uint32_t evtchn_port_t;

struct evtchn_alloc_unbound {
	domid_t dom, remote_dom;
	evtchn_port_t port; /* result */
};

struct evtchn_bind_interdomain {
	domid_t remote_dom;
	evtchn_port_t remote_port;
	evtchn_port_t local_port; /* result */
};

struct evtchn_bind_virq {
	uint32_t virq;
	uint32_t vcpu;
	evtchn_port_t port; /* result */
};

struct evtchn_bind_ipi {
	uint32_t vcpu;
	evtchn_port_t port; /* result */
};

struct evtchn_bind_vcpu {
	evtchn_port_t port;
	uint32_t vcpu;
};

struct evtchn_close {
	evtchn_port_t port;
};

struct evtchn_send {
	evtchn_port_t port;
};

struct evtchn_unmask {
	evtchn_port_t port;
};

struct evtchn_status {
	domid_t dom;
	evtchn_port_t port;
	uint32_t status; /* result: EVTCHNSTAT_* */
	uint32_t vcpu;
	union {
		struct {
			domid_t dom;
			evtchn_port_t port;
		} interdomain;
		uint32_t virq;
	} u;
};

/* xen/include/public/io/console.h */
struct xencons_interface {
	char in[1024];
	char out[2048];
	uint32_t in_cons, in_prod; /* free-running */
	uint32_t out_cons, out_prod;
};

/* xen/include/public/physdev.h */
struct physdev_set_iopl {
	uint32_t iopl;
};

/* xen/include/public/platform.h */
struct xenpf_core_parking {
	uint32_t type;
	uint32_t idle_nums;
};

struct xen_platform_op {
	uint32_t cmd;
	uint32_t interface_version;
	union {
		struct xenpf_core_parking core_parking;
		uint64_t aligned; /* the size of Xen's union, which has further members */
		uint8_t pad[128];
	} u;
};

/* xen/include/public/sched.h */
struct sched_shutdown {
	unsigned int reason; /* SHUTDOWN_* */
};

struct sched_poll {
	evtchn_port_t *ports;
	unsigned int nr_ports;
	uint64_t timeout; /* system time in nanoseconds; 0: none */
};

struct sched_pin_override {
	int32_t pcpu; /* -1: any again */
};

/* xen/include/public/vcpu.h */
struct vcpu_runstate_info {
	int state; /* RUNSTATE_* */
	uint64_t state_entry_time;
	uint64_t time[4]; /* nanoseconds in each state */
};

/* xen/include/public/version.h */
struct xen_feature_info {
	unsigned int submap_idx;
	uint32_t submap; /* result */
};

#endif
#endif
