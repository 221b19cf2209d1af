/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#define LOAD 0x2000000
#include "layout.ld"
