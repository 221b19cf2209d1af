/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "guest.h"

char boot_stack[0x4000] __attribute__((aligned(16)));
uint64_t pvh_page_tables[8][512] __attribute__((aligned(4096)));

/* Each of another kind of file. */
int from_flags(void), from_plain(void), from_macro(void), from_cplusplus(void), from_rust(void);
int from_parts(void), twice(int), from_variant(void), from_build(void);
extern const unsigned char real_code[], real_code_end[];

_Noreturn void kernel_main(void);

_Noreturn void kernel_main(void)
{
	check("a_file_with_its_flags", from_flags() == 42);
	check("assembler", from_plain() == 3);
	check("preprocessed_assembler", from_macro() == 7);
	check("c_plus_plus", from_cplusplus() == 11);
#ifdef CONFIG_RUST
	check("rust", from_rust() == 13);
#endif
	check("objects_in_one", from_parts() == 1 + 2);
	check("an_archive", twice(21) == 42);
	check("a_folder_with_a_variant", from_variant() == 5);
	check("sources_in_build", from_build() == 6);
	/* mov $0x1234, %ax and ret: 16-bit code has no prefix for it. */
	check("code_of_16_bits", real_code_end - real_code >= 4 && real_code[0] == 0xb8);
	end();
}
