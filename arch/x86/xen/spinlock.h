/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A lock between virtual CPUs.
 *
 * Who holds it may not be running: Xen has more of them than processors.  So
 * who waits for it gives up its processor.
 *
 * What an upcall locks, too, must be locked with events masked.
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
