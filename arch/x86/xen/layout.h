/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The addresses and sizes of the image, for C and for the linker script: macros of
 * plain numbers only.
 *
 * The Xen head object has VIRT_BASE in its notes and THREAD_SIZE in its entry code;
 * an image with different values there does not boot.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#define PAGE_SIZE 0x1000

/* Tables have 512 entries; in 32-bit (PAE) 4 entries of the top table are used. */
#ifdef CONFIG_X86_64
#define PAGETABLE_LEVELS 4
#else
#define PAGETABLE_LEVELS 3
#endif

/* The address of pseudo-physical 0, which the note XEN_ELFNOTE_VIRT_BASE names. */
#ifdef CONFIG_X86_64
#define VIRT_BASE 0xffffffff80000000
#else
#define VIRT_BASE CONFIG_PAGE_OFFSET
#endif

/* 16 MiB, as in Linux: above the first MiB, which dom0 sees unchanged. */
#define LOAD_PHYSICAL_ADDR 0x1000000

/* The size and the alignment of the boot stack, init_thread_union. */
#ifdef CONFIG_X86_32
#define THREAD_SIZE 0x2000
#elif defined(CONFIG_KASAN)
#define THREAD_SIZE 0x8000
#else
#define THREAD_SIZE 0x4000
#endif

#endif
