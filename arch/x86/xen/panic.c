/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Ends a kernel that cannot continue: prints the reason, the registers and the call
 * trace.
 *
 * Every function begins by pushing the caller's %rbp and setting %rbp to its address
 * (-fno-omit-frame-pointer), so the saved ones form a chain, each next to a return
 * address.  `addr2line -f -e vmlinux` names the functions.
 */
#include <stdarg.h>
#include <stdint.h>

#include "layout.h"
#include "printk.h"
#include "ptrace.h"
#include "xen-ops.h"

#define MAX_FRAMES 32

#ifdef CONFIG_X86_64
#define REGISTER "%016lx"
#else
#define REGISTER "%08lx"
#endif

static bool is_text(uintptr_t address)
{
	return address >= (uintptr_t)_text && address < (uintptr_t)_etext;
}

/* Whether an address is in the image, which has all stacks. */
static bool is_readable(uintptr_t address)
{
	return address % sizeof(long) == 0 && address >= (uintptr_t)_text &&
	       address < (uintptr_t)_end - 2 * sizeof(long);
}

static void print_calls(uintptr_t frame)
{
	for (int i = 0; i < MAX_FRAMES && is_readable(frame); i++) {
		uintptr_t next = ((const uintptr_t *)frame)[0];
		uintptr_t caller = ((const uintptr_t *)frame)[1];

		if (!is_text(caller))
			break;
		printk("  " REGISTER "\n", (unsigned long)caller);
		if (next <= frame)
			break; /* the stack grows down: frames of callers are above */
		frame = next;
	}
}

static void print_registers(const struct pt_regs *regs)
{
#ifdef CONFIG_X86_64
	printk("rip %016lx cs  %016lx rflags %016lx\n", regs->ip, regs->cs, regs->flags);
	printk("rsp %016lx ss  %016lx rbp %016lx\n", regs->sp, regs->ss, regs->bp);
	printk("rax %016lx rbx %016lx rcx %016lx\n", regs->ax, regs->bx, regs->cx);
	printk("rdx %016lx rsi %016lx rdi %016lx\n", regs->dx, regs->si, regs->di);
	printk("r8  %016lx r9  %016lx r10 %016lx\n", regs->r8, regs->r9, regs->r10);
	printk("r11 %016lx r12 %016lx r13 %016lx\n", regs->r11, regs->r12, regs->r13);
	printk("r14 %016lx r15 %016lx\n", regs->r14, regs->r15);
#else
	printk("eip %08lx cs  %08lx eflags %08lx\n", regs->ip, regs->cs, regs->flags);
	if (user_mode(regs))
		printk("esp %08lx ss  %08lx\n", regs->sp, regs->ss);
	else
		printk("esp %08lx\n", kernel_stack_pointer(regs));
	printk("eax %08lx ebx %08lx ecx %08lx edx %08lx\n", regs->ax, regs->bx, regs->cx,
	       regs->dx);
	printk("esi %08lx edi %08lx ebp %08lx\n", regs->si, regs->di, regs->bp);
	printk("ds  %08lx es  %08lx\n", regs->ds & 0xffff, regs->es & 0xffff);
#endif
}

static void say(const char *format, va_list args)
{
	printk("FAIL %s: panic: ", current_check);
	vprintk(format, args);
	printk("\n");
}

_Noreturn void panic_at(const struct pt_regs *regs, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	print_registers(regs);
	printk("Call trace:\n  " REGISTER "\n", regs->ip);
	print_calls(regs->bp);
	report_result(false);
}

_Noreturn void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	printk("Call trace:\n");
	print_calls((uintptr_t)__builtin_frame_address(0));
	report_result(false);
}
