/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Text to the console through HYPERVISOR_console_io, the one way out that
 * needs nothing to be set up.  Xen allows it to dom0 only: a domU has a ring.
 *
 * One line is one hypercall, so that Xen's own messages never land inside it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "hypercall.h"
#include "xen-ops.h"

void xen_raw_console_write(const char *text, size_t size)
{
	HYPERVISOR_console_io(CONSOLEIO_write, size, text);
}

struct line {
	char text[256];
	size_t used;
};

static void flush(struct line *line)
{
	xen_raw_console_write(line->text, line->used);
	line->used = 0;
}

static void put_char(struct line *line, char c)
{
	line->text[line->used++] = c;
	if (c == '\n' || line->used == sizeof(line->text))
		flush(line);
}

static void put_string(struct line *line, const char *string)
{
	while (*string)
		put_char(line, *string++);
}

static void put_number(struct line *line, unsigned long value, unsigned int base)
{
	char digits[3 * sizeof(value) + 1];
	char *digit = digits + sizeof(digits);

	*--digit = '\0';
	do {
		*--digit = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	put_string(line, digit);
}

static void put_signed(struct line *line, long value)
{
	if (value < 0)
		put_char(line, '-');
	put_number(line, value < 0 ? -(unsigned long)value : (unsigned long)value, 10);
}

/*
 * A small printf: %s %c %d %u %x %p %%, and l before d, u and x.  Anything
 * else is printed as it stands, and the arguments after it are not to be
 * trusted.
 */
void xen_raw_printk(const char *format, ...)
{
	struct line line = {.used = 0};
	va_list args;

	va_start(args, format);
	for (; *format; format++) {
		bool is_long = false;

		if (*format != '%') {
			put_char(&line, *format);
			continue;
		}
		if (*++format == 'l') {
			is_long = true;
			format++;
		}
		switch (*format) {
		case 's':
			put_string(&line, va_arg(args, const char *));
			break;
		case 'c':
			put_char(&line, (char)va_arg(args, int));
			break;
		case 'd':
			put_signed(&line, is_long ? va_arg(args, long) : va_arg(args, int));
			break;
		case 'u':
		case 'x':
			put_number(&line,
				   is_long ? va_arg(args, unsigned long)
					   : va_arg(args, unsigned int),
				   *format == 'x' ? 16 : 10);
			break;
		case 'p':
			put_string(&line, "0x");
			put_number(&line, (uintptr_t)va_arg(args, void *), 16);
			break;
		case '%':
			put_char(&line, '%');
			break;
		case '\0':
			format--; /* a lone % at the end; the loop must see the NUL */
			break;
		default:
			put_char(&line, '%');
			put_char(&line, *format);
			break;
		}
	}
	va_end(args);
	if (line.used)
		flush(&line);
}
