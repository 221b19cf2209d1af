/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the parts of the guest share with one another, with the linker script
 * and with the Xen head object.
 */
#ifndef XEN_OPS_H
#define XEN_OPS_H

#include <stdbool.h>
#include <stddef.h>

#include "xen-abi.h"

/* Boundaries from vmlinux.lds.S; only their addresses mean anything. */
extern char _text[], _end[];

/* setup.c: what the entry code fills in or stands on. */
extern struct start_info *xen_start_info;
extern union thread_union init_thread_union;
#ifdef CONFIG_X86_64
extern union irq_stack_union irq_stack_union;
#endif
_Noreturn void xen_start_kernel(void);

/* console.c */
void xen_raw_console_write(const char *text, size_t size);
__attribute__((format(printf, 1, 2))) void xen_raw_printk(const char *format, ...);

/* checks.c: runs every check; returns whether all passed. */
bool run_checks(void);

/* shutdown.c */
_Noreturn void report_result(bool passed);
_Noreturn void panic(const char *reason);

#endif
