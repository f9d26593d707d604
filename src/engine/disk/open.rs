// SPDX-License-Identifier: GPL-3.0-or-later
//! How the files of a download are opened: through no symbolic link, held up by no named pipe.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::place::leads_to;

/// Opens what is at a path if it is no symbolic link. A named pipe in its place is opened at once, as by
/// open(2) with `O_NONBLOCK`: who needs a file looks at its metadata.
///
/// Folders that a sandbox is granted lie on a file system, the document portal's, that answers `O_NOFOLLOW` with
/// [`ELOOP`](libc::ELOOP) for every file. There a file is opened without it, if the path is no link to it.
///
/// The options must not truncate, and need not be told to create a new file: that never follows a link.
pub fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    match options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path) {
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => open_unless_link(path, options, error),
        opened => opened,
    }
}

/// [`open`] without `O_NOFOLLOW`; `refused` is what came of it with that.
fn open_unless_link(path: &Path, options: &mut OpenOptions, refused: io::Error) -> io::Result<File> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(refused);
    }
    let file = options.custom_flags(libc::O_NONBLOCK).open(path)?;
    if leads_to(path, &file) { Ok(file) } else { Err(refused) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn refused() -> io::Error {
        io::Error::from_raw_os_error(libc::ELOOP)
    }

    fn reading() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true);
        options
    }

    #[test]
    fn a_file_is_opened_also_where_nofollow_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.part");
        fs::write(&path, "some bytes").unwrap();
        for opened in [open(&path, &mut reading()), open_unless_link(&path, &mut reading(), refused())] {
            assert_eq!(io::read_to_string(opened.unwrap()).unwrap(), "some bytes");
        }
    }

    #[test]
    fn a_symbolic_link_is_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("secret"), folder.path().join("f.part"));
        fs::write(&path, "of somebody else").unwrap();
        symlink(&path, &link).unwrap();
        for opened in [open(&link, &mut reading()), open_unless_link(&link, &mut reading(), refused())] {
            assert_eq!(opened.unwrap_err().raw_os_error(), Some(libc::ELOOP));
        }
    }

    #[test]
    fn a_pipe_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.part");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap();
        assert!(!open(&path, &mut reading()).unwrap().metadata().unwrap().is_file());
        assert_eq!(open_unless_link(&path, &mut reading(), refused()).unwrap_err().raw_os_error(), Some(libc::ELOOP));
    }
}
