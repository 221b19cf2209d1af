/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <stdint.h>

struct registers {
#ifdef CONFIG_WIDE
	char in_front[100];
#endif
	uint32_t eax, ebx;
};
