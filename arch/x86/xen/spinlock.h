/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A lock between vCPUs.
 *
 * The vCPU that holds it may not be running, as there may be more vCPUs than
 * processors.  So a vCPU that waits yields its processor.
 *
 * A lock that an upcall takes, too, must be taken with events masked.
 */
#ifndef SPINLOCK_H
#define SPINLOCK_H

#include "smp.h"

struct spinlock {
	bool locked;
};

static inline void spin_lock(struct spinlock *lock)
{
	while (__atomic_exchange_n(&lock->locked, true, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static inline void spin_unlock(struct spinlock *lock)
{
	__atomic_store_n(&lock->locked, false, __ATOMIC_RELEASE);
}

#endif
