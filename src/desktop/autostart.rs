// SPDX-License-Identifier: GPL-3.0-or-later
//! Whether the desktop starts Freshet, without its window, when the user logs in. In a sandbox the portal
//! sees to that; elsewhere it is a file of the XDG autostart specification.

use std::io;
use std::path::{Path, PathBuf};

use crate::config;
use crate::i18n::gettext;

use super::background;

/// The option with which the window stays closed at the start.
pub const OPTION: &str = "background";

/// Has the desktop start Freshet from now on, or no longer. `failed` is called, later, with a sentence for
/// the user where that did not work.
pub fn set(starts: bool, failed: impl Fn(&str) + 'static) {
    if background::is_sandboxed() {
        background::request(starts, move |answer| match answer {
            Ok(granted) if starts && !granted.autostart => {
                failed(&gettext("The desktop does not let Freshet start by itself."));
            }
            Ok(_) => {}
            Err(sentence) => failed(&sentence),
        });
        return;
    }
    let path = glib::user_config_dir().join("autostart").join(file_name());
    let written = if starts { write(&path, &exec()) } else { remove(&path) };
    if let Err(error) = written {
        tracing::warn!(%error, path = %path.display(), "Autostart cannot be changed");
        failed(&gettext("The desktop’s list of programs to start cannot be written."));
    }
}

fn file_name() -> String {
    format!("{}.desktop", config::APP_ID)
}

/// How Freshet is started. What is in the user's path may be updated, and stays where it is.
fn exec() -> String {
    let program = if glib::find_program_in_path("freshet").is_some() {
        "freshet".to_owned()
    } else {
        let itself = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("freshet"));
        quoted(&itself.to_string_lossy())
    };
    format!("{program} --{OPTION}")
}

/// As an argument in a desktop file: in quotes, with what has a meaning there escaped.
fn quoted(argument: &str) -> String {
    let mut quoted = String::from('"');
    for c in argument.chars() {
        match c {
            '"' | '`' | '$' | '\\' => quoted.extend(['\\', c]),
            '%' => quoted.push_str("%%"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn write(path: &Path, exec: &str) -> io::Result<()> {
    let file = glib::KeyFile::new();
    file.set_string("Desktop Entry", "Type", "Application");
    file.set_string("Desktop Entry", "Name", "Freshet");
    file.set_string("Desktop Entry", "Icon", config::APP_ID);
    file.set_string("Desktop Entry", "Exec", exec);
    file.set_boolean("Desktop Entry", "X-GNOME-UsesNotifications", true);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, file.to_data())
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_starts_the_program_and_goes_away_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("autostart").join("a.desktop");
        let exec = format!("{} --{OPTION}", quoted("/opt/a b/100%/$x"));
        write(&path, &exec).unwrap();
        let file = glib::KeyFile::new();
        file.load_from_file(&path, glib::KeyFileFlags::NONE).unwrap();
        // One backslash is for the file, the other for the command line in it.
        assert_eq!(file.string("Desktop Entry", "Exec").unwrap(), "\"/opt/a b/100%%/\\$x\" --background");
        assert_eq!(file.string("Desktop Entry", "Type").unwrap(), "Application");
        remove(&path).unwrap();
        assert!(!path.exists());
        remove(&path).unwrap();
    }
}
