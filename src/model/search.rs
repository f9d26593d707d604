// SPDX-License-Identifier: GPL-3.0-or-later
//! Which downloads the desktop's search finds, whatever the window shows. It asks with each letter, and the list may
//! be long: nothing is made of those that it does not show.

use super::DownloadList;
use super::filter::Words;
use crate::engine::types::DownloadId;

/// The desktop shows five or so.
const MOST: usize = 20;

/// Those with every one of the words in their names, the newest first.
pub fn found(list: &DownloadList, words: &[String]) -> Vec<DownloadId> {
    let words = Words::new(&words.join(" "));
    let fits = |id: &DownloadId| list.look(*id, |download| words.are_in(&[download.name]));
    list.all_ids().into_iter().rev().filter(|id| list.has(*id)).filter(fits).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::download::state::State;
    use crate::engine::event::Snapshot;
    use crate::model::DownloadObject;
    use crate::model::download_object::tests::{alone, snapshot};
    use crate::model::filter::{Filter, Group};

    #[test]
    fn the_newest_are_found_whatever_the_window_shows_and_without_making_objects() {
        alone(|_| {
            let list = DownloadList::default();
            let source = |id: DownloadId| Some(Snapshot { state: State::Completed, ..snapshot(id.0) });
            list.fill(vec![DownloadObject::new(snapshot(300))], (1..300).map(DownloadId).collect(), source);
            list.set_filter(Filter::new(Group::Failed, ""));
            let newest: Vec<_> = (281..=300).rev().map(DownloadId).collect();
            assert_eq!(found(&list, &["FILE".to_owned()]), newest);
            assert_eq!(found(&list, &["file".to_owned(), "-123".to_owned()]), [DownloadId(123)]);
            assert!((1..300).all(|id| list.looked_at(DownloadId(id)).is_none()));
            list.remove(DownloadId(300));
            assert_eq!(found(&list, &["file-300".to_owned()]), []);
        });
    }
}
