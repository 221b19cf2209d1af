/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bare-pvh: a PVH kernel, in one file.
 *
 * Xen, or QEMU's -kernel without Xen, enters _start in the head object in 32-bit mode without
 * page tables.  _start clears .bss, fills pvh_page_tables, turns on 64-bit mode, switches to
 * boot_stack and jumps to kernel_main.  From then on the kernel controls its machine: it runs in
 * ring 0, with its own page tables and descriptor tables.
 */
#include <stddef.h>
#include <stdint.h>

#define STACK_SIZE 0x4000 /* the same as stack_size in SConstruct */

/* The head object refers to these by name. */
char boot_stack[STACK_SIZE] __attribute__((aligned(16)));
uint64_t pvh_page_tables[8][512] __attribute__((aligned(4096)));
_Noreturn void kernel_main(uint32_t start_info, uint32_t distance);

/* In the head object: one for processors of Intel, one for those of AMD. */
void hypercall_vmcall(void);
void hypercall_vmmcall(void);

#define HYPERVISOR_console_io 18
#define CONSOLEIO_write 0
#define HVM_START_MAGIC 0x336ec578 /* "xEn3": struct hvm_start_info */
#define SERIAL_PORT 0x3f8

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static struct cpuid cpuid(uint32_t leaf)
{
	struct cpuid found;

	asm volatile("cpuid"
		     : "=a"(found.eax), "=b"(found.ebx), "=c"(found.ecx), "=d"(found.edx)
		     : "a"(leaf), "c"(0));
	return found;
}

/* The signature is "XenVMMXenVMM"; this compares its first four letters. */
static int runs_on_xen(void)
{
	return cpuid(0x40000000).ebx == 0x566e6558;
}

/* The number goes into %eax, up to three arguments into %rdi, %rsi and %rdx. */
static long hypercall(unsigned int number, long first, long second, long third)
{
	int is_intel = cpuid(0).ebx == 0x756e6547; /* "Genu" of GenuineIntel */
	long result = number;

	asm volatile("call *%[stub]"
		     : "+a"(result), "+D"(first), "+S"(second), "+d"(third)
		     : [stub] "r"(is_intel ? hypercall_vmcall : hypercall_vmmcall)
		     : "memory");
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

/*
 * start_info: the physical address of struct hvm_start_info.
 * distance: the bytes from where the kernel was linked to where it was loaded.
 */
_Noreturn void kernel_main(uint32_t start_info, uint32_t distance)
{
	char *here = __builtin_frame_address(0);

	write_text(CONFIG_GREETING "\n");
	check("the_stack_is_ours", here >= boot_stack && here < boot_stack + STACK_SIZE);
	check("bss_is_clear", in_bss == 0);
	/* The entry code has mapped the lowest 4 GiB one to one. */
	check("start_info_is_there", *(const uint32_t *)(uintptr_t)start_info == HVM_START_MAGIC);
	check("it_lies_where_it_was_linked", distance == 0);
	end(failures == 0);
}
