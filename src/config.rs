// SPDX-License-Identifier: GPL-3.0-or-later
//! Build constants. Meson gives them in the environment; plain cargo gets the defaults, so nothing
//! has to be generated before `cargo build`.

/// The application id; also the name of the D-Bus service, desktop file, icon and schema.
pub const APP_ID: &str = match option_env!("FRESHET_APP_ID") {
    Some(id) => id,
    None => "io.github.freshet.Freshet",
};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The gettext domain.
pub const DOMAIN: &str = "freshet";

/// Where compiled translations lie. The default is where `build.rs` puts them for uninstalled runs.
pub const LOCALE_DIR: &str = match option_env!("FRESHET_LOCALE_DIR") {
    Some(dir) => dir,
    None => concat!(env!("OUT_DIR"), "/locale"),
};

/// Where the help lies, a folder for each language.
pub const HELP_DIR: &str = match option_env!("FRESHET_HELP_DIR") {
    Some(dir) => dir,
    None => concat!(env!("CARGO_MANIFEST_DIR"), "/docs/help"),
};

/// Where programs lie that others start.
pub const LIBEXEC_DIR: &str = match option_env!("FRESHET_LIBEXEC_DIR") {
    Some(dir) => dir,
    None => "/usr/libexec",
};

/// Where the settings schema of an uninstalled run lies. `None` once installed: then it is where all
/// schemas are.
pub const SCHEMA_DIR: Option<&str> = option_env!("FRESHET_SCHEMA_DIR");
