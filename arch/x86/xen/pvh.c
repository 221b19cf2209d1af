/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The first C code of a PVH guest.
 *
 * The processor gives a PVH guest what Xen emulates for a PV guest: ring 0, its own
 * page tables and descriptor tables, and an interrupt flag.  There is no firmware;
 * struct hvm_start_info describes the machine.  pvh_start_xen in the Xen head object
 * has enabled long mode with pvh_page_tables, cleared .bss and switched to
 * init_thread_union; this code then searches for a hypervisor.  Without one, under
 * QEMU's -kernel, the kernel writes to a serial port.
 */
#include <stdint.h>

#include "hypercall.h"
#include "io.h"
#include "pvh.h"
#include "xen-ops.h"

unsigned long pvh_distance;
const struct hvm_start_info *pvh_start_info;
uint32_t xen_cpuid_base;

/* The entry code fills them. */
uint64_t pvh_page_tables[8][512] __attribute__((aligned(PAGE_SIZE)));

/* Stubs of the head object; the number of the hypercall is in %eax. */
void hypercall_vmcall(void);
void hypercall_vmmcall(void);

#ifndef CONFIG_XEN_HYPERCALL_PAGE
#ifdef CONFIG_XEN_PV
void hypercall_pv(void);

void (*xen_hypercall)(void) __attribute__((section(".data"))) = hypercall_pv;
#else
void (*xen_hypercall)(void);
#endif
#endif

static uint32_t find_xen(void)
{
	for (uint32_t base = XEN_CPUID_FIRST_LEAF; base <= XEN_CPUID_LAST_FIRST_LEAF; base += 0x100) {
		struct cpuid leaf = cpuid(base);

		if (memcmp(&leaf.ebx, "XenVMMXenVMM", 12) == 0)
			return base;
	}
	return 0;
}

/* Intel processors have vmcall, AMD and Hygon vmmcall; the other instruction faults. */
bool pvh_uses_vmcall(void)
{
	struct cpuid leaf = cpuid(0);
	uint32_t vendor[3] = {leaf.ebx, leaf.edx, leaf.ecx};

	return memcmp(vendor, "AuthenticAMD", 12) != 0 && memcmp(vendor, "HygonGenuine", 12) != 0;
}

/* Makes a hypercall by a stub of the head object, even if there is a hypercall page. */
long pvh_hypercall(bool vmcall, unsigned int number, unsigned long arg1, unsigned long arg2)
{
	long result = number;

	asm volatile("call *%[stub]"
		     : "+a"(result), "+D"(arg1), "+S"(arg2)
		     : [stub] "r"(vmcall ? hypercall_vmcall : hypercall_vmmcall)
		     : "memory");
	return result;
}

static void set_up_hypercalls(void)
{
#ifdef CONFIG_XEN_HYPERCALL_PAGE
	extern char hypercall_page[];

	/* For a PVH guest Xen fills the page when its address is written to this MSR. */
	wrmsr(cpuid(xen_cpuid_base + XEN_CPUID_LEAF_MSR).ebx, virt_to_phys(hypercall_page));
#else
	xen_hypercall = pvh_uses_vmcall() ? hypercall_vmcall : hypercall_vmmcall;
#endif
}

static long hvm_op(int cmd, struct xen_hvm_param *param)
{
	return HYPERCALL(__HYPERVISOR_hvm_op, cmd, param);
}

long pvh_set_param(uint32_t index, uint64_t value)
{
	struct xen_hvm_param param = {.domid = DOMID_SELF, .index = index, .value = value};

	return hvm_op(HVMOP_set_param, &param);
}

uint64_t pvh_get_param(uint32_t index)
{
	struct xen_hvm_param param = {.domid = DOMID_SELF, .index = index};

	if (hvm_op(HVMOP_get_param, &param) != 0)
		panic("Xen does not tell parameter %u of the domain", index);
	return param.value;
}

union pvh_shared_page pvh_shared_page __attribute__((aligned(PAGE_SIZE)));

/* Maps the shared page over a page of the image, whose content is lost. */
long pvh_map_shared_info(void)
{
	struct xen_add_to_physmap map = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_shared_info,
		.gpfn = virt_to_phys(&pvh_shared_page) / PAGE_SIZE,
	};

	return HYPERCALL(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &map);
}

static void set_up_console(void)
{
	if (!xen_cpuid_base)
		xen_console_use_serial_port();
	else if (!xen_initial_domain)
		xen_console_use_ring(
			phys_to_virt(pvh_get_param(HVM_PARAM_CONSOLE_PFN) * PAGE_SIZE),
			(evtchn_port_t)pvh_get_param(HVM_PARAM_CONSOLE_EVTCHN));
}

/* Entered by a jump, so it cannot return. */
_Noreturn void xen_pvh_start_kernel(uint32_t start_info, uint32_t distance)
{
	pvh_start_info = phys_to_virt(start_info);
	pvh_distance = distance;
	pvh_trap_init();
	xen_cpuid_base = find_xen();
	xen_initial_domain = pvh_start_info->flags & SIF_INITDOMAIN;
	if (xen_cpuid_base) {
		xen_domain_type = XEN_PVH_DOMAIN;
		set_up_hypercalls();
	}
	set_up_console();
	printk("PVH %s: loaded at 0x%lx, flags 0x%x, command line \"%s\"\n",
	       xen_cpuid_base ? "on Xen" : "without Xen", (unsigned long)virt_to_phys(_text),
	       pvh_start_info->flags,
	       pvh_start_info->cmdline_paddr
		       ? (const char *)phys_to_virt(pvh_start_info->cmdline_paddr)
		       : "");
	report_result(run_checks());
}
