/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
int from_flags(void);

int from_flags(void)
{
	return VALUE;
}
