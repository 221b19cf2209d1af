/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Exceptions: the trap table for Xen, and the handling of traps.
 *
 * The processor's table (IDT) is Xen's.  A guest passes a list of vectors and
 * addresses to Xen, which delivers the guest's exceptions there.  Xen crashes a guest
 * without a handler for an exception.
 *
 * An exception is passed, in this order, to the handler that set_trap_handler set for
 * its vector, to the instruction's entry in __ex_table (see fault.h), and to panic.
 */
#include "fault.h"
#include "hypercall.h"
#include "ptrace.h"
#include "xen-ops.h"

/* entry_64.S, entry_32.S */
extern char trap_divide_error[], trap_debug[], trap_nmi[], trap_int3[], trap_overflow[],
	trap_bounds[], trap_invalid_op[], trap_device_not_available[], trap_double_fault[],
	trap_invalid_tss[], trap_segment_not_present[], trap_stack_segment[],
	trap_general_protection[], trap_page_fault[], trap_coprocessor_error[],
	trap_alignment_check[], trap_machine_check[], trap_simd_error[], trap_int80[];

/* The least privilege that may use `int`; it does not affect exceptions. */
#define LEVEL_NOBODY 0
#define LEVEL_USER 3
#define ENTER_MASKED 4 /* with events masked, as an interrupt gate does */

#ifdef CONFIG_X86_64
#define CALLBACK(entry) (unsigned long)(entry)
#else
#define CALLBACK(entry) {FLAT_KERNEL_CS, (unsigned long)(entry)}
#endif

#define TRAP(vector, flags, entry) \
	{ vector, flags, FLAT_KERNEL_CS, (unsigned long)(entry) }

static const struct trap_info trap_table[] = {
	TRAP(X86_TRAP_DE, LEVEL_NOBODY, trap_divide_error),
	TRAP(X86_TRAP_DB, LEVEL_NOBODY, trap_debug),
	TRAP(X86_TRAP_NMI, LEVEL_NOBODY, trap_nmi),
	TRAP(X86_TRAP_BP, LEVEL_USER, trap_int3),
	TRAP(X86_TRAP_OF, LEVEL_USER, trap_overflow),
	TRAP(X86_TRAP_BR, LEVEL_NOBODY, trap_bounds),
	TRAP(X86_TRAP_UD, LEVEL_NOBODY, trap_invalid_op),
	TRAP(X86_TRAP_NM, LEVEL_NOBODY | ENTER_MASKED, trap_device_not_available),
	TRAP(X86_TRAP_DF, LEVEL_NOBODY, trap_double_fault),
	TRAP(X86_TRAP_TS, LEVEL_NOBODY, trap_invalid_tss),
	TRAP(X86_TRAP_NP, LEVEL_NOBODY, trap_segment_not_present),
	TRAP(X86_TRAP_SS, LEVEL_NOBODY, trap_stack_segment),
	TRAP(X86_TRAP_GP, LEVEL_NOBODY, trap_general_protection),
	TRAP(X86_TRAP_PF, LEVEL_NOBODY | ENTER_MASKED, trap_page_fault),
	TRAP(X86_TRAP_MF, LEVEL_NOBODY, trap_coprocessor_error),
	TRAP(X86_TRAP_AC, LEVEL_NOBODY, trap_alignment_check),
	TRAP(X86_TRAP_MC, LEVEL_NOBODY, trap_machine_check),
	TRAP(X86_TRAP_XF, LEVEL_NOBODY, trap_simd_error),
	TRAP(VECTOR_SYSTEM_CALL, LEVEL_USER, trap_int80),
	{0, 0, 0, 0}, /* end of the table */
};

static trap_handler handlers[VECTOR_SYSCALL + 1];

volatile struct fault last_fault;

trap_handler set_trap_handler(unsigned int vector, trap_handler handler)
{
	trap_handler before = handlers[vector];

	handlers[vector] = handler;
	return before;
}

/* The register %cr2 is Xen's; the guest's value is in the shared page. */
static unsigned long read_cr2(void)
{
	return this_vcpu()->arch.cr2;
}

/* Replaces the target of a call to an address that cannot be executed. */
static void return_at_once(void)
{
}

static bool fix_up(struct pt_regs *regs, unsigned long cr2)
{
	unsigned long address = regs->ip;
	bool called_into_nothing = regs->vector == X86_TRAP_PF && cr2 == regs->ip &&
				   (regs->error_code & X86_PF_INSTR);

	/* There is no instruction at the faulting address: search for the caller's. */
	if (called_into_nothing)
		address = *(unsigned long *)kernel_stack_pointer(regs);

	for (const struct exception_table_entry *entry = __start___ex_table;
	     entry < __stop___ex_table; entry++) {
		if (entry->instruction != address)
			continue;
		last_fault.vector = (int)regs->vector;
		last_fault.error_code = regs->error_code;
		last_fault.address = regs->vector == X86_TRAP_PF ? cr2 : 0;
		regs->ip = called_into_nothing ? (unsigned long)return_at_once : entry->resume;
		return true;
	}
	return false;
}

/* Called by entry_64.S or entry_32.S. */
void do_trap(struct pt_regs *regs)
{
	unsigned long cr2 = read_cr2();
	trap_handler handler = handlers[regs->vector];

	if (handler && handler(regs))
		return;
	if (!user_mode(regs) && fix_up(regs, cr2))
		return;
	panic_at(regs, "unhandled trap %lu, error code 0x%lx, cr2 0x%lx", regs->vector,
		 regs->error_code, cr2);
}

/* Copies the table for the initial state of a vCPU, indexed by all 256 vectors. */
void xen_copy_trap_info(struct trap_info *traps)
{
	for (const struct trap_info *trap = trap_table; trap->address; trap++)
		traps[trap->vector] = *trap;
}

static void register_callback(uint16_t type, uint16_t flags, void *address)
{
	struct callback_register callback = {
		.type = type, .flags = flags, .address = CALLBACK(address)};

	if (HYPERVISOR_callback_op(CALLBACKOP_register, &callback) != 0)
		panic("callback %u refused", type);
}

/*
 * Must be called with events masked: Xen crashes a guest that has a pending event but
 * no callback address.
 */
void trap_init(void)
{
	if (HYPERVISOR_set_trap_table(trap_table) != 0)
		panic("set_trap_table refused");
	register_callback(CALLBACKTYPE_event, 0, xen_hypervisor_callback);
	register_callback(CALLBACKTYPE_failsafe, CALLBACKF_mask_events, xen_failsafe_callback);
#ifdef CONFIG_X86_64
	register_callback(CALLBACKTYPE_syscall, CALLBACKF_mask_events, xen_syscall_target);
#endif
}
