/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where Xen enters the kernel, for entry_64.S and entry_32.S, which say how by
 * the macro entry_point: name, vector, and 1 if Xen pushes an error code.
 */
	entry_point trap_divide_error, 0
	entry_point trap_debug, 1
	entry_point trap_nmi, 2
	entry_point trap_int3, 3
	entry_point trap_overflow, 4
	entry_point trap_bounds, 5
	entry_point trap_invalid_op, 6
	entry_point trap_device_not_available, 7
	entry_point trap_double_fault, 8, 1
	entry_point trap_invalid_tss, 10, 1
	entry_point trap_segment_not_present, 11, 1
	entry_point trap_stack_segment, 12, 1
	entry_point trap_general_protection, 13, 1
	entry_point trap_page_fault, 14, 1
	entry_point trap_coprocessor_error, 16
	entry_point trap_alignment_check, 17, 1
	entry_point trap_machine_check, 18
	entry_point trap_simd_error, 19
	entry_point trap_int80, 0x80

	entry_point xen_hypervisor_callback, VECTOR_EVENT
