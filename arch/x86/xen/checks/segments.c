/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks of the descriptor tables: which segments can be loaded, changes by
 * hypercall, and what Xen refuses.
 */
#include "../hypercall.h"
#include "area.h"
#include "check.h"

#define GDT_TSS 0x0000890000000067     /* S = 0: a system segment, which Xen refuses */
#define GDT_SMALL 0x0040f30000000123   /* data, level 3, limit 0x123 */
#define GDT_LEVEL_0 0x00cf93000000ffff /* data, level 0, 4 GiB */
#define GDT_ABSENT 0x00cf73000000ffff  /* data, level 3, present bit clear */

#define IN_LDT 4 /* the TI bit of a selector */

static uint64_t ldt[ENTRIES] PAGE;

/* The limit of a segment by the instruction lsl; -1: there is no such segment. */
static int64_t limit_of(unsigned long selector)
{
	unsigned long limit = 0;
	bool valid;

	asm volatile("lsl %2, %0" : "+r"(limit), "=@ccz"(valid) : "r"(selector));
	return valid ? (int64_t)limit : -1;
}

static struct fault try_load(unsigned long selector)
{
	return TRY("mov %0, %%es", : : "r"(selector) : "memory");
}

static void drop_es(void)
{
	asm volatile("mov %0, %%es" : : "r"(FLAT_KERNEL_DS));
}

static void gdt_in_use(void)
{
	EXPECT_EQUAL(limit_of(SELECTOR(GDT_ENTRY_DATA)), 0xffffffff);
	EXPECT_EQUAL(limit_of(SELECTOR(GDT_ENTRY_FREE)), -1);
}

static void gdt_segment_can_be_loaded(void)
{
	unsigned long es;

	EXPECT_EQUAL(try_load(SELECTOR(GDT_ENTRY_DATA)).vector, NO_FAULT);
	asm volatile("mov %%es, %0" : "=r"(es));
	drop_es();
	EXPECT_EQUAL(es, SELECTOR(GDT_ENTRY_DATA));
}

#ifdef CONFIG_X86_64
#define FAR_RETURN "lretq"
#else
#define FAR_RETURN "lretl"
#endif

/* Code can run in a segment of the guest's own table. */
static void gdt_code_segment_can_be_run(void)
{
	unsigned long cs;

	asm volatile("	push	%1\n"
		     "	push	$1f\n"
		     "	" FAR_RETURN "\n"
		     "1:	mov	%%cs, %0\n"
		     "	push	%2\n"
		     "	push	$2f\n"
		     "	" FAR_RETURN "\n"
		     "2:"
		     : "=&r"(cs)
		     : "i"(SELECTOR(GDT_ENTRY_CODE)), "i"(FLAT_KERNEL_CS)
		     : "memory");
	EXPECT_EQUAL(cs, SELECTOR(GDT_ENTRY_CODE));
}

static void gdt_page_stays_read_only(void)
{
	EXPECT(make_readwrite(gdt[0]) < 0);
	EXPECT_EQUAL(try_store(&gdt[0][GDT_ENTRY_FREE]).vector, X86_TRAP_PF);
}

static void writable_page_as_gdt_refused(void)
{
	EXPECT_EQUAL(load_gdt((const void *)first, ENTRIES), -XEN_EINVAL);
	EXPECT_EQUAL(limit_of(SELECTOR(GDT_ENTRY_DATA)), 0xffffffff);
}

/* The last entries of the table are reserved for Xen. */
static void too_long_gdt_refused(void)
{
	EXPECT_EQUAL(load_gdt(gdt[0], FIRST_RESERVED_GDT_ENTRY + 1), -XEN_EINVAL);
}

static void descriptor_updated_by_hypercall(void)
{
	long status = write_gdt_entry(GDT_ENTRY_FREE, GDT_SMALL);
	int64_t limit = limit_of(SELECTOR(GDT_ENTRY_FREE));

	EXPECT_EQUAL(write_gdt_entry(GDT_ENTRY_FREE, 0), 0);
	EXPECT_EQUAL(status, 0);
	EXPECT_EQUAL(limit, 0x123);
	EXPECT_EQUAL(limit_of(SELECTOR(GDT_ENTRY_FREE)), -1);
}

static void bad_descriptor_refused(void)
{
	EXPECT_EQUAL(write_gdt_entry(GDT_ENTRY_FREE, GDT_TSS), -XEN_EINVAL);
	EXPECT_EQUAL(gdt[0][GDT_ENTRY_FREE], 0);
}

/* Xen must not accept level 0, which has all privileges. */
static void descriptors_level_made_the_kernels(void)
{
	long status = write_gdt_entry(GDT_ENTRY_FREE, GDT_LEVEL_0);
	uint64_t written = *(volatile uint64_t *)&gdt[0][GDT_ENTRY_FREE];

	write_gdt_entry(GDT_ENTRY_FREE, 0);
	EXPECT_EQUAL(status, 0);
	EXPECT_EQUAL(written >> 45 & 3, GUEST_KERNEL_RPL);
}

static void empty_entry_faults(void)
{
	struct fault fault = try_load(SELECTOR(GDT_ENTRY_FREE));

	EXPECT_EQUAL(fault.vector, X86_TRAP_GP);
	EXPECT_EQUAL(fault.error_code, SELECTOR(GDT_ENTRY_FREE) & ~3);
}

static void absent_segment_faults(void)
{
	EXPECT_EQUAL(write_gdt_entry(GDT_ENTRY_FREE, GDT_ABSENT), 0);
	struct fault fault = try_load(SELECTOR(GDT_ENTRY_FREE));

	write_gdt_entry(GDT_ENTRY_FREE, 0);
	EXPECT_EQUAL(fault.vector, X86_TRAP_NP);
	EXPECT_EQUAL(fault.error_code, SELECTOR(GDT_ENTRY_FREE) & ~3);
}

#ifndef CONFIG_X86_64
/* Entry code saves and loads segment registers; a selector that became invalid is null then. */
static void lost_segment_becomes_null(void)
{
	unsigned long es;

	EXPECT_EQUAL(write_gdt_entry(GDT_ENTRY_FREE, GDT_DATA), 0);
	EXPECT_EQUAL(try_load(SELECTOR(GDT_ENTRY_FREE)).vector, NO_FAULT);
	EXPECT_EQUAL(write_gdt_entry(GDT_ENTRY_FREE, 0), 0);
	TRY("ud2", : : : "memory");
	asm volatile("mov %%es, %0" : "=r"(es));
	drop_es();
	EXPECT_EQUAL(es, 0);
}
#endif

static void ldt_by_mmuext(void)
{
	ldt[1] = GDT_SMALL;
	make_readonly(ldt);
	long status = xen_set_ldt(ldt, ENTRIES);
	struct fault with = try_load(SELECTOR(1) | IN_LDT);
	int64_t limit = limit_of(SELECTOR(1) | IN_LDT);

	drop_es();
	xen_set_ldt(NULL, 0);
	struct fault without = try_load(SELECTOR(1) | IN_LDT);
	long writable = make_readwrite(ldt);

	EXPECT_EQUAL(status, 0);
	EXPECT_EQUAL(with.vector, NO_FAULT);
	EXPECT_EQUAL(limit, 0x123);
	EXPECT_EQUAL(without.vector, X86_TRAP_GP);
	EXPECT_EQUAL(writable, 0);
}

static const struct check checks[] = {
	{"gdt_in_use", gdt_in_use},
	{"gdt_segment_can_be_loaded", gdt_segment_can_be_loaded},
	{"gdt_code_segment_can_be_run", gdt_code_segment_can_be_run},
	{"gdt_page_stays_read_only", gdt_page_stays_read_only},
	{"writable_page_as_gdt_refused", writable_page_as_gdt_refused},
	{"too_long_gdt_refused", too_long_gdt_refused},
	{"descriptor_updated_by_hypercall", descriptor_updated_by_hypercall},
	{"bad_descriptor_refused", bad_descriptor_refused},
	{"descriptors_level_made_the_kernels", descriptors_level_made_the_kernels},
	{"empty_entry_faults", empty_entry_faults},
	{"absent_segment_faults", absent_segment_faults},
	{"ldt_by_mmuext", ldt_by_mmuext},
#ifndef CONFIG_X86_64
	/* A 64-bit kernel does not load them. */
	{"lost_segment_becomes_null", lost_segment_becomes_null},
#endif
};

const struct checks segment_checks = CHECKS(checks);
