// SPDX-License-Identifier: GPL-3.0-or-later
//! File systems of our own that can be filled, frozen and made read-only. Mounting takes root and a
//! kernel that lets us; where it does not, the test is skipped.

use std::fs;
use std::io::{self, Error, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::process::skip;

/// A mounted file system; unmounted when dropped.
#[derive(Debug)]
pub struct Device {
    folder: TempDir,
    /// How it was mounted.
    options: Vec<String>,
    is_frozen: bool,
}

impl Device {
    /// A tmpfs of so many bytes.
    pub fn tmpfs(size: u64) -> Option<Self> {
        or_skip(|| Self::mount(Self::folder()?, &["-t", "tmpfs", "-o", &format!("size={size},mode=755"), "none"]))
    }

    /// A file system of this type in an image of so many bytes, mounted as desktops do.
    pub fn image(kind: &str, size: u64) -> Option<Self> {
        or_skip(|| {
            let folder = Self::folder()?;
            let image = folder.path().join("image");
            fs::File::create(&image)?.set_len(size)?;
            let (maker, options, mount) = match kind {
                "vfat" => ("vfat", &[][..], "loop,utf8,shortname=mixed"),
                "ntfs3" | "ntfs-3g" => ("ntfs", &["-F", "-Q"][..], "loop,windows_names"),
                _ => (kind, &[][..], "loop"),
            };
            run(Command::new(format!("/usr/sbin/mkfs.{maker}")).args(options).arg(&image))?;
            Self::mount(folder, &["-t", kind, "-o", mount, &image.to_string_lossy()])
        })
    }

    fn folder() -> io::Result<TempDir> {
        let folder = tempfile::Builder::new().prefix("freshet-device-").tempdir()?;
        fs::create_dir(folder.path().join("on"))?;
        Ok(folder)
    }

    fn mount(folder: TempDir, options: &[&str]) -> io::Result<Self> {
        run(Command::new("mount").args(options).arg(folder.path().join("on")))?;
        let options = options.iter().map(|&option| option.to_owned()).collect();
        Ok(Self { folder, options, is_frozen: false })
    }

    /// Takes it out in good order, and puts it in again.
    pub fn put_in_again(&self) {
        let on = self.path();
        run(Command::new("umount").arg(&on)).expect("nothing on it is open");
        run(Command::new("mount").args(&self.options).arg(&on)).expect("mounts again");
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("on")
    }

    /// Until [`Self::thaw`] nothing that writes to it returns.
    pub fn freeze(&mut self) {
        run(Command::new("/usr/sbin/fsfreeze").arg("-f").arg(self.path())).expect("freezes");
        self.is_frozen = true;
    }

    pub fn thaw(&mut self) {
        run(Command::new("/usr/sbin/fsfreeze").arg("-u").arg(self.path())).expect("thaws");
        self.is_frozen = false;
    }

    /// On btrfs: no more than so many bytes may be written to it, by root either.
    pub fn set_quota(&self, size: u64) -> io::Result<()> {
        let path = self.path();
        run(Command::new("btrfs").args(["quota", "enable"]).arg(&path))?;
        run(Command::new("btrfs").args(["qgroup", "limit", &size.to_string()]).arg(&path))
    }

    /// Makes it read-only or not. The kernel refuses the first while a file is open for writing.
    pub fn set_read_only(&self, read_only: bool) -> io::Result<()> {
        let option = if read_only { "remount,ro" } else { "remount,rw" };
        run(Command::new("mount").args(["-o", option]).arg(self.path()))
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).expect("the folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| name != "lost+found").collect();
        names.sort();
        names
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if self.is_frozen {
            self.thaw();
        }
        // Lazily: who has something open there still lets it go soon.
        if let Err(error) = run(Command::new("umount").arg("-l").arg(self.path())) {
            let _ = writeln!(io::stderr(), "{error}");
        }
    }
}

fn or_skip(make: impl FnOnce() -> io::Result<Device>) -> Option<Device> {
    make().map_err(|error| skip(&format!("{error} (it takes root, where file systems may be mounted)"))).ok()
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::other(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// Writes a file that takes up so many bytes.
pub fn fill(path: &Path, size: u64) {
    super::files::write(path, 99, size).expect("there is room");
}
