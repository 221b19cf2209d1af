/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Instructions that may fault.  Each has an entry in the section __ex_table: its
 * address, and that of the next instruction.  When it faults, traps.c finds the
 * entry, stores the fault in last_fault, and continues at the second address.
 */
#ifndef FAULT_H
#define FAULT_H

#include "trapnr.h"

#define NO_FAULT (-1)

struct fault {
	int vector; /* or NO_FAULT */
	unsigned long error_code;
	unsigned long address; /* of a page fault */
};

/* traps.c: the last fault that was caught. */
extern volatile struct fault last_fault;

struct exception_table_entry {
	unsigned long instruction, resume;
};

/* vmlinux.lds.S */
extern const struct exception_table_entry __start___ex_table[], __stop___ex_table[];

#ifdef CONFIG_X86_64
#define ASM_POINTER ".quad"
#define MORE_CALL_CLOBBERS "r8", "r9", "r10", "r11",
#else
#define ASM_POINTER ".long"
#define MORE_CALL_CLOBBERS
#endif

#define EX_TABLE(instruction, resume)             \
	"	.pushsection __ex_table, \"a\"\n" \
	"	" ASM_POINTER " " instruction ", " resume "\n" \
	"	.popsection\n"

/* Runs an instruction, with operands as of asm, and returns its fault. */
#define TRY(instruction, ...)                                                               \
	({                                                                                  \
		last_fault.vector = NO_FAULT;                                               \
		asm volatile("71:	" instruction "\n72:\n" EX_TABLE("71b", "72b") __VA_ARGS__); \
		(struct fault){last_fault.vector, last_fault.error_code,                    \
			       last_fault.address};                                         \
	})

/* Calls an address that may not be executable, and returns the fault. */
#define TRY_CALL(function)                                                                 \
	({                                                                                 \
		last_fault.vector = NO_FAULT;                                              \
		asm volatile("call	*%0\n72:\n" EX_TABLE("72b", "72b")                 \
			     : : "r"(function)                                             \
			     : "ax", "cx", "dx", "si", "di", MORE_CALL_CLOBBERS "cc",      \
			       "memory");                                                  \
		(struct fault){last_fault.vector, last_fault.error_code,                   \
			       last_fault.address};                                        \
	})

#endif
