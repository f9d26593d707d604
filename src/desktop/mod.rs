// SPDX-License-Identifier: GPL-3.0-or-later
//! The desktop around the window: files and their programs, link files, notifications, the launcher, the
//! start with the user's session, the clock, network, proxies and hours, staying awake, suspending and shutting down, the keyring. No
//! widgets.

pub mod after_command;
pub mod autostart;
pub mod awake;
pub mod background;
pub mod circumstances;
pub mod clock_format;
pub mod files;
pub mod folder_check;
pub mod free_space;
pub mod keyring;
pub mod launcher;
pub mod link_file;
pub mod logins;
pub mod midnight;
pub mod notifications;
pub mod power;
pub mod proxies;
pub mod search_provider;
mod wall_clock;
pub mod when_done;
