/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
int part2(void);
int from_parts(void);

int from_parts(void)
{
	return 1 + part2();
}
