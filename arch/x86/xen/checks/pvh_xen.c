/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Checks of Xen's interface for a PVH guest: hypercalls by vmcall or vmmcall, the
 * shared page at an address that the guest chooses, upcalls by an interrupt vector.
 * Without Xen, under QEMU's -kernel, they are skipped.
 */
#include <stdint.h>

#include "../hypercall.h"
#include "../pvh.h"
#include "check.h"

#define CALLBACK_BY_VECTOR ((uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56)

#define NEEDS_XEN()                                     \
	do {                                            \
		if (!xen_cpuid_base)                    \
			SKIP("there is no Xen");        \
	} while (0)

static void direct_hypercall_agrees(void)
{
	NEEDS_XEN();
	long version = HYPERVISOR_xen_version(XENVER_version, NULL);

	printk("Xen %ld.%ld, by %s\n", version >> 16, version & 0xffff,
	       pvh_uses_vmcall() ? "vmcall" : "vmmcall");
	EXPECT(version >> 16 >= 4);
	EXPECT_EQUAL(pvh_hypercall(pvh_uses_vmcall(), __HYPERVISOR_xen_version, XENVER_version, 0),
		     version);
}

static void cpuid_tells_the_same_version(void)
{
	NEEDS_XEN();
	EXPECT_EQUAL(cpuid(xen_cpuid_base + XEN_CPUID_LEAF_VERSION).eax,
		     HYPERVISOR_xen_version(XENVER_version, NULL));
}

#ifdef CONFIG_XEN_HYPERCALL_PAGE
/* The stub in the page is `mov $number, %eax`, then the bytes of the head object's stub. */
static void hypercall_page_filled(void)
{
	extern const volatile unsigned char hypercall_page[], hypercall_vmcall[], hypercall_vmmcall[];
	const volatile unsigned char *slot = &hypercall_page[32 * __HYPERVISOR_sched_op];
	const volatile unsigned char *stub = pvh_uses_vmcall() ? hypercall_vmcall : hypercall_vmmcall;

	NEEDS_XEN();
	EXPECT_EQUAL(slot[0], 0xb8);
	EXPECT_EQUAL(slot[1], __HYPERVISOR_sched_op);
	for (int i = 0; i < 4; i++)
		EXPECT_EQUAL(slot[5 + i], stub[i]);
}
#endif

static void features_are_a_pvh_guests(void)
{
	struct xen_feature_info features = {.submap_idx = 0};

	NEEDS_XEN();
	EXPECT_EQUAL(HYPERVISOR_xen_version(XENVER_get_features, &features), 0);
	EXPECT(features.submap & 1u << XENFEAT_auto_translated_physmap);
	EXPECT(features.submap & 1u << XENFEAT_hvm_callback_vector);
	EXPECT_EQUAL(features.submap >> XENFEAT_dom0 & 1, xen_initial_domain);
}

/* A PVH guest sets the processor's own tables instead. */
static void pv_hypercalls_are_refused(void)
{
	NEEDS_XEN();
	EXPECT_EQUAL(HYPERVISOR_set_trap_table(NULL), -XEN_ENOSYS);
	EXPECT_EQUAL(HYPERVISOR_stack_switch(0, 0), -XEN_ENOSYS);
}

static volatile struct shared_info *const shared = &pvh_shared_page.info;

static void shared_info_appears(void)
{
	NEEDS_XEN();
	EXPECT_EQUAL(shared->vcpu_info[0].time.tsc_to_system_mul, 0);
	EXPECT_EQUAL(pvh_map_shared_info(), 0);
	EXPECT(shared->vcpu_info[0].time.tsc_to_system_mul != 0);
}

static evtchn_port_t bound_ipi(void)
{
	struct evtchn_bind_ipi bind = {.vcpu = 0};

	return HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, &bind) == 0 ? bind.port : 0;
}

static bool is_pending(evtchn_port_t port)
{
	return shared->evtchn_pending[port / 64] >> port % 64 & 1;
}

/* Interrupts are off, so the event stays pending. */
static void event_stays_pending(void)
{
	NEEDS_XEN();
	struct evtchn_send send = {.port = bound_ipi()};
	struct evtchn_close close = {.port = send.port};

	EXPECT(send.port != 0);
	EXPECT(!is_pending(send.port));
	EXPECT_EQUAL(HYPERVISOR_event_channel_op(EVTCHNOP_send, &send), 0);
	EXPECT(is_pending(send.port));
	EXPECT_EQUAL(pvh_upcalls, 0);
	EXPECT_EQUAL(HYPERVISOR_event_channel_op(EVTCHNOP_close, &close), 0);
}

static void upcall_comes_by_its_vector(void)
{
	NEEDS_XEN();
	struct evtchn_send send = {.port = bound_ipi()};
	struct evtchn_close close = {.port = send.port};
	unsigned int before = pvh_upcalls;

	EXPECT(send.port != 0);
	EXPECT_EQUAL(pvh_set_param(HVM_PARAM_CALLBACK_IRQ,
				   CALLBACK_BY_VECTOR | VECTOR_UPCALL),
		     0);
	shared->vcpu_info[0].evtchn_upcall_pending = 0;
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	EXPECT_EQUAL(HYPERVISOR_event_channel_op(EVTCHNOP_send, &send), 0);
	EXPECT_EQUAL(pvh_upcalls, before);
	asm volatile("sti; nop" : : : "memory");
	for (int i = 0; i < 1000 && pvh_upcalls == before; i++)
		HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
	asm volatile("cli" : : : "memory");
	EXPECT_EQUAL(pvh_upcalls, before + 1);
	EXPECT(is_pending(send.port));
	EXPECT_EQUAL(HYPERVISOR_event_channel_op(EVTCHNOP_close, &close), 0);
}

static const struct check table[] = {
	{"pvh_direct_hypercall_agrees", direct_hypercall_agrees},
	{"pvh_cpuid_tells_the_same_version", cpuid_tells_the_same_version},
#ifdef CONFIG_XEN_HYPERCALL_PAGE
	{"pvh_hypercall_page_filled", hypercall_page_filled},
#endif
	{"pvh_features_are_a_pvh_guests", features_are_a_pvh_guests},
	{"pvh_pv_hypercalls_are_refused", pv_hypercalls_are_refused},
	{"pvh_shared_info_appears", shared_info_appears},
	{"pvh_event_stays_pending", event_stays_pending},
	{"pvh_upcall_comes_by_its_vector", upcall_comes_by_its_vector},
};

const struct checks pvh_xen_checks = CHECKS(table);
