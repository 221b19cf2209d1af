/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * More than one vCPU.
 *
 * A PV guest starts on vCPU 0.  Another vCPU does not start in real mode: the guest
 * passes its initial registers and tables to Xen once (VCPUOP_initialise), then starts
 * it (VCPUOP_up) and stops it (VCPUOP_down); when started again, it continues where it
 * was.
 *
 * Each vCPU has its own stack, %gs area, descriptor table, callback addresses, and its
 * part of the shared page, with a mask and pending events; page tables and handlers
 * are common.  Here a vCPU sleeps until smp_call_function() gives it a function.  Only
 * vCPU 0 uses the console, multicalls and page tables, so they need no locks.
 */
#include "smp.h"
#include "hypercall.h"
#include "page.h"
#include "xen-ops.h"

static unsigned char stacks[NR_CPUS - 1][THREAD_SIZE] __attribute__((aligned(THREAD_SIZE)));
static union irq_stack_union areas[NR_CPUS - 1];

/* The next function of each vCPU, and the channel that wakes it; 0: none. */
static void (*volatile calls[NR_CPUS])(void);
static evtchn_port_t wakeups[NR_CPUS];

/* Whether the domain has a vCPU of this number. */
bool cpu_possible(unsigned int cpu)
{
	return cpu < NR_CPUS && HYPERVISOR_vcpu_op(VCPUOP_is_up, cpu, NULL) != -XEN_ENOENT;
}

bool cpu_online(unsigned int cpu)
{
	return HYPERVISOR_vcpu_op(VCPUOP_is_up, cpu, NULL) == 1;
}

union irq_stack_union *per_cpu_area(unsigned int cpu)
{
	return cpu == 0 ? &irq_stack_union : &areas[cpu - 1];
}

/* Whether an address is on the stack of a vCPU other than 0. */
bool on_cpu_stack(unsigned int cpu, const void *address)
{
	return (uintptr_t)address - (uintptr_t)stacks[cpu - 1] < THREAD_SIZE;
}

/* Yields the processor, which the vCPU that this one waits for may need. */
void cpu_relax(void)
{
	HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
	asm volatile("pause" : : : "memory");
}

/*
 * Entered by Xen, so it cannot return.  Events are masked from the test for a new
 * function to the sleep, so that an event in between ends the sleep at once.
 */
__attribute__((force_align_arg_pointer)) static _Noreturn void cpu_bringup_and_idle(void)
{
	unsigned int cpu = smp_processor_id();

	time_init();
	for (;;) {
		xen_irq_disable();
		if (!calls[cpu]) {
			xen_safe_halt();
			continue;
		}
		xen_irq_enable();
		calls[cpu]();
		calls[cpu] = NULL;
	}
}

static void cpu_initialize_context(unsigned int cpu)
{
	static struct vcpu_guest_context context;
	unsigned long stack = (unsigned long)stacks[cpu - 1] + THREAD_SIZE;

	per_cpu_area(cpu)->cpu_number = cpu;
	context = (struct vcpu_guest_context){
		/* Start in kernel mode with events masked, as vCPU 0 does. */
		.flags = VGCF_in_kernel | VGCF_failsafe_disables_events |
			 VGCF_syscall_disables_events,
		.user_regs = {
			.rip = (unsigned long)cpu_bringup_and_idle,
			.rsp = stack,
			.cs = FLAT_KERNEL_CS,
			.ss = FLAT_KERNEL_SS,
		},
		.gdt_frames = {virt_to_mfn(gdt[cpu])},
		.gdt_ents = GDT_ENTRIES,
		.kernel_ss = FLAT_KERNEL_SS,
		.kernel_sp = stack,
		.ctrlreg[3] = virt_to_machine((const void *)xen_start_info->pt_base),
		.event_callback_eip = (unsigned long)xen_hypervisor_callback,
		.failsafe_callback_eip = (unsigned long)xen_failsafe_callback,
		.syscall_callback_eip = (unsigned long)xen_syscall_target,
		.gs_base_kernel = (unsigned long)per_cpu_area(cpu),
	};
	xen_copy_trap_info(context.trap_ctxt);
	if (HYPERVISOR_vcpu_op(VCPUOP_initialise, cpu, &context) != 0)
		panic("vCPU %u cannot be initialised", cpu);
}

/* The upcall itself wakes the vCPU. */
static void wake_up(evtchn_port_t port)
{
	(void)port;
}

/* Starts a vCPU for which cpu_possible() is true. */
void xen_cpu_up(unsigned int cpu)
{
	if (!wakeups[cpu]) {
		HYPERVISOR_shared_info->vcpu_info[cpu].evtchn_upcall_mask = 1;
		cpu_initialize_context(cpu);
		wakeups[cpu] = bind_ipi(cpu, wake_up);
	}
	if (HYPERVISOR_vcpu_op(VCPUOP_up, cpu, NULL) != 0)
		panic("vCPU %u does not come up", cpu);
}

/* Stops another vCPU at any instruction. */
void xen_cpu_down(unsigned int cpu)
{
	struct vcpu_runstate_info runstate = {.state = RUNSTATE_running};

	if (HYPERVISOR_vcpu_op(VCPUOP_down, cpu, NULL) != 0)
		panic("vCPU %u does not go down", cpu);
	/* VCPUOP_down returns before the vCPU has stopped. */
	while (runstate.state == RUNSTATE_running) {
		cpu_relax();
		if (HYPERVISOR_vcpu_op(VCPUOP_get_runstate_info, cpu, &runstate) != 0)
			panic("vCPU %u has no state", cpu);
	}
}

/* Makes another vCPU, which is idle, run a function with events enabled. */
void smp_call_function(unsigned int cpu, void (*function)(void))
{
	calls[cpu] = function;
	evtchn_send(wakeups[cpu]);
}

/* Whether the function has not returned yet. */
bool smp_call_pending(unsigned int cpu)
{
	return calls[cpu] != NULL;
}
