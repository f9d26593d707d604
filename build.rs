// SPDX-License-Identifier: GPL-3.0-or-later
//! Compiles what the program needs besides Rust: the resources that become part of it, and for a
//! run out of the build tree also the settings schema and the translations.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_GUI").is_some() {
        glib_build_tools::compile_resources(
            &["data/resources"],
            "data/resources/freshet.gresource.xml",
            "freshet.gresource",
        );
    }
    // Meson tells where it installs the translations; it then installs the schema as well, and the
    // program must not look for either in the build tree.
    println!("cargo:rerun-if-env-changed=FRESHET_LOCALE_DIR");
    if env::var_os("FRESHET_LOCALE_DIR").is_none() {
        let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
        compile_schema(&out_dir.join("schemas"));
        compile_translations(&out_dir.join("locale"));
    }
}

fn compile_schema(target: &Path) {
    println!("cargo:rerun-if-changed=data/io.github.freshet.Freshet.gschema.xml");
    fs::create_dir_all(target).expect("the build directory can be written");
    let mut compiler = Command::new("glib-compile-schemas");
    compiler.args(["--strict", "--targetdir"]).arg(target).arg("data");
    match compiler.status() {
        Ok(status) => assert!(status.success(), "glib-compile-schemas does not accept the settings schema"),
        Err(error) => panic!("glib-compile-schemas could not be run (it comes with GLib): {error}"),
    }
    println!("cargo:rustc-env=FRESHET_SCHEMA_DIR={}", target.display());
}

/// Without msgfmt the program is built all the same, and speaks English.
fn compile_translations(target: &Path) {
    println!("cargo:rerun-if-changed=po");
    let linguas = fs::read_to_string("po/LINGUAS").expect("po/LINGUAS can be read");
    for language in linguas.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let folder = target.join(language).join("LC_MESSAGES");
        fs::create_dir_all(&folder).expect("the build directory can be written");
        let mut compiler = Command::new("msgfmt");
        compiler.arg(format!("po/{language}.po")).arg("-o").arg(folder.join("freshet.mo"));
        match compiler.status() {
            Ok(status) => assert!(status.success(), "msgfmt does not accept po/{language}.po"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                println!("cargo:warning=msgfmt is not installed: this build has no translations");
                return;
            }
            Err(error) => panic!("msgfmt could not be run: {error}"),
        }
    }
}
