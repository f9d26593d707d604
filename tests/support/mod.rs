// SPDX-License-Identifier: GPL-3.0-or-later
//! What the tests stand on: servers on 127.0.0.1 that can misbehave or are the real ones, files whose
//! every byte is known without keeping it, and turns on the main loop. Nothing here knows how the
//! program works inside, but `engine.rs`. Tested by `tests/support_itself.rs`.

// Each test program takes the part it needs.
#![allow(dead_code)]

pub mod apache;
pub mod caddy;
pub mod device;
pub mod engine;
pub mod faulty;
pub mod files;
pub mod lighttpd;
pub mod listening;
pub mod mainloop;
pub mod nginx;
pub mod paced;
pub mod process;
pub mod serving;
pub mod socks;
pub mod sshd;
pub mod vsftpd;
