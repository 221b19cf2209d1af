/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
int from_build(void);

int from_build(void)
{
	return 6;
}
