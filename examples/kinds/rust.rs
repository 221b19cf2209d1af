// SPDX-License-Identifier: GPL-2.0-only OR MIT
#![no_std]

#[no_mangle]
pub extern "C" fn from_rust() -> i32 {
    13
}
