/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Numbers for assembler: this is compiled, but never linked. */
#include <stddef.h>

#include "registers.h"

#define DEFINE(name, value) asm volatile("\n.ascii \"->" #name " %0 " #value "\"" : : "i"(value))

void offsets(void);

void offsets(void)
{
	DEFINE(REGISTERS_EAX, offsetof(struct registers, eax));
	DEFINE(REGISTERS_EBX, offsetof(struct registers, ebx));
}
