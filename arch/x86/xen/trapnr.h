/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The numbers of exceptions, and the bits of error codes, for C and assembly.
 */
#ifndef TRAPNR_H
#define TRAPNR_H

#define X86_TRAP_DE 0
#define X86_TRAP_DB 1
#define X86_TRAP_NMI 2
#define X86_TRAP_BP 3
#define X86_TRAP_OF 4
#define X86_TRAP_BR 5
#define X86_TRAP_UD 6
#define X86_TRAP_NM 7
#define X86_TRAP_DF 8
#define X86_TRAP_TS 10
#define X86_TRAP_NP 11
#define X86_TRAP_SS 12
#define X86_TRAP_GP 13
#define X86_TRAP_PF 14
#define X86_TRAP_MF 16
#define X86_TRAP_AC 17
#define X86_TRAP_MC 18
#define X86_TRAP_XF 19

/* Bits of a page fault's error code. */
#define X86_PF_PROT 1 /* the page is there */
#define X86_PF_WRITE 2
#define X86_PF_USER 4
#define X86_PF_INSTR 16

#endif
