/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Declarations for all source files of the guest; some symbols are those of the
 * linker script and of the Xen head object.
 */
#ifndef XEN_OPS_H
#define XEN_OPS_H

#include <stdbool.h>
#include <stddef.h>

#include "percpu.h"
#include "string.h"
#include "xen-abi.h"

struct pt_regs;

/* Boundaries from vmlinux.lds.S; only their addresses have a meaning. */
extern char _text[], _etext[], _end[];

/* start.c: objects that the entry code uses. */
extern union thread_union init_thread_union;
#ifdef CONFIG_X86_64
extern union irq_stack_union irq_stack_union;
#endif

/* start.c: how this kernel was started; dom0 is the initial domain. */
enum xen_domain_type { XEN_NATIVE, XEN_PV_DOMAIN, XEN_PVH_DOMAIN };

extern enum xen_domain_type xen_domain_type;
extern bool xen_initial_domain;

/* setup.c: the start of a PV guest; the entry code sets xen_start_info. */
extern struct start_info *xen_start_info;
_Noreturn void xen_start_kernel(void);

/* console.c, printk.c: %s %c %d %u %x %p %%, with l or ll, and with a width such as 016. */
void xen_console_use_ring(volatile struct xencons_interface *ring, evtchn_port_t port);
void xen_console_use_serial_port(void);
void xen_console_write(const char *text, size_t size);
void xen_console_drain(void);
__attribute__((format(printf, 1, 2))) void printk(const char *format, ...);

/* checks/run.c: runs every check and prints results; returns whether all passed. */
extern const char *current_check;
bool run_checks(void);

/* shutdown.c, panic.c */
_Noreturn void report_result(bool passed);
_Noreturn __attribute__((format(printf, 1, 2))) void panic(const char *format, ...);

#define X86_EFLAGS_IF 0x200

/* setup.c: the state of the processor at xen_start_kernel, for the checks. */
struct entry_state {
	unsigned long cs, ss, flags;
	uint8_t upcall_mask;
};

extern struct entry_state entry_state;

/* setup.c: the page that Xen and the guest share, and this vCPU's part of it. */
extern struct shared_info *const HYPERVISOR_shared_info;

static inline volatile struct vcpu_info *this_vcpu(void)
{
	return &HYPERVISOR_shared_info->vcpu_info[smp_processor_id()];
}

/* panic.c: a panic that prints the registers of a trap. */
_Noreturn __attribute__((format(printf, 2, 3))) void panic_at(const struct pt_regs *regs,
							      const char *format, ...);

/* enlighten.c */
struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

#define X86_CR0_TS 8

extern uint32_t xen_features; /* bits: XENFEAT_* */
void xen_setup_features(void);
struct cpuid xen_cpuid(uint32_t leaf);
unsigned long read_cr0(void);
unsigned long read_cr3(void);
unsigned long read_cr4(void);
void xen_set_ts(bool set);
void xen_flush_tlb(void);
void xen_flush_tlb_all(void);
void xen_flush_tlb_single(const void *address);
void xen_flush_tlb_single_all(const void *address);
long xen_set_ldt(const void *table, unsigned int entries);
bool xen_set_iopl(unsigned int level);

/* mmu.c */
#define _PAGE_PRESENT 0x001ull
#define _PAGE_RW 0x002ull
#define _PAGE_USER 0x004ull
#define _PAGE_ACCESSED 0x020ull
#define _PAGE_DIRTY 0x040ull
#define _PAGE_NX (1ull << 63)
#define PTE_KERNEL (_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY)
#define PTE_TABLE (PTE_KERNEL | _PAGE_USER)

unsigned long pte_mfn(uint64_t entry);
uint64_t mfn_pte(unsigned long mfn, uint64_t flags);
uint64_t *lookup_address(const void *address, unsigned int level);
long write_pte(const uint64_t *entry, uint64_t value);
long map_page(const void *address, uint64_t entry);
void make_readonly(const void *page);
long make_readwrite(const void *page);
long pin_table(const void *page, unsigned int level);
long unpin_table(const void *page);
long xen_write_cr3(const void *page);
long xen_write_user_cr3(const void *page);
void *alloc_page(void);
void insert_table(const void *address, unsigned int level, const void *page);
void map_memory(unsigned long pfn, unsigned long end);
void mmu_init(void);

/* gdt.c: one table per vCPU; Xen changes level 0 to that of the kernel: 3, or in 32-bit 1. */
#define GUEST_KERNEL_RPL (FLAT_KERNEL_CS & 3)
#define GDT_ENTRIES 512
#define GDT_ENTRY_DATA 3
#define GDT_ENTRY_CODE 4
#define GDT_ENTRY_FREE 5
#define GDT_LEVEL(level) ((uint64_t)(level) << 45)
#define GDT_DATA (0x00cf93000000ffff | GDT_LEVEL(GUEST_KERNEL_RPL)) /* writable, 4 GiB */
#ifdef CONFIG_X86_64
#define GDT_CODE (0x00af9b000000ffff | GDT_LEVEL(GUEST_KERNEL_RPL))
#else
#define GDT_CODE (0x00cf9b000000ffff | GDT_LEVEL(GUEST_KERNEL_RPL))
#endif
#define SELECTOR(entry) (8 * (entry) + GUEST_KERNEL_RPL)

extern uint64_t gdt[NR_CPUS][GDT_ENTRIES];

long load_gdt(const void *table, unsigned int entries);
long write_gdt_entry(unsigned int index, uint64_t descriptor);
void gdt_init(void);

/* gdt.c: %ds, %es, %fs, %gs at the last failsafe callback, and the number of callbacks. */
extern unsigned long failsafe_selectors[4];
extern volatile unsigned int failsafe_callbacks;

/* traps.c: a handler returns whether it has handled the trap. */
typedef bool (*trap_handler)(struct pt_regs *regs);

trap_handler set_trap_handler(unsigned int vector, trap_handler handler);
void do_trap(struct pt_regs *regs);
void trap_init(void);
void xen_copy_trap_info(struct trap_info *traps);

/* entry_64.S, entry_32.S: leave_user(), called in a trap's handler, ends enter_user(). */
extern char xen_hypervisor_callback[], xen_failsafe_callback[], xen_syscall_target[];
unsigned long enter_user(const struct pt_regs *regs);
_Noreturn void leave_user(unsigned long value);

/* process.c */
unsigned long run_user(const void *code, unsigned long argument);
bool on_kernel_stack(const void *address);
void process_init(void);

/* irq.c */
void xen_force_evtchn_callback(void);
bool xen_irqs_disabled(void);
void xen_irq_disable(void);
void xen_irq_enable(void);
unsigned long xen_save_fl(void);
void xen_restore_fl(unsigned long flags);
void xen_safe_halt(void);

/* events.c */
typedef void (*event_handler)(evtchn_port_t port);

bool evtchn_is_pending(evtchn_port_t port);
void evtchn_clear(evtchn_port_t port);
void evtchn_mask(evtchn_port_t port);
void evtchn_unmask(evtchn_port_t port);
long evtchn_send(evtchn_port_t port);
evtchn_port_t evtchn_listen(evtchn_port_t port, event_handler handler);
evtchn_port_t bind_ipi(unsigned int vcpu, event_handler handler);
evtchn_port_t bind_virq(unsigned int virq, event_handler handler);
void evtchn_move(evtchn_port_t port, unsigned int vcpu);
void evtchn_close(evtchn_port_t port);
void evtchn_init(void);

/*
 * events.c: for each vCPU, the registers that the current upcall has interrupted, and
 * the number of upcalls.
 */
extern const struct pt_regs *irq_regs[NR_CPUS];
extern volatile unsigned int xen_upcalls[NR_CPUS];

/* time.c */
uint64_t xen_clocksource_read(void);
void xen_set_timer(uint64_t deadline);
void time_init(void);

/* multicalls.c */
#define MC_CALLS 32
#define MC_ARGS 1024

struct multicall_space {
	struct multicall_entry *call;
	void *args;
};

void xen_mc_batch(void);
struct multicall_space xen_mc_entry(size_t size);
void xen_mc_flush(void);
unsigned int xen_mc_issue(void);
long xen_mc_result(unsigned int index);
void MULTI_xen_version(int cmd, void *result);
void MULTI_update_va_mapping(unsigned long address, uint64_t entry, unsigned long flags);
void MULTI_mmu_update(struct mmu_update update);

#endif
