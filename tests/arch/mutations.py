# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Mutations: for each check of the guest's self-test, a change that must make it fail.

Most change the part of the guest that the check tests.  If that part is Xen's or the
processor's, or if nothing would run without it, the expectation of the check is changed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """The replacement of a text that occurs once in a file of arch/x86/xen/."""

    check: str
    path: str
    old: str
    new: str
    mode: str = "pv"
    cpus: int = 1


UNPROVED_32 = {"kernels_pages_hidden_from_user", "lost_segment_becomes_null"}
"""Checks of a 32-bit guest, for which there is no mutation: mutations run in a 64-bit guest."""


def _table(*rows: tuple[str, str, str, str], mode: str = "pv", cpus: int = 1) -> list[Mutation]:
    return [Mutation(*row, mode=mode, cpus=cpus) for row in rows]


_SETUP = _table(
    ("start_info_magic", "checks/booting.c", '"xen-3.0-x86_64"', '"xen-4.0-x86_64"'),
    ("memory_holds_image", "vmlinux.lds.S", "_end = .;\n\n", "_end = . + 0x10000000;\n\n"),
    ("bss_cleared", "vmlinux.lds.S", "__bss_start = .;", "__bss_start = . + 8;"),
    (
        "stack_in_init_thread_union",
        "setup.c",
        "report_result(run_checks());",
        'asm volatile("mov %0, %%rsp" : : "r"((char *)alloc_page() + PAGE_SIZE));'
        "report_result(run_checks());",
    ),
    (
        "hypercall_returns_version",
        "checks/booting.c",
        "xen_version(XENVER_version",
        "xen_version(1",
    ),
    ("hypercall_page_filled", "checks/booting.c", "stub[0] != 0", "stub[0] == 0"),
    (
        "gs_base_at_irq_stack_union",
        "setup.c",
        "\tsetup();\n",
        '\tsetup(); asm volatile("wrmsr" : : "c"(0xc0000101), '
        '"a"((uint32_t)(uintptr_t)&irq_stack_union + 64), "d"(~0u));\n',
    ),
    ("entered_in_the_kernels_ring", "setup.c", "mov %%cs, %0", "mov %%ds, %0"),
    (
        "entered_with_events_masked",
        "setup.c",
        "\tnote_entry_state();\n",
        "\txen_irq_enable(); note_entry_state();\n",
    ),
    ("entered_with_interrupts_on", "setup.c", "pushf; pop", "pushf; andl $~0x200, (%%rsp); pop"),
    ("entered_with_direction_flag_clear", "setup.c", "pushf; pop %0", "std; pushf; pop %0; cld"),
    ("shared_info_mapped", "checks/booting.c", "this_vcpu()->time", "this_vcpu()[1].time"),
    ("wall_clock_set", "checks/booting.c", "_shared_info->wc_sec", "_shared_info[1].wc_sec"),
    ("features_read", "enlighten.c", "= info.submap;", "= 0;"),
    (
        "features_agree_with_start_info",
        "enlighten.c",
        "= info.submap;",
        "= info.submap ^ 1 << XENFEAT_dom0;",
    ),
    (
        "image_at_its_frames",
        "checks/booting.c",
        "virt_to_mfn(page)",
        "virt_to_mfn(page + PAGE_SIZE)",
    ),
)

_MMU = _table(
    ("m2p_inverts_p2m", "checks/mappings.c", "pfn_to_mfn(pfn)), pfn", "pfn_to_mfn(pfn) ^ 1), pfn"),
    (
        "boot_tables_read_only",
        "checks/mappings.c",
        "entry_of((char *)top_table()",
        "entry_of(_text",
    ),
    ("memory_mapped", "mmu.c", "pfn += TABLE_ENTRIES)", "pfn += 2 * TABLE_ENTRIES)"),
    (
        "existing_mapping_left_alone",
        "mmu.c",
        "!(*entry & _PAGE_PRESENT) && write_pte(entry, memory_pte(pfn)) != 0",
        "write_pte(entry, memory_pte(pfn)) != 0 && !(*entry & _PAGE_PRESENT)",
    ),
    (
        "missing_mapping_inserted",
        "mmu.c",
        "!(*entry & _PAGE_PRESENT) && write_pte(entry",
        "0 && write_pte(entry",
    ),
    ("unmapped_address_faults", "traps.c", "error_code = regs->error_code;", "error_code = 1;"),
    ("new_tables_map_memory", "checks/area.c", "pte_of(first)", "pte_of(second)"),
    ("mapping_changes_at_once", "mmu.c", "UVMF_INVLPG", "UVMF_NONE"),
    (
        "processor_marks_use",
        "checks/mappings.c",
        "map_page((const void *)AREA, pte_of(first) & ~(_PAGE_ACCESSED | _PAGE_DIRTY));",
        "map_page((const void *)AREA, pte_of(first));",
    ),
    ("updates_stop_at_a_refused_one", "checks/mappings.c", "pte_of(top_table())", "pte_of(second)"),
    (
        "preserve_ad_keeps_use",
        "checks/mappings.c",
        "MMU_PT_UPDATE_PRESERVE_AD,",
        "MMU_NORMAL_PT_UPDATE,",
    ),
    (
        "read_only_honoured",
        "checks/mappings.c",
        "fault = try_store(first)",
        "fault = try_read(first)",
    ),
    ("no_execute_honoured", "checks/mappings.c", "pte_of(first) | _PAGE_NX", "pte_of(first)"),
    (
        "store_to_top_table_faults",
        "checks/page_types.c",
        "try_store(top_table())",
        "try_read(first)",
    ),
    (
        "store_to_l1_needs_assist",
        "checks/page_types.c",
        "(unsigned long *)entry_at(first)",
        "(unsigned long *)lookup_address((const void *)first, 2)",
    ),
    (
        "writable_mapping_of_table_refused",
        "checks/page_types.c",
        "make_readwrite(top_table())",
        "make_readwrite(l1)",
    ),
    (
        "writable_page_as_table_refused",
        "checks/page_types.c",
        "EXPECT_EQUAL(pin_table(l1, 1), -XEN_EINVAL)",
        "make_readonly(l1); EXPECT_EQUAL(pin_table(l1, 1), -XEN_EINVAL)",
    ),
    ("xens_memory_refused", "checks/page_types.c", "pte_mfn(entry)", "virt_to_mfn(l1)"),
    (
        "pinned_page_stays_a_table",
        "mmu.c",
        "MMUEXT_PIN_L1_TABLE + level - 1",
        "level ? MMUEXT_TLB_FLUSH_LOCAL : level",
    ),
    (
        "unpinned_page_is_memory_again",
        "mmu.c",
        "MMUEXT_UNPIN_TABLE",
        "MMUEXT_TLB_FLUSH_LOCAL",
    ),
    ("copied_tables_become_cr3", "mmu.c", "MMUEXT_NEW_BASEPTR", "MMUEXT_TLB_FLUSH_LOCAL"),
)

_PRIVILEGED = _table(
    ("cpuid_with_prefix_sees_xen", "enlighten.c", 'ud2; .ascii \\"xen\\"; cpuid', "cpuid"),
    ("cr0_can_be_read", "enlighten.c", "mov %%cr0", "mov %%cr4"),
    ("fpu_traps_once_after_taskswitch", "enlighten.c", "taskswitch(set)", "taskswitch(!set)"),
    ("taskswitch_can_be_taken_back", "enlighten.c", "taskswitch(set)", "taskswitch(set | 1)"),
    ("clts_is_emulated", "checks/privileged.c", '"clts"', '"nop"'),
    ("write_to_cr0_is_emulated", "checks/privileged.c", "read_cr0() | X86_CR0_TS", "read_cr0()"),
    ("other_bits_of_cr0_are_refused", "checks/privileged.c", "read_cr0() ^ CR0_WP", "read_cr0()"),
    ("cr2_is_in_the_shared_page", "checks/privileged.c", "mov %0, %%cr2", "nop"),
    ("cr3_is_the_top_table", "enlighten.c", "mov %%cr3", "mov %%cr4"),
    ("write_to_cr3_is_emulated", "checks/privileged.c", "try_write_cr3(read_cr3())", "try_fpu()"),
    (
        "writable_page_as_cr3_is_refused",
        "checks/privileged.c",
        "try_write_cr3(cr3)",
        "try_write_cr3(read_cr3() + 0)",
    ),
    ("cr4_can_be_read", "enlighten.c", "mov %%cr4", "mov %%cr3"),
    ("rdmsr_is_emulated", "checks/privileged.c", '"c"(MSR_EFER)', '"c"(MSR_GS_BASE)'),
    ("wrmsr_moves_gs_base", "checks/privileged.c", '"wrmsr"', '"nop"'),
    (
        "set_segment_base_moves_fs_and_gs",
        "checks/privileged.c",
        "(SEGBASE_FS, (unsigned long)second)",
        "(SEGBASE_FS, (unsigned long)first)",
    ),
    ("invlpg_faults", "checks/privileged.c", '"invlpg (%0)"', '"nop"'),
    ("hlt_faults", "checks/privileged.c", '"hlt"', '"nop"'),
    ("lgdt_faults", "checks/privileged.c", '"lgdt (%0)"', '"nop"'),
    ("ports_need_iopl", "enlighten.c", ".iopl = level", ".iopl = level & 0"),
    ("tlb_flush_by_mmuext", "enlighten.c", "MMUEXT_TLB_FLUSH_LOCAL", "MMUEXT_INVLPG_LOCAL"),
    ("tlb_flush_all_by_mmuext", "enlighten.c", "MMUEXT_TLB_FLUSH_ALL", "MMUEXT_INVLPG_LOCAL"),
    (
        "invlpg_by_mmuext",
        "enlighten.c",
        "flush(MMUEXT_INVLPG_LOCAL, (unsigned long)address)",
        "flush(MMUEXT_INVLPG_LOCAL, (unsigned long)address & 0)",
    ),
    (
        "invlpg_all_by_mmuext",
        "enlighten.c",
        "flush(MMUEXT_INVLPG_ALL, (unsigned long)address)",
        "flush(MMUEXT_INVLPG_ALL, (unsigned long)address & 0)",
    ),
    ("debug_register_keeps_its_value", "checks/privileged.c", "debugreg(1, (un", "debugreg(2, (un"),
    ("debug_register_refuses_xen", "checks/privileged.c", "__MACH2PHYS_VIRT_START", "0"),
)

_SEGMENTATION = _table(
    ("gdt_in_use", "gdt.c", "= GDT_DATA,", "= 0,"),
    ("gdt_segment_can_be_loaded", "checks/segments.c", 'TRY("mov %0, %%es"', 'TRY("nop"'),
    ("gdt_code_segment_can_be_run", "gdt.c", "= GDT_CODE,", "= GDT_DATA,"),
    (
        "gdt_page_stays_read_only",
        "checks/segments.c",
        "make_readwrite(gdt[0])",
        "make_readwrite(&ldt)",
    ),
    (
        "writable_page_as_gdt_refused",
        "checks/segments.c",
        "load_gdt((const void *)first, ENTRIES)",
        "load_gdt(gdt[0], ENTRIES)",
    ),
    ("too_long_gdt_refused", "checks/segments.c", "FIRST_RESERVED_GDT_ENTRY + 1", "ENTRIES"),
    ("descriptor_updated_by_hypercall", "gdt.c", "()][index]", "()][index + 1]"),
    ("bad_descriptor_refused", "checks/segments.c", "_FREE, GDT_TSS)", "_FREE, GDT_SMALL)"),
    ("descriptors_level_made_the_kernels", "checks/segments.c", "_FREE, GDT_LEVEL_0)", "_FREE, 0)"),
    ("empty_entry_faults", "traps.c", "error_code = regs->error_code;", "error_code = 0;"),
    ("absent_segment_faults", "checks/segments.c", "_FREE, GDT_ABSENT)", "_FREE, GDT_SMALL)"),
    ("ldt_by_mmuext", "enlighten.c", "nr_ents = entries", "nr_ents = entries & 0"),
    ("breakpoint_arrives", "traps.c", "trap_int3)", "trap_overflow)"),
    ("kernels_frame_says_kernel", "checks/exceptions.c", "FLAT_KERNEL_CS & ~3", "FLAT_KERNEL_CS"),
    ("divide_error_arrives", "traps.c", "trap_divide_error)", "trap_debug)"),
    ("invalid_opcode_arrives", "traps.c", "trap_invalid_op)", "trap_bounds)"),
    (
        "registers_survive_a_trap",
        "entry_64.S",
        "\tpop\t%rcx\n\tpop\t%r11\n\t.if",
        "\tpop\t%r11\n\tpop\t%rcx\n\t.if",
    ),
    (
        "upper_registers_survive_a_trap",
        "entry_64.S",
        "\tpop\t%rcx\n\tpop\t%r11\n\t.if",
        "\tpop\t%r11\n\tpop\t%rcx\n\t.if",
    ),
    ("user_calls_and_goes_on", "process.c", ".di = argument", ".di = argument & 0"),
    ("users_frame_says_user", "process.c", ".cs = FLAT_USER_CS", ".cs = FLAT_USER_CS & ~3"),
    (
        "user_enters_on_stack_switch_stack",
        "process.c",
        "(unsigned long)kernel_stack + STACK_SIZE)",
        "(unsigned long)user_stack + STACK_SIZE / 2)",
    ),
    ("user_is_refused_another_vector", "checks/exceptions.c", "int	$0x81", "int	$0x80"),
    ("kernel_calls_itself", "checks/exceptions.c", '("int $0x80"', '("nop"'),
    (
        "users_page_fault_says_user",
        "checks/exceptions.c",
        "run_with(user_reads, (unsigned long)AREA",
        "run_with(user_reads, (unsigned long)top_table()",
    ),
    (
        "syscall_instruction_arrives",
        "traps.c",
        "_events, xen_syscall_target)",
        "_events, trap_int80)",
    ),
)

_FLAGS = _table(
    ("masked_event_stays_pending", "irq.c", "evtchn_upcall_mask = 1;", "evtchn_upcall_mask = 0;"),
    ("enabled_event_comes_at_once", "events.c", "\tevtchn_unmask(port);\n\treturn", "\treturn"),
    ("enable_forces_delivery", "irq.c", "if (this_vcpu()->evtchn_upcall_pending)", "if (0)"),
    (
        "restore_forces_delivery",
        "irq.c",
        "\t\txen_irq_enable();",
        "\t\tthis_vcpu()->evtchn_upcall_mask = 0;",
    ),
    ("save_tells_the_flag", "irq.c", "? 0 : X86_EFLAGS_IF", "? X86_EFLAGS_IF : 0"),
    ("inner_restore_keeps_masked", "irq.c", "if (flags & X86_EFLAGS_IF)", "if (flags || 1)"),
    ("cli_faults", "checks/flags.c", 'EXPECT_EQUAL(TRY("cli"', 'EXPECT_EQUAL(TRY("nop"'),
    ("sti_faults", "checks/flags.c", 'TRY("sti"', 'TRY("nop"'),
    ("cli_does_nothing_with_iopl", "checks/flags.c", "xen_set_iopl(1)", "xen_set_iopl(0)"),
    ("popf_does_nothing", "checks/flags.c", "popf; pushf; pop", "pop"),
    (
        "upcall_runs_masked",
        "events.c",
        "handlers[port](port);",
        "xen_irq_enable(); handlers[port](port);",
    ),
    ("gate_that_masks", "traps.c", "ENTER_MASKED, trap_page_fault", "0, trap_page_fault"),
    ("gate_that_does_not_mask", "traps.c", "LEVEL_USER, trap_int3", "ENTER_MASKED, trap_int3"),
    (
        "frame_carries_the_flag",
        "traps.c",
        "if (handler && handler(regs))",
        "regs->flags |= X86_EFLAGS_IF; if (handler && handler(regs))",
    ),
    ("iret_delivers_what_is_pending", "checks/flags.c", "->flags |= X86_EFLAGS_IF", "->flags |= 0"),
    ("block_enables_and_wakes", "irq.c", "SCHEDOP_block, NULL", "SCHEDOP_yield, NULL"),
)

_UPCALLS = _table(
    ("ipi_arrives", "events.c", "handlers[port](port);", "handlers[port](port + 1);"),
    (
        "taken_event_is_not_pending",
        "checks/upcalls.c",
        "bool pending = evtchn_is_pending(port) ||",
        "evtchn_mask(port); evtchn_send(port); bool pending = evtchn_is_pending(port) ||",
    ),
    (
        "masked_channel_is_held_back",
        "events.c",
        "set_bit(port, HYPERVISOR_shared_info->evtchn_mask)",
        "clear_bit(port, HYPERVISOR_shared_info->evtchn_mask)",
    ),
    (
        "no_event_is_lost_by_unmask",
        "events.c",
        "if (HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &unmask) != 0)",
        "clear_bit(unmask.port, HYPERVISOR_shared_info->evtchn_mask); if (0)",
    ),
    (
        "sends_coalesce",
        "checks/upcalls.c",
        "xen_irq_disable();\n\tfor (unsigned int i = 0; i < 5",
        "for (unsigned int i = 0; i < 5",
    ),
    (
        "one_upcall_brings_all_channels",
        "events.c",
        "handlers[port](port);",
        "handlers[port](port); return;",
    ),
    (
        "event_in_a_handler_waits_for_its_end",
        "events.c",
        "handlers[port](port);",
        "xen_irq_enable(); handlers[port](port);",
    ),
    (
        "interdomain_channel_reaches_its_other_end",
        "checks/upcalls.c",
        "evtchn_send(bind.local_port)",
        "evtchn_send(unbound.port)",
    ),
    (
        "status_tells_the_kind",
        "events.c",
        "channel_op(EVTCHNOP_close, &close) != 0",
        "channel_op(EVTCHNOP_send, &close) == 1",
    ),
    (
        "closed_channel_refuses",
        "events.c",
        "channel_op(EVTCHNOP_close, &close) != 0",
        "channel_op(EVTCHNOP_send, &close) == 1",
    ),
    ("event_interrupts_user", "process.c", ".flags = X86_EFLAGS_IF", ".flags = 2"),
    (
        "registers_survive_an_upcall",
        "events.c",
        "xen_upcalls[smp_processor_id()]++;",
        "xen_upcalls[smp_processor_id()]++; regs->cx++;",
    ),
    (
        "upper_registers_survive_an_upcall",
        "events.c",
        "xen_upcalls[smp_processor_id()]++;",
        "xen_upcalls[smp_processor_id()]++; regs->r11++;",
    ),
    ("clock_goes_on", "time.c", "return time;", "return time & ~0xffffffful;"),
    ("timer_fires_and_not_early", "time.c", "timer_op(deadline)", "timer_op(deadline ? 1 : 0)"),
    (
        "timer_fires_once",
        "time.c",
        "HYPERVISOR_vcpu_op(VCPUOP_stop_periodic_timer, smp_processor_id(), NULL)",
        "0",
    ),
    (
        "timer_can_be_taken_back",
        "time.c",
        "timer_op(deadline)",
        "timer_op(deadline ? deadline : 1)",
    ),
    (
        "periodic_timer_is_stopped",
        "time.c",
        "HYPERVISOR_vcpu_op(VCPUOP_stop_periodic_timer, smp_processor_id(), NULL)",
        "0",
    ),
    ("virq_channel_says_so", "checks/timers.c", ".port = port};", ".port = port + 1};"),
    ("block_until_timer", "time.c", "timer_op(deadline)", "timer_op(deadline ? 1 : 0)"),
    ("poll_ends_by_time", "checks/timers.c", ".timeout = start + WHILE_NS", ".timeout = start"),
    (
        "poll_ends_by_event",
        "checks/timers.c",
        "evtchn_send(port);\n\tuint64_t start",
        "uint64_t start",
    ),
    ("failsafe_tells_of_a_lost_segment", "gdt.c", "failsafe_callbacks++;", ""),
)

_MULTICALLS = _table(
    ("each_call_has_its_result", "multicalls.c", "= (unsigned long)cmd;", "= cmd & 0;"),
    ("failure_in_the_middle_stops_nobody", "multicalls.c", "buffer.failed++;", ";"),
    ("unknown_call_has_its_error", "checks/batching.c", "->op = 1000", "->op = 17"),
    (
        "nothing_happens_before_the_flush",
        "multicalls.c",
        "= (unsigned long)result;",
        "= (unsigned long)result; xen_mc_flush();",
    ),
    (
        "batched_mappings_take_effect",
        "multicalls.c",
        "ARG64(entry), flags}",
        "ARG64(entry & ~_PAGE_PRESENT), flags}",
    ),
    (
        "arguments_are_kept",
        "multicalls.c",
        "= (unsigned long)space.args;",
        "= (unsigned long)&update;",
    ),
    (
        "arguments_do_not_overlap",
        "multicalls.c",
        "buffer.args_used += (unsigned int)size;",
        "",
    ),
    (
        "order_is_kept",
        "checks/batching.c",
        "add_update(AREA + LONGS, first);\n\t\tadd_update(AREA + LONGS, second);",
        "add_update(AREA + LONGS, second);\n\t\tadd_update(AREA + LONGS, first);",
    ),
    (
        "full_buffer_flushes_itself",
        "multicalls.c",
        "used == MC_CALLS ||",
        "used == MC_CALLS / 2 ||",
    ),
    ("full_arguments_flush_too", "multicalls.c", "+ size > MC_ARGS)", "+ size > MC_ARGS / 4)"),
    ("empty_batch_costs_nothing", "multicalls.c", "if (used == 0)", "if (used == ~0u)"),
    ("batch_holds_events_back", "multicalls.c", "\txen_irq_disable();\n", "\n"),
    ("batch_leaves_events_masked", "multicalls.c", "_restore_fl(buffer.flags)", "_irq_enable()"),
    (
        "many_calls_take_one_trap",
        "multicalls.c",
        "= (unsigned long)result;",
        "= (unsigned long)result; xen_mc_flush();",
    ),
)

_SMP = _table(
    ("smp_second_vcpu_comes_up", "smp.c", "VCPUOP_up, cpu", "VCPUOP_is_up, cpu"),
    ("smp_stack_of_its_own", "smp.c", ".rsp = stack,", ".rsp = (unsigned long)(areas + cpu),"),
    (
        "smp_gs_base_of_its_own",
        "smp.c",
        "= (unsigned long)per_cpu_area(cpu),",
        "= (unsigned long)per_cpu_area(0),",
    ),
    ("smp_gdt_of_its_own", "smp.c", "virt_to_mfn(gdt[cpu])", "virt_to_mfn(gdt[0])"),
    ("smp_trap_arrives_there", "traps.c", "traps[trap->vector] =", "traps[trap->vector ^ 7] ="),
    ("smp_ipi_upcall_arrives_there", "events.c", "{.vcpu = vcpu};", "{.vcpu = 0};"),
    (
        "smp_ipi_is_sent_back",
        "checks/vcpu_upcalls.c",
        "evtchn_send(ipis[!cpu])",
        "evtchn_send(ipis[cpu])",
    ),
    (
        "smp_mask_of_its_own",
        "irq.c",
        "this_vcpu()->evtchn_upcall_mask = 1;",
        "HYPERVISOR_shared_info->vcpu_info[0].evtchn_upcall_mask = 1;",
    ),
    ("smp_events_are_left_to_their_vcpu", "events.c", "& *mine;", "& (*mine | ~0ul);"),
    (
        "smp_channel_can_be_moved",
        "events.c",
        "channel_op(EVTCHNOP_bind_vcpu, &bind) != 0",
        "channel_op(EVTCHNOP_send, &port) != 0",
    ),
    ("smp_lock_loses_nothing", "checks/second_vcpu.c", "spin_lock(&lock);", ""),
    (
        "smp_clock_goes_on_there",
        "time.c",
        "= &this_vcpu()->time;",
        "= &HYPERVISOR_shared_info->vcpu_info[2 * smp_processor_id()].time;",
    ),
    ("smp_timer_fires_there", "events.c", ".vcpu = smp_processor_id()};", ".vcpu = 0};"),
    (
        "smp_down_stops_it_and_up_goes_on",
        "smp.c",
        "\tif (HYPERVISOR_vcpu_op(VCPUOP_down, cpu, NULL) != 0)\n",
        "\tif (1)\n\t\treturn;\n\tif (0)\n",
    ),
    ("smp_tlb_flush_reaches_it", "enlighten.c", "MMUEXT_TLB_FLUSH_ALL", "MMUEXT_TLB_FLUSH_LOCAL"),
    cpus=2,
)


def _at_start(check: str, statement: str) -> tuple[str, str, str, str]:
    """Return the mutation that adds a statement to the start of a PVH guest."""
    return (check, "pvh.c", "\tpvh_trap_init();\n", f"\tpvh_trap_init(); {statement}\n")


_PVH = _table(
    _at_start("pvh_start_info_magic", "*(uint32_t *)phys_to_virt(start_info) = 0;"),
    _at_start("pvh_memory_map_holds_image", "pvh_distance += 1ul << 33;"),
    ("pvh_bss_cleared", "vmlinux.lds.S", "__bss_start = .;", "__bss_start = . + 8;"),
    (
        "pvh_stack_in_init_thread_union",
        "pvh.c",
        "\treport_result(run_checks());",
        "\tstatic char other[THREAD_SIZE];\n"
        '\tasm volatile("mov %0, %%rsp" : : "r"(other + THREAD_SIZE));'
        "report_result(run_checks());",
    ),
    _at_start("pvh_gs_base_at_irq_stack_union", "wrmsr(0xc0000101, (uint64_t)pvh_page_tables);"),
    _at_start("pvh_long_mode", "wrmsr(0xc0000080, rdmsr(0xc0000080) & ~0x800ul);"),
    ("pvh_gdt_is_the_images", "pvh-traps.c", '"lidt %0"', '"lgdt %0; lidt %0"'),
    _at_start("pvh_cr3_is_the_images", "pvh_distance += 1ul << 33;"),
    _at_start("pvh_identity_map_has_4_gib", "pvh_page_tables[6][0] = 0;"),
    _at_start("pvh_identity_and_kernel_map_agree", "pvh_distance += 0x200000;"),
    _at_start(
        "pvh_read_only_page_is_protected",
        'asm volatile("mov %%cr0, %%rax; btr $16, %%rax; mov %%rax, %%cr0" : : : "rax");',
    ),
    (
        "pvh_no_execute_page_is_not_executed",
        "pvh-traps.c",
        ".error = error}",
        ".error = error & 3}",
    ),
    ("pvh_breakpoint_comes_back", "pvh-traps.c", "\tpvh_breakpoints++;\n", ""),
    mode="qemu",
)
_PVH_XEN = _table(
    (
        "pvh_direct_hypercall_agrees",
        "pvh.c",
        "(vmcall ? hypercall_vmcall : hypercall_vmmcall)",
        "(vmcall ? hypercall_vmmcall : hypercall_vmcall)",
    ),
    ("pvh_cpuid_tells_the_same_version", "checks/pvh_xen.c", "LEAF_VERSION", "LEAF_MSR"),
    ("pvh_hypercall_page_filled", "checks/pvh_xen.c", "slot[5 + i]", "slot[6 + i]"),
    ("pvh_features_are_a_pvh_guests", "checks/pvh_xen.c", "XENFEAT_hvm_callback_vector", "20"),
    (
        "pvh_pv_hypercalls_are_refused",
        "checks/pvh_xen.c",
        "HYPERVISOR_stack_switch(0, 0)",
        "HYPERVISOR_xen_version(XENVER_version, NULL)",
    ),
    ("pvh_shared_info_appears", "pvh.c", ".space = XENMAPSPACE_shared_info", ".space = 1"),
    (
        "pvh_event_stays_pending",
        "checks/pvh_xen.c",
        "EXPECT(is_pending(send.port));\n\tEXPECT_EQUAL(pvh_upcalls, 0);",
        "EXPECT(!is_pending(send.port));",
    ),
    ("pvh_upcall_comes_by_its_vector", "pvh-traps.c", "\tpvh_upcalls++;\n", ""),
    mode="pvh",
)

MUTATIONS = [*_SETUP, *_MMU, *_PRIVILEGED, *_SEGMENTATION, *_FLAGS, *_UPCALLS, *_MULTICALLS]
MUTATIONS += [*_SMP, *_PVH, *_PVH_XEN]
