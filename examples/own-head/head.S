/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * An entry and a note of the kernel's own.  A PVH loader, Xen's or QEMU's, enters at the address
 * in the note PHYS32_ENTRY: in 32-bit mode, without page tables, %ebx at hvm_start_info.
 */
	.section .note.Xen, "a", @note
	.balign	4		/* 8 would be padding that Xen does not expect */
	.long	4		/* of "Xen" with its NUL */
	.long	4		/* of the address */
	.long	18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	_start

	.section .head.text, "ax"
	.globl	_start
_start:
	movl	$stack_end, %esp
	pushl	%ebx
	call	kernel_main

	.bss
	.balign	16
	.skip	0x4000
stack_end:
