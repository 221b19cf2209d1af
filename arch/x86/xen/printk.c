/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A small printf to the console.
 *
 * A line is written when it ends, at once, so that Xen's own messages never land
 * inside it.
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

static void put_number(unsigned long value, unsigned int base, unsigned int width)
{
	char digits[3 * sizeof(value) + 1];
	char *digit = digits + sizeof(digits);

	*--digit = '\0';
	do {
		*--digit = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	for (size_t used = (size_t)(digits + sizeof(digits) - 1 - digit); used < width; used++)
		put_char('0');
	put_string(digit);
}

static void put_signed(long value)
{
	if (value < 0)
		put_char('-');
	put_number(value < 0 ? -(unsigned long)value : (unsigned long)value, 10, 0);
}

/*
 * %s %c %d %u %x %p %%; l before d, u and x; before those a width, always filled
 * with zeros.  Anything else is printed as it stands, and the arguments after it
 * are not to be trusted.
 */
void vprintk(const char *format, va_list args)
{
	for (; *format; format++) {
		unsigned int width = 0;
		bool is_long = false;

		if (*format != '%') {
			put_char(*format);
			continue;
		}
		while (*++format >= '0' && *format <= '9')
			width = 10 * width + (unsigned int)(*format - '0');
		if (*format == 'l') {
			is_long = true;
			format++;
		}
		switch (*format) {
		case 's':
			put_string(va_arg(args, const char *));
			break;
		case 'c':
			put_char((char)va_arg(args, int));
			break;
		case 'd':
			put_signed(is_long ? va_arg(args, long) : va_arg(args, int));
			break;
		case 'u':
		case 'x':
			put_number(is_long ? va_arg(args, unsigned long)
					   : va_arg(args, unsigned int),
				   *format == 'x' ? 16 : 10, width);
			break;
		case 'p':
			put_string("0x");
			put_number( (uintptr_t)va_arg(args, void *), 16, 0);
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
}

void printk(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintk(format, args);
	va_end(args);
}
