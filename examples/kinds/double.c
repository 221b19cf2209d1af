/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
int twice(int number);

int twice(int number)
{
	return 2 * number;
}
