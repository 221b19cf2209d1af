/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Limits for checks that wait.  They do not measure the machine's speed: an event
 * may come at any time before PATIENCE_NS.
 */
#ifndef PATIENCE_H
#define PATIENCE_H

#include "../xen-ops.h"

#define MS 1000000ull
#define PATIENCE_NS (5000 * MS)
#define WHILE_NS (10 * MS) /* long enough to differ from no wait */

#endif
