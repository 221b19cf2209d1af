/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The addresses at which Xen enters the kernel.  entry_64.S and entry_32.S define
 * the macro entry_point: name, vector, and 1 if Xen pushes an error code.
 */
#include "trapnr.h"

	entry_point trap_divide_error, X86_TRAP_DE
	entry_point trap_debug, X86_TRAP_DB
	entry_point trap_nmi, X86_TRAP_NMI
	entry_point trap_int3, X86_TRAP_BP
	entry_point trap_overflow, X86_TRAP_OF
	entry_point trap_bounds, X86_TRAP_BR
	entry_point trap_invalid_op, X86_TRAP_UD
	entry_point trap_device_not_available, X86_TRAP_NM
	entry_point trap_double_fault, X86_TRAP_DF, 1
	entry_point trap_invalid_tss, X86_TRAP_TS, 1
	entry_point trap_segment_not_present, X86_TRAP_NP, 1
	entry_point trap_stack_segment, X86_TRAP_SS, 1
	entry_point trap_general_protection, X86_TRAP_GP, 1
	entry_point trap_page_fault, X86_TRAP_PF, 1
	entry_point trap_coprocessor_error, X86_TRAP_MF
	entry_point trap_alignment_check, X86_TRAP_AC, 1
	entry_point trap_machine_check, X86_TRAP_MC
	entry_point trap_simd_error, X86_TRAP_XF
	entry_point trap_int80, VECTOR_SYSTEM_CALL

	entry_point xen_hypervisor_callback, VECTOR_EVENT
