/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks of the trap table: exceptions as Xen delivers them, and the transitions
 * to user mode and back.
 */
#include "../ptrace.h"
#include "area.h"
#include "check.h"

static struct pt_regs seen;
static unsigned int traps;
static bool on_kernels_stack;

static bool note(struct pt_regs *regs)
{
	seen = *regs;
	traps++;
	on_kernels_stack = on_kernel_stack(&regs);
	return true;
}

/* A system call: with 0 in %rax it ends user mode, else it doubles the value. */
static bool serve(struct pt_regs *regs)
{
	note(regs);
	if (!user_mode(regs) || regs->ax == 0)
		leave_user(regs->di);
	regs->ax *= 2;
	return true;
}

/* A fault in user mode ends user mode. */
static bool kill(struct pt_regs *regs)
{
	note(regs);
	leave_user(0);
}

static unsigned long run_with(const void *code, unsigned long argument, unsigned int vector,
			      trap_handler handler)
{
	trap_handler system_call = set_trap_handler(VECTOR_SYSTEM_CALL, serve);
	trap_handler other = set_trap_handler(vector, handler);

	traps = 0;
	unsigned long value = run_user(code, argument);

	set_trap_handler(vector, other);
	set_trap_handler(VECTOR_SYSTEM_CALL, system_call);
	return value;
}

/* The code that runs in user mode. */
extern const char user_doubles[], user_calls_elsewhere[], user_reads[], user_syscall[];

#ifdef CONFIG_X86_64
#define R "%r"
#else
#define R "%e"
#endif

asm("	.pushsection .user.text, \"ax\"\n"
    "user_doubles:\n" /* doubles its argument, and ends with the result */
    "	mov	" R "di, " R "ax\n"
    "	int	$0x80\n"
    "	mov	" R "ax, " R "di\n"
    "	xor	%eax, %eax\n"
    "	int	$0x80\n"
    "	ud2\n"
    "user_calls_elsewhere:\n"
    "	int	$0x81\n"
    "	ud2\n"
    "user_reads:\n" /* reads the address in its argument */
    "	mov	(" R "di), " R "di\n"
    "	ud2\n"
#ifdef CONFIG_X86_64
    "user_syscall:\n"
    "	mov	$7, %eax\n"
    "	syscall\n"
    "	mov	%rax, %rdi\n"
    "	xor	%eax, %eax\n"
    "	int	$0x80\n"
    "	ud2\n"
#endif
    "	.popsection\n");

static void breakpoint_arrives(void)
{
	trap_handler before = set_trap_handler(X86_TRAP_BP, note);
	unsigned long next;

	traps = 0;
	asm volatile("mov $1f, %0; int3; 1:" : "=&r"(next) : : "memory");
	set_trap_handler(X86_TRAP_BP, before);
	EXPECT_EQUAL(traps, 1);
	EXPECT_EQUAL(seen.vector, X86_TRAP_BP);
	EXPECT_EQUAL(seen.ip, next);
}

/* The lowest bits of the frame's %cs mean kernel: 0 in 64-bit, though in ring 3; 1 in 32-bit. */
#ifdef CONFIG_X86_64
#define KERNEL_CS_IN_FRAME (FLAT_KERNEL_CS & ~3)
#else
#define KERNEL_CS_IN_FRAME FLAT_KERNEL_CS
#endif

static void kernels_frame_says_kernel(void)
{
	trap_handler before = set_trap_handler(X86_TRAP_BP, note);

	asm volatile("int3" : : : "memory");
	set_trap_handler(X86_TRAP_BP, before);
	EXPECT_EQUAL(seen.cs & 0xffff, KERNEL_CS_IN_FRAME);
#ifdef CONFIG_X86_64
	EXPECT_EQUAL(seen.ss & 0xffff & ~3, FLAT_KERNEL_SS & ~3);
#endif
}

static void divide_error_arrives(void)
{
	struct fault fault = TRY("divl %2", : : "a"(1), "d"(0), "r"(0) : "cc");

	EXPECT_EQUAL(fault.vector, X86_TRAP_DE);
}

static void invalid_opcode_arrives(void)
{
	EXPECT_EQUAL(TRY("ud2", : : : "memory").vector, X86_TRAP_UD);
}

static void registers_survive_a_trap(void)
{
	trap_handler before = set_trap_handler(X86_TRAP_BP, note);
	unsigned long a = 0xa1, b = 0xb2, c = 0xc3, d = 0xd4, si = 0x51, di = 0xd1;

	asm volatile("int3"
		     : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(si), "+D"(di) : : "memory");
	set_trap_handler(X86_TRAP_BP, before);
	EXPECT(a == 0xa1 && b == 0xb2 && c == 0xc3 && d == 0xd4 && si == 0x51 && di == 0xd1);
	EXPECT(seen.ax == 0xa1 && seen.bx == 0xb2 && seen.cx == 0xc3 && seen.dx == 0xd4);
	EXPECT(seen.si == 0x51 && seen.di == 0xd1);
}

#ifdef CONFIG_X86_64
/* The entry code itself uses %r11. */
static void upper_registers_survive_a_trap(void)
{
	trap_handler before = set_trap_handler(X86_TRAP_BP, note);
	register unsigned long r8 asm("r8") = 0x88;
	register unsigned long r9 asm("r9") = 0x99;
	register unsigned long r10 asm("r10") = 0x1010;
	register unsigned long r11 asm("r11") = 0x1111;

	asm volatile("int3" : "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r11) : : "memory");
	bool kept = r8 == 0x88 && r9 == 0x99 && r10 == 0x1010 && r11 == 0x1111;

	set_trap_handler(X86_TRAP_BP, before);
	EXPECT(kept);
	EXPECT(seen.r8 == 0x88 && seen.r9 == 0x99 && seen.r10 == 0x1010 && seen.r11 == 0x1111);
}
#endif

static void user_calls_and_goes_on(void)
{
	EXPECT_EQUAL(run_with(user_doubles, 21, X86_TRAP_BP, NULL), 42);
	EXPECT_EQUAL(traps, 2);
}

static void users_frame_says_user(void)
{
	run_with(user_doubles, 1, X86_TRAP_BP, NULL);
	EXPECT_EQUAL(seen.cs & 0xffff, FLAT_USER_CS);
	EXPECT(seen.ip > (unsigned long)user_doubles);
	EXPECT(seen.ip < (unsigned long)user_calls_elsewhere);
}

static void user_enters_on_stack_switch_stack(void)
{
	trap_handler before = set_trap_handler(X86_TRAP_BP, note);

	asm volatile("int3" : : : "memory");
	bool from_kernel = on_kernels_stack;

	set_trap_handler(X86_TRAP_BP, before);
	run_with(user_doubles, 1, X86_TRAP_BP, NULL);
	EXPECT(!from_kernel);
	EXPECT(on_kernels_stack);
}

/*
 * A vector without a handler.  The error code has bit 1 for a gate, and the index
 * of the gate, which QEMU before version 8 doubles.
 */
static void user_is_refused_another_vector(void)
{
	run_with(user_calls_elsewhere, 0, X86_TRAP_GP, kill);
	EXPECT_EQUAL(seen.vector, X86_TRAP_GP);
	EXPECT_EQUAL(seen.error_code & 7, 2);
	EXPECT_EQUAL(seen.ip, (unsigned long)user_calls_elsewhere);
}

static void kernel_calls_itself(void)
{
	trap_handler before = set_trap_handler(VECTOR_SYSTEM_CALL, note);

	traps = 0;
	asm volatile("int $0x80" : : : "memory");
	set_trap_handler(VECTOR_SYSTEM_CALL, before);
	EXPECT_EQUAL(traps, 1);
	EXPECT(!user_mode(&seen));
}

static void users_page_fault_says_user(void)
{
	run_with(user_reads, (unsigned long)AREA, X86_TRAP_PF, kill);
	EXPECT_EQUAL(seen.vector, X86_TRAP_PF);
	EXPECT_EQUAL(seen.error_code, X86_PF_USER);
	EXPECT_EQUAL(try_read(AREA).error_code, 0);
}

#ifndef CONFIG_X86_64
static void kernels_pages_hidden_from_user(void)
{
	run_with(user_reads, (unsigned long)_text, X86_TRAP_PF, kill);
	EXPECT_EQUAL(seen.vector, X86_TRAP_PF);
	EXPECT_EQUAL(seen.error_code, X86_PF_PROT | X86_PF_USER);
}
#endif

#ifdef CONFIG_X86_64
static bool serve_syscall(struct pt_regs *regs)
{
	note(regs);
	regs->ax += 1;
	return true;
}

static void syscall_instruction_arrives(void)
{
	EXPECT_EQUAL(run_with(user_syscall, 0, VECTOR_SYSCALL, serve_syscall), 8);
	EXPECT_EQUAL(traps, 2);
}
#endif

static const struct check checks[] = {
	{"breakpoint_arrives", breakpoint_arrives},
	{"kernels_frame_says_kernel", kernels_frame_says_kernel},
	{"divide_error_arrives", divide_error_arrives},
	{"invalid_opcode_arrives", invalid_opcode_arrives},
	{"registers_survive_a_trap", registers_survive_a_trap},
#ifdef CONFIG_X86_64
	{"upper_registers_survive_a_trap", upper_registers_survive_a_trap},
#endif
	{"user_calls_and_goes_on", user_calls_and_goes_on},
	{"users_frame_says_user", users_frame_says_user},
	{"user_enters_on_stack_switch_stack", user_enters_on_stack_switch_stack},
	{"user_is_refused_another_vector", user_is_refused_another_vector},
	{"kernel_calls_itself", kernel_calls_itself},
	{"users_page_fault_says_user", users_page_fault_says_user},
#ifdef CONFIG_X86_64
	/* 32-bit users make system calls by `int`. */
	{"syscall_instruction_arrives", syscall_instruction_arrives},
#else
	/* A 64-bit kernel hides its pages by separate page tables for user mode. */
	{"kernels_pages_hidden_from_user", kernels_pages_hidden_from_user},
#endif
};

const struct checks exception_checks = CHECKS(checks);
