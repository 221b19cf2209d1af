/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "guest.h"

void kernel_main(const uint32_t *start_info);

void kernel_main(const uint32_t *start_info)
{
	check("head_S_gave_start_info", *start_info == 0x336ec578); /* "xEn3" */
	end();
}
