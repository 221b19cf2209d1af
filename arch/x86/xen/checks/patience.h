/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * For checks that wait, none of which says how fast the machine is: what is
 * waited for may come as late as it likes, below PATIENCE_NS.
 */
#ifndef PATIENCE_H
#define PATIENCE_H

#include "../xen-ops.h"

#define MS 1000000ull
#define PATIENCE_NS (5000 * MS)
#define WHILE_NS (10 * MS) /* long enough to tell it from at once */

#endif
