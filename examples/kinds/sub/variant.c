/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "variant.h"

int from_variant(void);

int from_variant(void)
{
	return VARIANT;
}
