/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The functions that gcc and clang may call implicitly, even with -ffreestanding,
 * to copy and to clear objects.
 *
 * They use string instructions: a compiler turns a loop that copies into a call of
 * memcpy, which would recurse.
 */
#include <stddef.h>

#include "string.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	void *end = to;

	asm volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(size) : : "memory");
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	void *end = to;

	asm volatile("rep stosb" : "+D"(end), "+c"(size) : "a"(byte) : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	if ((size_t)((char *)to - (const char *)from) >= size)
		return memcpy(to, from, size); /* no overlap, or to is below from */

	void *last = (char *)to + size - 1;
	from = (const char *)from + size - 1;
	asm volatile("std; rep movsb; cld" : "+D"(last), "+S"(from), "+c"(size) : : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *left = a, *right = b;

	for (; size; size--, left++, right++)
		if (*left != *right)
			return *left - *right;
	return 0;
}
