// SPDX-License-Identifier: GPL-3.0-or-later
//! The desktop around the window: files and their programs, link files, notifications, the launcher, the
//! start with the user's session. No widgets.

pub mod autostart;
pub mod background;
pub mod files;
pub mod launcher;
pub mod link_file;
pub mod notifications;
