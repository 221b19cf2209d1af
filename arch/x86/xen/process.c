/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * User mode.
 *
 * To the processor kernel and user are alike: both run in ring 3.  Xen keeps
 * them apart by what it loads when it goes from one to the other: the user's
 * top page table (NEW_USER_BASEPTR) and %gs base, and for the way back the
 * kernel's, with the stack that stack_switch named, as a TSS would.  Which of
 * both it is stands in the lowest bits of the saved %cs: 0 or 3.
 *
 * This kernel gives its users its own page table, which shows them everything:
 * a kernel that means to protect itself leaves its memory out of theirs.
 */
#include "layout.h"
#include "ptrace.h"
#include "xen-ops.h"
#include "hypercall.h"

#define STACK_SIZE 0x2000

static unsigned char kernel_stack[STACK_SIZE] __attribute__((aligned(PAGE_SIZE)));
static unsigned char user_stack[STACK_SIZE] __attribute__((aligned(PAGE_SIZE)));

bool on_kernel_stack(const void *address)
{
	return (uintptr_t)address - (uintptr_t)kernel_stack < STACK_SIZE;
}

/* Runs code with argument in %rdi, and returns what a handler gives to leave_user. */
unsigned long run_user(const void *code, unsigned long argument)
{
	struct pt_regs regs = {
		.di = argument,
		.ip = (unsigned long)code,
		.cs = FLAT_USER_CS,
		.flags = X86_EFLAGS_IF,
		.sp = (unsigned long)user_stack + STACK_SIZE,
		.ss = FLAT_USER_SS,
	};

	return enter_user(&regs);
}

void process_init(void)
{
	if (xen_write_user_cr3((const void *)xen_start_info->pt_base) != 0)
		panic("NEW_USER_BASEPTR refused");
	if (HYPERVISOR_stack_switch(FLAT_KERNEL_SS, (unsigned long)kernel_stack + STACK_SIZE) != 0)
		panic("stack_switch refused");
}
