// SPDX-License-Identifier: GPL-3.0-or-later
//! The desktop around the window: files and their programs, link files, notifications. No widgets.

pub mod files;
pub mod link_file;
pub mod notifications;
