/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Multicall batching: many hypercalls in one trap.
 *
 *	xen_mc_batch();				  from here events are masked
 *	space = xen_mc_entry(sizeof(*update));	  room for a call and an argument
 *	... fill in space.args, then space.call ...
 *	failed = xen_mc_issue();		  all of them, and events as before
 *
 * Arguments must stay valid until the flush, which the stack of the caller may not
 * do, so the buffer has room for arguments as well as for calls.  A full buffer is
 * flushed, so a batch may be of any size, but is not atomic.  Xen continues after a
 * call that fails; each call has its own result.
 *
 * Events are masked because an upcall could begin a batch in the same buffer.
 */
#include "hypercall.h"
#include "xen-ops.h"

static struct {
	struct multicall_entry calls[MC_CALLS];
	_Alignas(8) unsigned char args[MC_ARGS];
	unsigned int used, args_used;
	unsigned int failed; /* calls of this batch that failed so far */
	unsigned long flags;
} buffer;

void xen_mc_batch(void)
{
	unsigned long flags = xen_save_fl();

	xen_irq_disable();
	if (buffer.used)
		panic("a multicall batch was left open");
	buffer.flags = flags;
	buffer.failed = 0;
}

/* Executes the calls in the buffer; their results are valid until the next xen_mc_entry. */
void xen_mc_flush(void)
{
	unsigned int used = buffer.used;

	if (used == 0)
		return;
	buffer.used = 0;
	buffer.args_used = 0;
	if (HYPERVISOR_multicall(buffer.calls, used) != 0)
		panic("multicall refused");
	for (unsigned int i = 0; i < used; i++)
		if ((long)buffer.calls[i].result < 0)
			buffer.failed++;
}

struct multicall_space xen_mc_entry(size_t size)
{
	size = (size + 7) & ~(size_t)7;
	if (size > MC_ARGS)
		panic("%lu bytes of multicall arguments", (unsigned long)size);
	if (buffer.used == MC_CALLS || buffer.args_used + size > MC_ARGS)
		xen_mc_flush();

	struct multicall_space space = {
		.call = &buffer.calls[buffer.used++],
		.args = &buffer.args[buffer.args_used],
	};

	buffer.args_used += (unsigned int)size;
	*space.call = (struct multicall_entry){0};
	return space;
}

unsigned int xen_mc_issue(void)
{
	xen_mc_flush();
	xen_restore_fl(buffer.flags);
	return buffer.failed;
}

/* Returns the result of a call of the last flush. */
long xen_mc_result(unsigned int index)
{
	return (long)buffer.calls[index].result;
}

void MULTI_xen_version(int cmd, void *result)
{
	struct multicall_entry *call = xen_mc_entry(0).call;

	call->op = __HYPERVISOR_xen_version;
	call->args[0] = (unsigned long)cmd;
	call->args[1] = (unsigned long)result;
}

void MULTI_update_va_mapping(unsigned long address, uint64_t entry, unsigned long flags)
{
	const unsigned long args[] = {address, ARG64(entry), flags};
	struct multicall_entry *call = xen_mc_entry(0).call;

	call->op = __HYPERVISOR_update_va_mapping;
	memcpy(call->args, args, sizeof(args));
}

void MULTI_mmu_update(struct mmu_update update)
{
	struct multicall_space space = xen_mc_entry(sizeof(update));

	*(struct mmu_update *)space.args = update;
	space.call->op = __HYPERVISOR_mmu_update;
	space.call->args[0] = (unsigned long)space.args;
	space.call->args[1] = 1;
	space.call->args[2] = 0;
	space.call->args[3] = DOMID_SELF;
}
