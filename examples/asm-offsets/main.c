/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "guest.h"
#include "registers.h"

/* Of the table that XenKallsyms makes of this very image. */
extern const unsigned int kallsyms_num_syms;
extern const unsigned long kallsyms_addresses[];
extern const unsigned int kallsyms_name_offsets[];
extern const char kallsyms_names[];

struct registers registers = {.eax = 1};

void kernel_main(void);

static int is_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static const char *name_at(unsigned long address)
{
	for (unsigned int i = 0; i < kallsyms_num_syms; i++)
		if (kallsyms_addresses[i] == address)
			return kallsyms_names + kallsyms_name_offsets[i];
	return "";
}

void kernel_main(void)
{
	check("assembler_knows_where_eax_is", registers.eax == 0x1234);
	check("and_ebx", *(const uint32_t *)registers.ebx == 0x336ec578);
	check("the_table_knows_us", is_same(name_at((unsigned long)kernel_main), "kernel_main"));
	end();
}
