/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * @NAME@: a 32-bit PVH kernel, in one file.
 *
 * Xen, or QEMU's -kernel without Xen, enters _start in 32-bit mode: flat segments, no page
 * tables, no stack, and in %ebx the address of struct hvm_start_info.  From there on the kernel
 * controls its machine.
 */
#include <stddef.h>
#include <stdint.h>

#define STACK_SIZE 0x4000

char boot_stack[STACK_SIZE] __attribute__((aligned(16)));
_Noreturn void kernel_main(uint32_t start_info);

/* The note PHYS32_ENTRY in SConstruct names this entry.  Loaders have cleared .bss. */
asm(".section .head.text, \"ax\"\n"
    ".globl _start\n"
    "_start:\n"
    "	movl $boot_stack + 0x4000, %esp\n"
    "	pushl %ebx\n" /* the argument of kernel_main */
    "	pushl $0\n"   /* no return address */
    "	jmp kernel_main\n"
    ".text\n");

#define HYPERVISOR_console_io 18
#define CONSOLEIO_write 0
#define HVM_START_MAGIC 0x336ec578 /* "xEn3": struct hvm_start_info */
#define SERIAL_PORT 0x3f8

static uint32_t cpuid_ebx(uint32_t leaf)
{
	uint32_t ebx, ecx = 0, edx;

	asm volatile("cpuid" : "+a"(leaf), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ebx;
}

/* The signature is "XenVMMXenVMM"; this compares its first four letters. */
static int runs_on_xen(void)
{
	return cpuid_ebx(0x40000000) == 0x566e6558;
}

/* The number goes into %eax, up to three arguments into %ebx, %ecx and %edx. */
static long hypercall(unsigned int number, long first, long second, long third)
{
	long result = number;

	if (cpuid_ebx(0) == 0x756e6547) /* "Genu" of GenuineIntel */
		asm volatile("vmcall" : "+a"(result), "+b"(first), "+c"(second), "+d"(third) : : "memory");
	else
		asm volatile("vmmcall" : "+a"(result), "+b"(first), "+c"(second), "+d"(third) : : "memory");
	return result;
}

static void out_byte(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

/* Write to Xen's console, which only dom0 may do; without Xen, to the serial port. */
static void write_text(const char *text)
{
	size_t size = 0;

	while (text[size])
		size++;
	if (runs_on_xen())
		hypercall(HYPERVISOR_console_io, CONSOLEIO_write, (long)size, (long)text);
	else
		while (*text)
			out_byte(SERIAL_PORT, (uint8_t)*text++);
}

static int failures;

/* Print the result of a check: `scons boot` reads these lines. */
static void check(const char *name, int holds)
{
	write_text(holds ? "PASS " : "FAIL ");
	write_text(name);
	write_text(holds ? "\n" : ": it does not hold\n");
	failures += !holds;
}

/* Report the result, and make QEMU exit with the status 2 * code + 1, by its port 0xf4. */
static _Noreturn void end(int passed)
{
	uint32_t code = passed ? 0x10 : 2;

	write_text(passed ? "RESULT: PASS\n" : "RESULT: FAIL\n");
	asm volatile("outl %0, %1" : : "a"(code), "Nd"((uint16_t)0xf4));
	for (;;)
		asm volatile("cli; hlt");
}

static char in_bss;

_Noreturn void kernel_main(uint32_t start_info)
{
	char *here = __builtin_frame_address(0);

	write_text(CONFIG_GREETING "\n");
	check("the_stack_is_ours", here >= boot_stack && here < boot_stack + STACK_SIZE);
	check("bss_is_clear", in_bss == 0);
	check("start_info_is_there", *(const uint32_t *)start_info == HVM_START_MAGIC);
	end(failures == 0);
}
