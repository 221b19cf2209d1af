/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A bzImage of any kernel that has a PVH entry (Linux Documentation/arch/x86/boot.rst).
 *
 * Boot loaders, and QEMU's -kernel, put the setup part below 1 MiB and start it in real mode, and
 * the rest at 1 MiB.  The setup part turns on protected mode and jumps there; the stub loads the
 * ELF file behind it, as Xen or QEMU would, and starts it by its entry.  Xen runs neither: it
 * takes the ELF file out, which payload_offset and payload_length tell it.
 */
#define SECTORS 4	/* of the setup part, besides the first */
#define KERNEL 0x100000
#define CODE 0x8
#define DATA 0x10

	.section .setup, "ax"
	.code16
setup:
	.org	0x1f1
	.byte	SECTORS			/* setup_sects */
	.word	0			/* root_flags */
	.long	paragraphs		/* syssize */
	.word	0, 0, 0			/* ram_size, vid_mode, root_dev */
	.word	0xaa55			/* boot_flag */
	.byte	0xeb, start - 1f	/* a jump to where real mode starts */
1:	.ascii	"HdrS"
	.word	0x0208			/* version: with a payload */
	.long	0			/* realmode_swtch */
	.word	0, 0			/* start_sys_seg, kernel_version */
	.byte	0, 1			/* type_of_loader; loadflags: LOADED_HIGH */
	.word	0			/* setup_move_size */
	.long	KERNEL			/* code32_start */
	.long	0, 0, 0			/* ramdisk_image, ramdisk_size, bootsect_kludge */
	.word	0, 0			/* heap_end_ptr, of the loader */
	.long	0			/* cmd_line_ptr */
	.long	0x7fffffff		/* initrd_addr_max */
	.long	0x1000000		/* kernel_alignment */
	.byte	0, 0			/* relocatable_kernel, min_alignment */
	.word	0			/* xloadflags */
	.long	255			/* cmdline_size */
	.long	0			/* hardware_subarch */
	.quad	0			/* hardware_subarch_data */
	.long	payload - stub		/* payload_offset */
	.long	payload_end - payload	/* payload_length */
	.quad	0			/* setup_data */

/* %ds is the segment of the setup part. */
start:
	cli
	cld
	movw	%ds, %ax
	movzwl	%ax, %eax
	shll	$4, %eax
	addl	$gdt - setup, %eax
	movl	%eax, gdt_address - setup
	lgdtl	gdt_register - setup
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$CODE, $KERNEL

	.balign	8
gdt:
	.quad	0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_register:
	.word	. - gdt - 1
gdt_address:
	.long	0
	.org	(SECTORS + 1) * 512

/* At KERNEL: what is here finds itself by that. */
	.section .stub, "ax"
	.code32
#define HERE(symbol) (KERNEL + symbol - stub)
stub:
	movl	$DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$HERE(payload), %ebp
	/* ELF64: e_phoff, e_phnum; then each PT_LOAD to its p_paddr. */
	movl	32(%ebp), %ebx
	addl	%ebp, %ebx
	movzwl	56(%ebp), %edx
1:	cmpl	$1, (%ebx)
	jne	2f
	movl	8(%ebx), %esi		/* p_offset */
	addl	%ebp, %esi
	movl	24(%ebx), %edi		/* p_paddr */
	movl	32(%ebx), %ecx		/* p_filesz */
	rep movsb
	movl	40(%ebx), %ecx		/* p_memsz */
	subl	32(%ebx), %ecx
	xorl	%eax, %eax
	rep stosb
2:	addl	$56, %ebx
	decl	%edx
	jnz	1b
	movl	$HERE(start_info), %ebx
	jmpl	*24(%ebp)		/* e_entry, a physical address here */

	.balign	8
start_info:				/* struct hvm_start_info, of which only the magic is used */
	.long	0x336ec578, 0, 0, 0
	.quad	0, 0, 0

	.balign	16
payload:
	.incbin	"kinds"
payload_end:
	.balign	16
	.set	paragraphs, (. - stub) / 16
