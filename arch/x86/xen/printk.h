/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vprintk, for functions that pass on their arguments: panic and failed checks.
 */
#ifndef PRINTK_H
#define PRINTK_H

#include <stdarg.h>

__attribute__((format(printf, 1, 0))) void vprintk(const char *format, va_list args);

#endif
