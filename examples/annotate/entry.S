/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Two entries, one for each way that Xen starts a kernel; both go on in kernel_main().
 *
 * pvh_start: 32-bit code at its physical address, paging off, %ebx the address of hvm_start_info.
 * pv_start: 64-bit code at its virtual address, Xen's own page tables, %rsi that of start_info.
 */
#define VIRT_BASE 0xffffffff80000000

	.section .text.entry, "ax"
	.code32
	.globl pvh_start
	.type pvh_start, @function
pvh_start:
	mov $(tables - VIRT_BASE), %eax
	mov %eax, %cr3
	mov %cr4, %eax
	or $0x20, %eax			/* PAE */
	mov %eax, %cr4
	mov $0xc0000080, %ecx		/* EFER: long mode */
	rdmsr
	or $0x100, %eax
	wrmsr
	mov %cr0, %eax
	or $0x80000000, %eax		/* paging */
	mov %eax, %cr0
	lgdtl gdt_descriptor - VIRT_BASE
	ljmpl $8, $(long_mode - VIRT_BASE)

	.code64
long_mode:
	mov $stack_end, %rsp
	xor %edi, %edi
	movabs $kernel_main, %rax
	call *%rax

	.globl pv_start
	.type pv_start, @function
pv_start:
	mov $stack_end, %rsp
	mov $1, %edi
	call kernel_main

	/* The first GiB, at 0 and at VIRT_BASE, in pages of 2 MiB. */
	.data
	.balign 4096
tables:
	.quad upper - VIRT_BASE + 3
	.fill 510, 8, 0
	.quad upper - VIRT_BASE + 3
upper:
	.quad pages - VIRT_BASE + 3
	.fill 509, 8, 0
	.quad pages - VIRT_BASE + 3
	.quad 0
pages:
	.set page, 0
	.rept 512
	.quad page + 0x83
	.set page, page + 0x200000
	.endr
gdt:
	.quad 0, 0x00af9b000000ffff
gdt_descriptor:
	.word 15
	.long gdt - VIRT_BASE

	.bss
	.balign 16
	.fill 8192
stack_end:
	.section .note.GNU-stack, "", @progbits
