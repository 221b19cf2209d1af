/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "guest.h"

const char *debug(void);

void kernel_main(void);

void kernel_main(void)
{
#ifdef CONFIG_DEBUG
	check(debug(), 1);
#else
	check("release", 1);
#endif
	end();
}
