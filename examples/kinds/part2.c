/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
int part2(void);

int part2(void)
{
	return 2;
}
