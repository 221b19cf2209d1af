/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The interrupt descriptor table of a PVH guest, which the processor uses; that of a
 * PV guest is for Xen.
 */
#include <stdint.h>

#include "pvh.h"
#include "trapnr.h"
#include "xen-ops.h"

#define VECTORS 256
#define GATE_INTERRUPT 0x8e00u /* present, level 0, interrupts off */

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint16_t type;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

struct interrupt_frame {
	uint64_t ip, cs, flags, sp, ss;
};

/* pvh-entry.S; it calls the functions below. */
extern char pvh_trap[], pvh_trap_with_error_code[], pvh_breakpoint[], pvh_page_fault[], pvh_upcall[];
void pvh_do_trap(const struct interrupt_frame *frame, uint64_t error);
void pvh_do_breakpoint(void);
void pvh_do_page_fault(struct interrupt_frame *frame, uint64_t error);
void pvh_do_upcall(void);

static struct gate idt[VECTORS] __attribute__((aligned(16)));

volatile unsigned int pvh_breakpoints, pvh_upcalls;

/* Where to continue after an expected page fault, and the fault. */
static volatile uint64_t resume_ip, resume_sp;
static struct page_fault last_fault;

void pvh_do_trap(const struct interrupt_frame *frame, uint64_t error)
{
	panic("a trap at 0x%lx, error code 0x%lx", frame->ip, error);
}

void pvh_do_breakpoint(void)
{
	pvh_breakpoints++;
}

/* Xen asserts the vector until this is 0; no local APIC needs an acknowledgement. */
void pvh_do_upcall(void)
{
	pvh_shared_page.info.vcpu_info[0].evtchn_upcall_pending = 0;
	pvh_upcalls++;
}

void pvh_do_page_fault(struct interrupt_frame *frame, uint64_t error)
{
	uint64_t address;

	asm volatile("mov %%cr2, %0" : "=r"(address));
	if (!resume_ip)
		panic("a page fault at 0x%lx: address 0x%lx, error code 0x%lx", frame->ip, address,
		      error);
	last_fault = (struct page_fault){.address = address, .error = error};
	frame->ip = resume_ip;
	frame->sp = resume_sp;
	resume_ip = 0;
}

/* Whether function(argument) page faults; it may use no callee-saved register but %rbp. */
bool pvh_faults(void (*function)(volatile void *), volatile void *argument,
		struct page_fault *fault)
{
	asm volatile("push %%rbp\n"
		     "	mov %%rsp, %[sp]\n"
		     "	movq $1f, %[ip]\n"
		     "	call *%[function]\n"
		     "1:	pop %%rbp"
		     : [sp] "=m"(resume_sp), [ip] "=m"(resume_ip), "+D"(argument)
		     : [function] "r"(function)
		     : "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
	bool faulted = resume_ip == 0;

	resume_ip = 0;
	*fault = last_fault;
	return faulted;
}

static void set_gate(unsigned int vector, const void *handler)
{
	uint64_t address = (uint64_t)handler;
	uint16_t cs;

	asm("mov %%cs, %0" : "=r"(cs));
	idt[vector] = (struct gate){
		.offset_low = (uint16_t)address,
		.selector = cs,
		.type = GATE_INTERRUPT,
		.offset_middle = (uint16_t)(address >> 16),
		.offset_high = (uint32_t)(address >> 32),
	};
}

static bool has_error_code(unsigned int vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 ||
	       vector == 29 || vector == 30;
}

void pvh_trap_init(void)
{
	struct {
		uint16_t limit;
		uint64_t address;
	} __attribute__((packed)) descriptor = {sizeof(idt) - 1, (uint64_t)idt};

	for (unsigned int vector = 0; vector < VECTORS; vector++)
		set_gate(vector, has_error_code(vector) ? pvh_trap_with_error_code : pvh_trap);
	set_gate(X86_TRAP_BP, pvh_breakpoint);
	set_gate(X86_TRAP_PF, pvh_page_fault);
	set_gate(VECTOR_UPCALL, pvh_upcall);
	asm volatile("lidt %0" : : "m"(descriptor));
}
