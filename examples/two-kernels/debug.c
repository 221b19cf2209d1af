/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
const char *debug(void);

const char *debug(void)
{
	return "debug";
}
