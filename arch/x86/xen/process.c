/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * User mode.
 *
 * To the processor 64-bit kernel and user are alike: both run in ring 3.  Xen
 * keeps them apart by what it loads when it goes from one to the other: the
 * user's top page table (NEW_USER_BASEPTR) and %gs base, and for the way back the
 * kernel's, with the stack that stack_switch named, as a TSS would.  Which of
 * both it is stands in the lowest bits of the saved %cs: 0 or 3.
 *
 * This kernel gives its users its own page table, which shows them everything:
 * a kernel that means to protect itself leaves its memory out of theirs.
 *
 * A 32-bit kernel is in ring 1, where the processor takes it for one: one table
 * does for both, and users see only the pages that its entries let them see.
 */
#include "layout.h"
#include "ptrace.h"
#include "xen-ops.h"
#include "hypercall.h"

#define STACK_SIZE 0x2000

/* vmlinux.lds.S: what users run is in pages of its own. */
extern const char __user_text_start[], __user_text_end[];

static unsigned char kernel_stack[STACK_SIZE] __attribute__((aligned(PAGE_SIZE)));
static unsigned char user_stack[STACK_SIZE] __attribute__((aligned(PAGE_SIZE)));

bool on_kernel_stack(const void *address)
{
	return (uintptr_t)address - (uintptr_t)kernel_stack < STACK_SIZE;
}

/* Runs code with argument in %rdi or %edi, and returns what a handler gives to leave_user. */
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

/* In 64-bit Xen itself sets this of every entry. */
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
