/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The linker script of the kernel image, which the C preprocessor processes first.
 *
 * Xen and QEMU read program headers only, so every section names its segments: else
 * it would inherit those of the section before it, which may be those of the notes.
 * For the same reason a section that this file does not name is an error
 * (ld --orphan-handling=error).  Physical addresses are virtual addresses minus
 * VIRT_BASE, in agreement with the notes VIRT_BASE and PADDR_OFFSET.
 *
 * Each ASSERT at the end is an invariant on which a loader or the entry code relies
 * without a check.
 */
#include "layout.h"

#define PHYSICAL(section) AT(ADDR(section) - VIRT_BASE)
#define NOT_LOADED(section) section 0 : { *(section) }
#define IS_ALIGNED(address, alignment) (((address) & ((alignment) - 1)) == 0)

#ifdef CONFIG_XEN_PV
ENTRY(startup_xen)
#elif defined(CONFIG_XEN_PVH)
/* A physical address, so that a PV loader does not use it as its entry point. */
ENTRY(phys_pvh_start_xen)
phys_pvh_start_xen = pvh_start_xen - VIRT_BASE;
#else
ENTRY(startup_halt)
#endif

PHDRS
{
	text PT_LOAD FLAGS(5);		/* R E */
	data PT_LOAD FLAGS(6);		/* RW */
#ifdef CONFIG_XEN
	note PT_NOTE FLAGS(4);		/* R; part of text */
#endif
	stack PT_GNU_STACK FLAGS(6);	/* RW: not executable */
}

SECTIONS
{
	. = VIRT_BASE + LOAD_PHYSICAL_ADDR;
	_text = .;
	.text : PHYSICAL(.text) {
		*(.text .text.*) *(.head.text .init.text)
#ifdef CONFIG_XEN_PV

		/* process.c sets the user bit for these pages. */
		. = ALIGN(PAGE_SIZE);
		__user_text_start = .;
		*(.user.text)
		. = ALIGN(PAGE_SIZE);
		__user_text_end = .;
#endif
	} :text
	_etext = .;

#ifdef CONFIG_XEN
	/* Alone in its segment and 4-aligned: QEMU pads notes to p_align. */
	.notes : PHYSICAL(.notes) { KEEP(*(.note.Xen)) } :text :note
#endif
	.rodata : PHYSICAL(.rodata) { *(.rodata .rodata.*) } :text

	/* fault.h: the addresses of instructions that may fault. */
	__ex_table : PHYSICAL(__ex_table) {
		. = ALIGN(8);
		__start___ex_table = .;
		KEEP(*(__ex_table))
		__stop___ex_table = .;
	} :text

	/* Must be empty; as no segment is named, lld then drops them. */
#ifndef CONFIG_XEN
	.notes : { *(.note.Xen) }
#endif
	.got : { *(.got .got.plt .igot .igot.plt) }
	.plt : { *(.plt .plt.* .iplt) }
	.rel.dyn : { *(.rel.*) }
	.rela.dyn : { *(.rela.*) }

	/*
	 * The entry code clears the bytes from __bss_start to __bss_stop.  The
	 * first of them are in the file and not zero, so that a check can tell
	 * whether it did; Xen clears only bytes that are not in the file.  They
	 * also keep this segment from being empty: GNU ld puts an empty one at
	 * the physical address 0, and Xen uses the lowest as the image's start.
	 */
	. = ALIGN(PAGE_SIZE);
	.data : PHYSICAL(.data) {
		*(.data .data.*)
		. = ALIGN(8);
		__bss_start = .;
		bss_probe = .;
		QUAD(0x5a5a5a5a5a5a5a5a)
	} :data
	.bss : PHYSICAL(.bss) { *(.bss .bss.* COMMON) } :data
	. = ALIGN(8);
	__bss_stop = .;
	_end = .;

	/* For debuggers; they exist with -g only, the last three always. */
	NOT_LOADED(.debug_abbrev)
	NOT_LOADED(.debug_addr)
	NOT_LOADED(.debug_aranges)
	NOT_LOADED(.debug_frame)
	NOT_LOADED(.debug_info)
	NOT_LOADED(.debug_line)
	NOT_LOADED(.debug_line_str)
	NOT_LOADED(.debug_loc)
	NOT_LOADED(.debug_loclists)
	NOT_LOADED(.debug_macro)
	NOT_LOADED(.debug_ranges)
	NOT_LOADED(.debug_rnglists)
	NOT_LOADED(.debug_str)
	NOT_LOADED(.debug_str_offsets)
	NOT_LOADED(.symtab)
	NOT_LOADED(.strtab)
	NOT_LOADED(.shstrtab)

	/*
	 * Only Xen's notes: with .note.gnu.property, which is 8-aligned, QEMU
	 * would find none.  Unwind tables are not used, and objtool's hints
	 * (.discard.*) are not needed at run time.
	 */
	/DISCARD/ : {
		*(.note.* .comment .llvm_addrsig)
		*(.eh_frame .eh_frame_hdr .discard .discard.*)
	}
}

#if (defined(CONFIG_XEN_PV) || defined(CONFIG_XEN_PVH)) && defined(CONFIG_X86_64) && defined(CONFIG_SMP)
/*
 * The boot CPU's %gs base.  In Linux per-CPU data is linked at 0 and this is
 * where the boot CPU's copy was loaded; here there is one copy, in place.
 */
init_per_cpu__irq_stack_union = irq_stack_union;
#endif

ASSERT(SIZEOF(.got) == 0 && SIZEOF(.plt) == 0, ".got, .plt: the image holds position independent code")
ASSERT(SIZEOF(.rel.dyn) == 0 && SIZEOF(.rela.dyn) == 0, ".rel.dyn, .rela.dyn: no loader applies run-time relocations")
ASSERT(IS_ALIGNED(__bss_start, 8), "__bss_start is not 8-aligned")
ASSERT(IS_ALIGNED(__bss_stop, 8), "__bss_stop is not 8-aligned")

#ifdef CONFIG_XEN
ASSERT(SIZEOF(.notes) > 0, ".notes: the image holds no Xen notes")
ASSERT(IS_ALIGNED(ADDR(.notes), 4) && ALIGNOF(.notes) == 4, ".notes is not 4-aligned")
#else
ASSERT(SIZEOF(.notes) == 0, ".notes: an image without XEN holds Xen notes")
#endif

#ifdef CONFIG_XEN_HYPERCALL_PAGE
ASSERT(IS_ALIGNED(hypercall_page, PAGE_SIZE), "hypercall_page is not page aligned")
ASSERT(hypercall_page >= _text && hypercall_page + PAGE_SIZE <= _etext, "hypercall_page is not inside the text")
#endif

#ifdef CONFIG_XEN_PV
ASSERT(startup_xen >= _text && startup_xen < _etext, "startup_xen is not inside the text")
#endif
#ifdef CONFIG_XEN_PVH
ASSERT(pvh_start_xen >= _text && pvh_start_xen < _etext, "pvh_start_xen is not inside the text")
ASSERT(IS_ALIGNED(pvh_page_tables, PAGE_SIZE), "pvh_page_tables is not page aligned")
ASSERT(pvh_page_tables >= __bss_start && pvh_page_tables + 8 * PAGE_SIZE <= __bss_stop, "pvh_page_tables is not cleared")
#endif
#if defined(CONFIG_XEN_PV) || defined(CONFIG_XEN_PVH)
ASSERT(IS_ALIGNED(init_thread_union, THREAD_SIZE), "init_thread_union is not aligned to THREAD_SIZE")
#else
ASSERT(startup_halt >= _text && startup_halt < _etext, "startup_halt is not inside the text")
#endif
