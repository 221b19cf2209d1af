/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks of a second vCPU: it starts and stops, has its own stack, descriptor table,
 * clock and TLB, and shares memory with the first.
 */
#include "second_vcpu.h"

#include "../fault.h"
#include "../ptrace.h"
#include "../spinlock.h"
#include "area.h"
#include "check.h"

static volatile unsigned int number;

static void note_number(void)
{
	number = smp_processor_id();
}

static void smp_second_vcpu_comes_up(void)
{
	NEEDS_SECOND_VCPU;
	bool before = cpu_online(CPU1);

	number = 0;
	start(note_number);
	bool during = cpu_online(CPU1);
	bool returned = finish();

	EXPECT(!before);
	EXPECT(during);
	EXPECT(returned);
	EXPECT_EQUAL(number, CPU1);
	EXPECT(!cpu_online(CPU1));
}

static const void *volatile frame;

static void note_frame(void)
{
	frame = __builtin_frame_address(0);
}

static void smp_stack_of_its_own(void)
{
	NEEDS_SECOND_VCPU;
	start(note_frame);
	EXPECT(finish());
	EXPECT(on_cpu_stack(CPU1, frame));
}

static void store_at_gs(void)
{
	asm volatile("movq %0, %%gs:0" : : "i"(0x1234567) : "memory");
}

static void smp_gs_base_of_its_own(void)
{
	volatile unsigned long *theirs = (volatile unsigned long *)per_cpu_area(CPU1);
	unsigned long mine;

	NEEDS_SECOND_VCPU;
	start(store_at_gs);
	bool returned = finish();
	unsigned long stored = *theirs;

	*theirs = 0;
	asm volatile("mov %%gs:0, %0" : "=r"(mine) : : "memory");
	EXPECT(returned);
	EXPECT_EQUAL(stored, 0x1234567);
	EXPECT_EQUAL(mine, 0);
}

/* Returns the fault of loading a selector whose descriptor may be empty. */
static int load_free_entry(void)
{
	struct fault fault = TRY("mov %0, %%es", : : "r"(SELECTOR(GDT_ENTRY_FREE)) : "memory");

	asm volatile("mov %0, %%es" : : "r"(0));
	return fault.vector;
}

static volatile int loaded;

static void fill_free_entry(void)
{
	long status = write_gdt_entry(GDT_ENTRY_FREE, GDT_DATA);

	loaded = status == 0 ? load_free_entry() : (int)status;
	stage = 1;
	WAIT_UNTIL(stage == 2);
	write_gdt_entry(GDT_ENTRY_FREE, 0);
}

static void smp_gdt_of_its_own(void)
{
	NEEDS_SECOND_VCPU;
	start(fill_free_entry);
	bool filled = WAIT_UNTIL(stage == 1);
	int here = load_free_entry();

	stage = 2;
	EXPECT(finish());
	EXPECT(filled);
	EXPECT_EQUAL(loaded, NO_FAULT);
	EXPECT_EQUAL(here, X86_TRAP_GP);
}

static bool note_trap(struct pt_regs *regs)
{
	frame = regs;
	number = smp_processor_id();
	return true;
}

static void break_there(void)
{
	asm volatile("int3" : : : "memory");
}

static void smp_trap_arrives_there(void)
{
	NEEDS_SECOND_VCPU;
	trap_handler before = set_trap_handler(X86_TRAP_BP, note_trap);

	number = 0;
	start(break_there);
	bool returned = finish();

	set_trap_handler(X86_TRAP_BP, before);
	EXPECT(returned);
	EXPECT_EQUAL(number, CPU1);
	EXPECT(on_cpu_stack(CPU1, frame));
}

static struct spinlock lock;
static volatile unsigned int counter;

/* The other vCPU runs between the load and the store. */
static void add_many(void)
{
	stage++;
	WAIT_UNTIL(stage >= NR_CPUS);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		spin_lock(&lock);
		unsigned int value = counter;

		cpu_relax();
		counter = value + 1;
		spin_unlock(&lock);
	}
}

static void smp_lock_loses_nothing(void)
{
	NEEDS_SECOND_VCPU;
	counter = 0;
	start(add_many);
	add_many();
	EXPECT(finish());
	EXPECT_EQUAL(counter, 2 * ROUNDS);
}

static volatile bool goes_on;

/* Checks one clock only: those of two processors may differ. */
static void watch_clock(void)
{
	uint64_t first = xen_clocksource_read();

	goes_on = false;
	for (unsigned int i = 0; i < 10000 && !goes_on; i++)
		goes_on = xen_clocksource_read() != first;
}

static void smp_clock_goes_on_there(void)
{
	NEEDS_SECOND_VCPU;
	start(watch_clock);
	EXPECT(finish());
	EXPECT(goes_on);
}

static void count_on(void)
{
	while (stage != 1)
		counter++;
}

/* The vCPU continues where it was stopped. */
static void smp_down_stops_it_and_up_goes_on(void)
{
	NEEDS_SECOND_VCPU;
	counter = 0;
	start(count_on);
	bool counts = WAIT_UNTIL(counter > 0);

	xen_cpu_down(CPU1);
	unsigned int stopped = counter;
	uint64_t end = xen_clocksource_read() + WHILE_NS;

	while (xen_clocksource_read() < end)
		cpu_relax();
	unsigned int later = counter;

	xen_cpu_up(CPU1);
	bool again = WAIT_UNTIL(counter > later);

	stage = 1;
	EXPECT(finish());
	EXPECT(counts);
	EXPECT_EQUAL(later, stopped);
	EXPECT(again);
}

static volatile unsigned long seen_before, seen_after;

static void read_twice(void)
{
	seen_before = *AREA;
	stage = 1;
	WAIT_UNTIL(stage == 2);
	seen_after = *AREA;
}

/* The other vCPU's TLB has the old translation, too. */
static void smp_tlb_flush_reaches_it(void)
{
	NEEDS_SECOND_VCPU;
	open_area();
	start(read_twice);
	bool read = WAIT_UNTIL(stage == 1);
	long status = write_pte(entry_at(AREA), pte_of(second));

	xen_flush_tlb_all();
	stage = 2;
	bool returned = finish();

	close_area();
	EXPECT(read);
	EXPECT_EQUAL(status, 0);
	EXPECT(returned);
	EXPECT_EQUAL(seen_before, FIRST);
	EXPECT_EQUAL(seen_after, SECOND);
}

static const struct check checks[] = {
	{"smp_second_vcpu_comes_up", smp_second_vcpu_comes_up},
	{"smp_stack_of_its_own", smp_stack_of_its_own},
	{"smp_gs_base_of_its_own", smp_gs_base_of_its_own},
	{"smp_gdt_of_its_own", smp_gdt_of_its_own},
	{"smp_trap_arrives_there", smp_trap_arrives_there},
	{"smp_lock_loses_nothing", smp_lock_loses_nothing},
	{"smp_clock_goes_on_there", smp_clock_goes_on_there},
	{"smp_down_stops_it_and_up_goes_on", smp_down_stops_it_and_up_goes_on},
	{"smp_tlb_flush_reaches_it", smp_tlb_flush_reaches_it},
};

const struct checks second_vcpu_checks = CHECKS(checks);
