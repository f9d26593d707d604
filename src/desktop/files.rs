// SPDX-License-Identifier: GPL-3.0-or-later
//! Opens files with the programs that the desktop has for them, and shows them in the file manager.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use gio::prelude::*;

use super::background;
use crate::i18n::gettext_f;
use crate::model::describe;

/// Opens a file with its usual program. The error is a sentence for the user.
pub async fn open(path: &Path, context: Option<&gio::AppLaunchContext>) -> Result<(), String> {
    let file = existing(path).await?;
    launch(&file, context).await
}

/// Shows a file in the file manager, as [`show_in_folders`] does.
pub async fn show_in_folder(path: &Path, context: Option<&gio::AppLaunchContext>) -> Result<(), String> {
    show_in_folders(&[path.to_owned()], context).await
}

/// Shows files in the file manager, selected if it knows how to, else just their folders, each once. The error is a sentence
/// for the user about the first that could not be shown.
pub async fn show_in_folders(paths: &[PathBuf], context: Option<&gio::AppLaunchContext>) -> Result<(), String> {
    let (mut there, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match existing(path).await {
            Ok(_) => there.push(path.as_path()),
            Err(sentence) => problems.push(sentence),
        }
    }
    if background::is_sandboxed() {
        // The portal takes one file, and shows its folder.
        for path in first_in_each_folder(&there) {
            if let Err(error) = ask_portal_to_show(path).await {
                problems.extend(open_instead(path, &error, context).await.err());
            }
        }
    } else if !there.is_empty()
        && let Err(error) = show_items(&there).await
    {
        for path in first_in_each_folder(&there) {
            problems.extend(open_instead(path, &error, context).await.err());
        }
    }
    problems.into_iter().next().map_or(Ok(()), Err)
}

fn first_in_each_folder<'a>(paths: &[&'a Path]) -> Vec<&'a Path> {
    let mut folders = HashSet::new();
    paths.iter().copied().filter(|path| folders.insert(path.parent())).collect()
}

/// Opens the folder of a file.
async fn open_instead(path: &Path, error: &glib::Error, context: Option<&gio::AppLaunchContext>) -> Result<(), String> {
    tracing::debug!(%error, "No file manager took the file; its folder is opened");
    launch(&gio::File::for_path(path.parent().unwrap_or(path)), context).await
}

/// Opens a folder in the file manager. The error is a sentence for the user.
pub async fn open_folder(path: &Path, context: Option<&gio::AppLaunchContext>) -> Result<(), String> {
    let folder = existing(path).await?;
    launch(&folder, context).await
}

/// What became of a file that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trashed {
    Moved,
    /// It was no longer in its folder.
    WasGone,
}

/// Moves a file to the trash; in a sandbox GIO leaves that to the portal. The error is a sentence for the user.
pub async fn trash(path: &Path) -> Result<Trashed, String> {
    let file = gio::File::for_path(path);
    let Err(error) = file.trash_future(glib::Priority::DEFAULT).await else { return Ok(Trashed::Moved) };
    tracing::info!(%error, path = %path.display(), "A file cannot be moved to the trash");
    let name = path.file_name().map(glib::filename_display_name).unwrap_or_default();
    if error.matches(gio::IOErrorEnum::NotFound) {
        let Some(folder) = path.parent() else { return Ok(Trashed::WasGone) };
        if existing(folder).await.is_ok() {
            return Ok(Trashed::WasGone);
        }
        // Its drive may be unplugged, and the file on it.
        let reason = gettext_f("The folder {folder} is not there.", &[("folder", &describe::folder(folder))]);
        return Err(cannot_be_trashed(&name, &reason));
    }
    if error.matches(gio::IOErrorEnum::NotSupported) {
        // Translators: {file} is the name of a file.
        return Err(gettext_f(
            "There is no trash where “{file}” is. Delete it in the file manager.",
            &[("file", &name)],
        ));
    }
    Err(cannot_be_trashed(&name, error.message()))
}

fn cannot_be_trashed(name: &str, reason: &str) -> String {
    // Translators: {file} is the name of a file, {reason} a sentence of the system.
    gettext_f("“{file}” cannot be moved to the trash: {reason}", &[("file", name), ("reason", reason)])
}

async fn existing(path: &Path) -> Result<gio::File, String> {
    let file = gio::File::for_path(path);
    let found = file
        .query_info_future(gio::FILE_ATTRIBUTE_STANDARD_TYPE, gio::FileQueryInfoFlags::NONE, glib::Priority::DEFAULT)
        .await;
    match found {
        Ok(_) => Ok(file),
        Err(error) => {
            tracing::info!(%error, path = %path.display(), "A file that should be opened cannot be found");
            let name = path.file_name().map(glib::filename_display_name).unwrap_or_default();
            // Translators: {file} is the name of a file or folder.
            Err(gettext_f("“{file}” is no longer there", &[("file", &name)]))
        }
    }
}

async fn launch(file: &gio::File, context: Option<&gio::AppLaunchContext>) -> Result<(), String> {
    launched(file, gio::AppInfo::launch_default_for_uri_future(&file.uri(), context).await)
}

fn launched(file: &gio::File, answer: Result<(), glib::Error>) -> Result<(), String> {
    let Err(error) = answer else { return Ok(()) };
    if error.matches(gio::IOErrorEnum::Cancelled) {
        // In a sandbox the portal may let the user choose a program, who then wants none.
        return Ok(());
    }
    tracing::info!(%error, uri = %file.uri(), "No program opens a file");
    let name = file.basename().map(glib::filename_display_name).unwrap_or_default();
    // Translators: {file} is the name of a file or folder.
    Err(gettext_f("No program opens “{file}”", &[("file", &name)]))
}

/// The file manager outside of a sandbox knows files by other paths, and nobody but the portal may speak to it.
async fn ask_portal_to_show(path: &Path) -> Result<(), glib::Error> {
    let failed = |error: String| glib::Error::new(gio::IOErrorEnum::Failed, &error);
    let path = path.to_owned();
    // Open for reading and no more: the portal refuses a file that could be written to without saying so, as one
    // can that is opened by its path alone.
    let opened = gio::spawn_blocking(move || OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path));
    let file = opened.await.map_err(|_| failed("the file cannot be opened".to_owned()))?;
    let descriptors = gio::UnixFDList::from_array([OwnedFd::from(file.map_err(|error| failed(error.to_string()))?)]);
    let bus = gio::bus_get_future(gio::BusType::Session).await?;
    let parent_window = "";
    let arguments = (parent_window, glib::variant::Handle(0), glib::VariantDict::new(None));
    let asked = bus.call_with_unix_fd_list_future(
        Some(background::PORTAL),
        background::OBJECT,
        "org.freedesktop.portal.OpenURI",
        "OpenDirectory",
        Some(&arguments.to_variant()),
        None,
        gio::DBusCallFlags::NONE,
        5000,
        Some(&descriptors),
    );
    asked.await?;
    Ok(())
}

/// <https://www.freedesktop.org/wiki/Specifications/file-manager-interface/>
async fn show_items(paths: &[&Path]) -> Result<(), glib::Error> {
    let bus = gio::bus_get_future(gio::BusType::Session).await?;
    let uris: Vec<_> = paths.iter().map(|path| gio::File::for_path(path).uri().to_string()).collect();
    let startup_id = "";
    bus.call_future(
        Some("org.freedesktop.FileManager1"),
        "/org/freedesktop/FileManager1",
        "org.freedesktop.FileManager1",
        "ShowItems",
        Some(&(uris, startup_id).to_variant()),
        None,
        gio::DBusCallFlags::NONE,
        5000,
    )
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_a_drive_that_is_unplugged_was_not_moved_to_the_trash() {
        let drive = tempfile::tempdir().unwrap();
        let context = glib::MainContext::new();
        let trash = |path: std::path::PathBuf| context.with_thread_default(|| context.block_on(trash(&path))).unwrap();
        assert_eq!(trash(drive.path().join("gone.iso")), Ok(Trashed::WasGone));
        let folder = drive.path().join("folder");
        let words = trash(folder.join("here.iso")).unwrap_err();
        assert!(words.contains("“here.iso”") && words.contains(&folder.display().to_string()), "{words}");
    }

    #[test]
    fn who_chooses_no_program_is_not_told_that_there_is_none() {
        let file = gio::File::for_path("/a/b.pdf");
        let told = |kind| launched(&file, Err(glib::Error::new(kind, "so it is")));
        assert_eq!(launched(&file, Ok(())), Ok(()));
        assert_eq!(told(gio::IOErrorEnum::Cancelled), Ok(()));
        assert!(told(gio::IOErrorEnum::NotSupported).unwrap_err().contains("“b.pdf”"));
    }

    #[test]
    fn of_each_folder_one_file_is_shown() {
        let paths = ["/a/1", "/b/2", "/a/3", "/a/b/4"].map(Path::new);
        assert_eq!(first_in_each_folder(&paths), ["/a/1", "/b/2", "/a/b/4"].map(Path::new));
    }
}
