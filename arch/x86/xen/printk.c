/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A small printf to the console.
 *
 * A line is written at once when it ends, so that Xen's messages do not appear inside
 * of it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "printk.h"
#include "xen-ops.h"

static struct {
	char text[256];
	size_t used;
} line;

static void flush(void)
{
	xen_console_write(line.text, line.used);
	line.used = 0;
}

static void put_char(char c)
{
	line.text[line.used++] = c;
	if (c == '\n' || line.used == sizeof(line.text))
		flush();
}

static void put_string(const char *string)
{
	while (*string)
		put_char(*string++);
}

/*
 * Divides value, and returns the remainder.  It uses digits of 16 bits, because for
 * 64-bit values a 32-bit compiler calls a function of its library.
 */
static unsigned int divide(uint64_t *value, unsigned int divisor)
{
	uint64_t quotient = 0;
	uint32_t rest = 0;

	for (int shift = 48; shift >= 0; shift -= 16) {
		rest = rest << 16 | (*value >> shift & 0xffff);
		quotient |= (uint64_t)(rest / divisor) << shift;
		rest %= divisor;
	}
	*value = quotient;
	return rest;
}

static void put_number(uint64_t value, unsigned int base, unsigned int width)
{
	char digits[3 * sizeof(value) + 1];
	char *digit = digits + sizeof(digits);

	*--digit = '\0';
	do {
		*--digit = "0123456789abcdef"[divide(&value, base)];
	} while (value);
	for (size_t used = (size_t)(digits + sizeof(digits) - 1 - digit); used < width; used++)
		put_char('0');
	put_string(digit);
}

static void put_signed(int64_t value)
{
	if (value < 0)
		put_char('-');
	put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, 0);
}

static int64_t signed_argument(va_list *args, unsigned int longs)
{
	switch (longs) {
	case 0:
		return va_arg(*args, int);
	case 1:
		return va_arg(*args, long);
	default:
		return va_arg(*args, long long);
	}
}

static uint64_t unsigned_argument(va_list *args, unsigned int longs)
{
	switch (longs) {
	case 0:
		return va_arg(*args, unsigned int);
	case 1:
		return va_arg(*args, unsigned long);
	default:
		return va_arg(*args, unsigned long long);
	}
}

/*
 * Formats: %s %c %d %u %x %p %%; l or ll before d, u and x; before those a width,
 * always filled with zeros.  Anything else is printed unchanged and consumes no
 * argument, so later ones are misread.
 */
void vprintk(const char *format, va_list arguments)
{
	va_list args; /* a copy, as the address of the parameter cannot be taken */

	va_copy(args, arguments);
	for (; *format; format++) {
		unsigned int width = 0, longs = 0;

		if (*format != '%') {
			put_char(*format);
			continue;
		}
		while (*++format >= '0' && *format <= '9')
			width = 10 * width + (unsigned int)(*format - '0');
		for (; *format == 'l'; format++)
			longs++;
		switch (*format) {
		case 's':
			put_string(va_arg(args, const char *));
			break;
		case 'c':
			put_char((char)va_arg(args, int));
			break;
		case 'd':
			put_signed(signed_argument(&args, longs));
			break;
		case 'u':
		case 'x':
			put_number(unsigned_argument(&args, longs), *format == 'x' ? 16 : 10,
				   width);
			break;
		case 'p':
			put_string("0x");
			put_number((uintptr_t)va_arg(args, void *), 16, 0);
			break;
		case '%':
			put_char('%');
			break;
		case '\0':
			format--; /* a lone % at the end; the loop must see the NUL */
			break;
		default:
			put_char('%');
			put_char(*format);
			break;
		}
	}
	va_end(args);
}

void printk(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintk(format, args);
	va_end(args);
}
