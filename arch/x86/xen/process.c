/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * User mode.
 *
 * The processor does not distinguish a 64-bit kernel from its users: both run in
 * ring 3.  Xen does, and switches the top page table (NEW_USER_BASEPTR for user mode)
 * and %gs base between the modes; on entry to the kernel it also loads the stack of
 * stack_switch, as a TSS would.  The lowest bits of the saved %cs are the mode: 0 for
 * the kernel, 3 for user mode.
 *
 * This kernel uses its own page table for user mode, too, so users can access all of
 * it; a kernel that protects itself leaves its memory out of the users' table.
 *
 * A 32-bit kernel runs in ring 1, which the processor treats as supervisor mode: one
 * table is sufficient, and users can access only pages with the user bit.
 */
#include "layout.h"
#include "ptrace.h"
#include "xen-ops.h"
#include "hypercall.h"

#define STACK_SIZE 0x2000

/* vmlinux.lds.S: the code of user mode has its own pages. */
extern const char __user_text_start[], __user_text_end[];

static unsigned char kernel_stack[STACK_SIZE] __attribute__((aligned(PAGE_SIZE)));
static unsigned char user_stack[STACK_SIZE] __attribute__((aligned(PAGE_SIZE)));

bool on_kernel_stack(const void *address)
{
	return (uintptr_t)address - (uintptr_t)kernel_stack < STACK_SIZE;
}

/* Runs code in user mode, with argument in %rdi or %edi; returns the value for leave_user. */
unsigned long run_user(const void *code, unsigned long argument)
{
	struct pt_regs regs = {
		.di = argument,
		.ip = (unsigned long)code,
		.cs = FLAT_USER_CS,
		.flags = X86_EFLAGS_IF,
		.sp = (unsigned long)user_stack + STACK_SIZE,
		.ss = FLAT_USER_SS,
#ifndef CONFIG_X86_64
		.ds = FLAT_USER_DS,
		.es = FLAT_USER_DS,
#endif
	};

	return enter_user(&regs);
}

/* Sets the user bit; in 64-bit Xen sets it in every entry. */
static void show_to_user(const void *start, const void *end)
{
	for (const char *page = start; page < (const char *)end; page += PAGE_SIZE)
		if (map_page(page, *lookup_address(page, 1) | _PAGE_USER) != 0)
			panic("%p cannot be shown to users", page);
}

void process_init(void)
{
	show_to_user(__user_text_start, __user_text_end);
	show_to_user(user_stack, user_stack + STACK_SIZE);
#ifdef CONFIG_X86_64
	if (xen_write_user_cr3((const void *)xen_start_info->pt_base) != 0)
		panic("NEW_USER_BASEPTR refused");
#endif
	if (HYPERVISOR_stack_switch(FLAT_KERNEL_SS, (unsigned long)kernel_stack + STACK_SIZE) != 0)
		panic("stack_switch refused");
}
