// SPDX-License-Identifier: GPL-3.0-or-later
//! From text to addresses: what people type, drop, paste and keep in lists, and what servers keep
//! beside their files. Pure.
//!
//! | question | file |
//! |---|---|
//! | is this an address? where are the addresses in this text? | `address.rs` |
//! | what is to be downloaded, by this list or metalink? | `list.rs` |
//! | how is a list of nothing but addresses told from others? | `plain.rs` |
//! | where do the links of this piece of a page lead? | `html.rs` |
//! | what may be said of one download, and how? | `options.rs` |
//! | what does an option of aria2's mean here? | `aria2.rs` |
//! | what does a metalink say? | `metalink.rs` |
//! | for which addresses does this pattern stand? | `pattern.rs` |
//! | what does this curl command download? | `curl_command.rs`, split by `shell.rs` |
//! | how is the list written for others, and read again? | `exchange.rs` |
//! | how is a download written as such a command? | `as_curl.rs` |
//! | what is the checksum of this file, and where may one be found? | `checksum_list.rs` |

pub mod address;
mod aria2;
pub mod as_curl;
pub mod checksum_list;
pub mod curl_command;
pub mod exchange;
pub mod html;
pub mod list;
pub mod metalink;
pub mod options;
pub mod pattern;
pub mod plain;
pub mod shell;
