// SPDX-License-Identifier: GPL-3.0-or-later
//! The folders that a list of the user's own names for its downloads. Those that cannot be used are told, and
//! their downloads go where others go.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::Addresses;
use crate::i18n::{gettext, gettext_f};

/// So many folders that cannot be used are told one by one.
const MOST_TOLD: usize = 3;

impl Addresses {
    /// Leaves to each download the folder that it is to be saved in, if the list `name` has one for it that can be
    /// used. `base` is what a relative one lies in, `problem` says why nothing can be saved in a folder.
    pub async fn settle_folders(&mut self, name: &str, base: &Path, problem: impl AsyncFn(&Path) -> Option<String>) {
        let mut settled: HashMap<PathBuf, Option<PathBuf>> = HashMap::new();
        let mut unused = 0_usize;
        for entry in &mut self.found {
            let Some(wanted) = entry.folder.take() else { continue };
            if let Some(folder) = settled.get(&wanted) {
                entry.folder.clone_from(folder);
                continue;
            }
            let folder = below(base, &wanted);
            let cause = match &folder {
                Some(folder) => problem(folder).await,
                None => Some(gettext("A folder in a list cannot contain “..”.")),
            };
            let folder = folder.filter(|_| cause.is_none());
            if let Some(cause) = cause {
                unused += 1;
                if unused <= MOST_TOLD {
                    let shown = wanted.to_string_lossy();
                    self.refused.push(gettext_f(
                        // Translators: a list names a folder that cannot be used. {cause} is one or more whole sentences.
                        "The usual folder is used instead of “{folder}”. {cause}",
                        &[("folder", &shown), ("cause", &cause)],
                    ));
                }
            }
            entry.folder.clone_from(&folder);
            settled.insert(wanted, folder);
        }
        if unused > MOST_TOLD {
            self.refused.push(gettext_f("More folders of “{file}” cannot be used.", &[("file", name)]));
        }
    }
}

/// An absolute folder as it is, another one below `base`; none that climbs out of where it seems to be.
fn below(base: &Path, wanted: &Path) -> Option<PathBuf> {
    let climbs = wanted.components().any(|part| part == Component::ParentDir);
    (!climbs).then(|| base.join(wanted))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn settled(list: &str) -> (Addresses, Vec<PathBuf>) {
        let mut addresses = Addresses::in_own_list(list.as_bytes(), "l.txt");
        let asked = RefCell::new(Vec::new());
        let problem = async |folder: &Path| {
            asked.borrow_mut().push(folder.to_owned());
            folder.starts_with("/gone").then(|| "It is gone.".to_owned())
        };
        let _turn = crate::engine::MAIN_CONTEXT_TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        glib::MainContext::default().block_on(addresses.settle_folders("l.txt", Path::new("/base"), problem));
        (addresses, asked.into_inner())
    }

    fn folders(addresses: &Addresses) -> Vec<Option<&Path>> {
        addresses.found.iter().map(|entry| entry.folder.as_deref()).collect()
    }

    #[test]
    fn folders_that_can_be_used_are_and_each_is_looked_at_once() {
        let (read, asked) =
            settled("http://h/a\n dir=/srv/x\nhttp://h/b\n dir=films\nhttp://h/c\nhttp://h/d\n dir=/srv/x\n");
        let (own, films) = (Some(Path::new("/srv/x")), Some(Path::new("/base/films")));
        assert_eq!(folders(&read), [own, films, None, own]);
        assert_eq!(asked, [Path::new("/srv/x"), Path::new("/base/films")]);
        assert!(read.refused.is_empty(), "{read:?}");
    }

    #[test]
    fn a_folder_that_can_not_be_used_is_told_with_its_cause() {
        let (read, asked) = settled("http://h/a\n dir=../x\nhttp://h/b\n dir=/gone\nhttp://h/c\n dir=/gone\n");
        assert_eq!(folders(&read), [None, None, None]);
        assert_eq!(asked, [Path::new("/gone")]);
        assert_eq!(read.refused.len(), 2, "{read:?}");
        assert!(read.refused[0].contains("“../x”. A folder in a list"), "{read:?}");
        assert!(read.refused[1].contains("“/gone”. It is gone."), "{read:?}");
    }

    #[test]
    fn of_many_folders_that_can_not_be_used_some_are_told() {
        let list: String = (0..9).map(|n| format!("http://h/{n}\n dir=/gone/{n}\n")).collect();
        let (read, _) = settled(&list);
        assert_eq!(read.refused.len(), MOST_TOLD + 1);
        assert_eq!(read.refused[MOST_TOLD], "More folders of “l.txt” cannot be used.");
    }
}
