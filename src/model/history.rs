// SPDX-License-Identifier: GPL-3.0-or-later
//! What was completed and is no longer in the list: a list of its own, in which words can be looked for. It may be
//! long, so its rows are made when they come into sight, and it is searched on another thread.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use gio::prelude::*;
use gio::subclass::prelude::*;

use super::amounts::{day_with_time, size};
use super::filter::Words;
use super::session::{Place, Session};
use super::{Addresses, Command, DownloadId, content_type, describe, failures};
use crate::engine::error::Failure;
use crate::engine::import::list::Entry;
use crate::engine::store::Archive;
pub use crate::engine::store::{Past, Wishes};
use crate::i18n::gettext_f;
use crate::settings::Key;

/// So long it is waited for a drive to tell whether a file is still there.
const PATIENCE: Duration = Duration::from_secs(2);

mod imp {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[derive(Debug, Default)]
    pub struct HistoryList {
        /// The latest first.
        pub all: RefCell<Arc<Vec<Past>>>,
        /// The places in `all` of what is shown; all where nothing is looked for.
        pub found: RefCell<Option<Vec<u32>>>,
        /// The words that are looked for.
        pub sought: RefCell<String>,
        /// Of several searches the last one counts.
        pub searches: Cell<u32>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for HistoryList {
        const NAME: &'static str = "FreshetHistoryList";
        type Type = super::HistoryList;
        type Interfaces = (gio::ListModel,);
    }

    impl ObjectImpl for HistoryList {}

    impl ListModelImpl for HistoryList {
        fn item_type(&self) -> glib::Type {
            glib::BoxedAnyObject::static_type()
        }

        fn n_items(&self) -> u32 {
            let count = self.found.borrow().as_ref().map_or(self.all.borrow().len(), Vec::len);
            u32::try_from(count).unwrap_or(u32::MAX)
        }

        /// Holds a [`Past`].
        fn item(&self, position: u32) -> Option<glib::Object> {
            let place = self.obj().place_of(position)?;
            let past = self.all.borrow().get(place)?.clone();
            Some(glib::BoxedAnyObject::new(past).upcast())
        }
    }
}

glib::wrapper! {
    pub struct HistoryList(ObjectSubclass<imp::HistoryList>) @implements gio::ListModel;
}

impl Default for HistoryList {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl HistoryList {
    fn place_of(&self, position: u32) -> Option<usize> {
        let position = usize::try_from(position).ok()?;
        match &*self.imp().found.borrow() {
            Some(found) => usize::try_from(*found.get(position)?).ok(),
            None => Some(position),
        }
    }

    /// How many there are, shown or not.
    pub fn total(&self) -> usize {
        self.imp().all.borrow().len()
    }

    /// Shows these, as far as they have the words that are looked for already.
    pub async fn fill(&self, all: Vec<Past>) {
        let imp = self.imp();
        let before = self.n_items();
        imp.all.replace(Arc::new(all));
        let sought = imp.sought.borrow().clone();
        // Not all for a moment, of which then most go.
        self.show_found((!Words::new(&sought).is_empty()).then(Vec::new), before);
        self.search(&sought).await;
    }

    /// Shows those that have all of these words somewhere in name, address, folder, size or date.
    pub async fn search(&self, text: &str) {
        let imp = self.imp();
        let number = imp.searches.get().wrapping_add(1);
        imp.searches.set(number);
        imp.sought.replace(text.to_owned());
        if Words::new(text).is_empty() {
            // That all are shown need not be told again.
            if imp.found.borrow().is_some() {
                self.show_found(None, self.n_items());
            }
            return;
        }
        while imp.searches.get() == number {
            let all = imp.all.borrow().clone();
            let (searched, words) = (all.clone(), Words::new(text));
            let found = gio::spawn_blocking(move || find(&searched, &words)).await.unwrap_or_default();
            // Something may have been removed meanwhile: the places are other ones then.
            if imp.searches.get() == number && Arc::ptr_eq(&all, &imp.all.borrow()) {
                return self.show_found(Some(found), self.n_items());
            }
        }
    }

    fn show_found(&self, found: Option<Vec<u32>>, before: u32) {
        self.imp().found.replace(found);
        self.items_changed(0, before, self.n_items());
    }

    /// Takes the one at this position out.
    pub fn remove(&self, position: u32) {
        let imp = self.imp();
        let (Some(place), Ok(index)) = (self.place_of(position), usize::try_from(position)) else { return };
        if let Some(found) = &mut *imp.found.borrow_mut() {
            found.remove(index);
            found
                .iter_mut()
                .filter(|other| usize::try_from(**other).is_ok_and(|other| other > place))
                .for_each(|other| *other -= 1);
        }
        // A search that is under way goes on with those that were there.
        Arc::make_mut(&mut imp.all.borrow_mut()).remove(place);
        self.items_changed(position, 1, 0);
    }
}

fn find(all: &[Past], words: &Words) -> Vec<u32> {
    let has_words = |past: &Past| {
        let (folder, size) = (past.folder.to_string_lossy(), size(past.size));
        let date = day_with_time(past.finished_at);
        words.are_in(&[&past.name, &past.url, &folder, &size, &date])
    };
    (0..).zip(all).filter(|(_, past)| has_words(past)).map(|(place, _)| place).collect()
}

/// The second line of a row: `4.2 MB – example.org – 26 November 2026, 10:31`.
pub fn status(past: &Past) -> String {
    let host = url::Url::parse(&past.url).ok().and_then(|url| url.host_str().map(str::to_owned));
    describe::joined([Some(size(past.size)), host, Some(day_with_time(past.finished_at))])
}

/// That it is there already.
pub fn already(past: &Past) -> String {
    let folder = describe::folder(past.place().parent().unwrap_or(&past.folder));
    let values = [("file", past.name.as_str()), ("date", &day_with_time(past.finished_at)), ("folder", &folder)];
    // Translators: {file} is the name of a file, {date} a day with a time, {folder} a path.
    gettext_f("“{file}” was downloaded before ({date}) and is still in the folder “{folder}”.", &values)
}

/// What a screen reader says of a row.
pub fn sentence(past: &Past) -> String {
    // Translators: a row of the list as a screen reader says it: file name and state.
    gettext_f("{file}: {status}", &[("file", &past.name), ("status", &status(past))])
}

pub fn icon(past: &Past) -> gio::Icon {
    content_type::icon(Some(&past.name), None)
}

/// What downloads it again, to where it was and as it was asked for, but for secrets.
pub fn again(past: &Past) -> Option<(Addresses, Place)> {
    let Wishes { mirrors, checksum, headers } = past.wishes.as_deref().cloned().unwrap_or_default();
    let urls = std::iter::once(past.url.parse().ok()?).chain(mirrors).collect();
    let entry = Entry { urls, checksum, headers, ..Entry::default() };
    let place = Place { folder: Some(past.folder.clone()), name: Some(past.name.clone()), ..Place::default() };
    Some((Addresses { found: vec![entry], ..Addresses::default() }, place))
}

impl Session {
    /// Whether a history is kept is up to the preferences.
    pub(super) fn follow_history(&self) {
        let (engine, settings) = (self.engine().clone(), self.settings().clone());
        self.settings().connect_changed(Key::KeepHistory, move || {
            engine.send(Command::Remember(settings.keeps_history()));
        });
    }

    pub fn keeps_history(&self) -> bool {
        self.settings().keeps_history()
    }

    /// What was completed and is no longer in the list, the latest first. The error is a sentence for the user.
    pub async fn history(&self) -> Result<Vec<Past>, String> {
        self.engine().history().await.map_err(|failure| unread(&failure))
    }

    /// Takes apart what is new and what was downloaded before and is still where it was put, with that. All is new
    /// where no history is kept, or a drive does not answer for a while.
    pub async fn downloaded(&self, addresses: &Addresses) -> (Addresses, Vec<Past>) {
        let all_new = || (addresses.clone(), Vec::new());
        let Some(archive) = self.engine().archive().filter(|_| self.keeps_history()) else { return all_new() };
        // None has no address.
        let urls = addresses.found.iter().filter_map(|entry| entry.urls.first().cloned()).collect();
        let found = match archive.find(urls).await {
            Ok(found) if found.is_empty() => return all_new(),
            Ok(found) => found,
            Err(failure) => {
                tracing::warn!(%failure, "it is not known what was downloaded before");
                return all_new();
            }
        };
        let is_there =
            |(_, past): &(usize, Past)| past.path.as_ref().is_some_and(|path| path.symlink_metadata().is_ok());
        let look = gio::spawn_blocking(move || found.into_iter().filter(is_there).collect::<Vec<_>>());
        let Ok(Ok(there)) = glib::future_with_timeout(PATIENCE, look).await else { return all_new() };
        let places: HashSet<_> = there.iter().map(|(place, _)| *place).collect();
        let (mut new, mut place) = (addresses.clone(), 0..);
        new.found.retain(|_| place.next().is_some_and(|place| !places.contains(&place)));
        (new, there.into_iter().map(|(_, past)| past).collect())
    }

    /// Takes one out of the history. The error is a sentence for the user.
    pub async fn forget_past(&self, id: DownloadId) -> Result<(), String> {
        self.clear(async |archive| archive.forget(vec![id]).await).await
    }

    /// The error is a sentence for the user.
    pub async fn clear_history(&self) -> Result<(), String> {
        self.clear(async |archive| archive.clear_history().await).await
    }

    /// Takes something out of what is kept besides the list, if anything is kept.
    async fn clear(&self, part: impl AsyncFnOnce(Archive) -> Result<(), Failure>) -> Result<(), String> {
        match self.engine().archive() {
            Some(archive) => part(archive).await.map_err(|failure| uncleared(&failure)),
            None => Ok(()),
        }
    }
}

/// Why the history, or the statistics, cannot be read.
pub(super) fn unread(failure: &Failure) -> String {
    tracing::warn!("{failure}");
    // Translators: {cause} is a whole sentence, like “The disk is full.”
    gettext_f("It cannot be read. {cause}", &[("cause", &cause(failure))])
}

/// Why they cannot be cleared.
pub(super) fn uncleared(failure: &Failure) -> String {
    tracing::warn!("{failure}");
    // Translators: {cause} is a whole sentence, like “The disk is full.”
    gettext_f("It cannot be cleared. {cause}", &[("cause", &cause(failure))])
}

fn cause(failure: &Failure) -> String {
    failures::cause(&failure.kind, None, &glib::user_data_dir())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime};

    use super::*;

    fn past(id: u64, name: &str) -> Past {
        Past {
            id: DownloadId(id),
            url: format!("https://Mirror.example.org/pub/{id}"),
            name: name.to_owned(),
            folder: "/srv/Uni".into(),
            path: Some(format!("/srv/Uni/{name}").into()),
            size: 4_200_000,
            finished_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_100_000),
            wishes: None,
        }
    }

    fn names(list: &HistoryList) -> Vec<String> {
        let items =
            (0..list.n_items()).filter_map(|position| list.item(position).and_downcast::<glib::BoxedAnyObject>());
        items.map(|item| item.borrow::<Past>().name.clone()).collect()
    }

    fn searched(list: &HistoryList, text: &str) -> Vec<String> {
        let _turn = crate::engine::MAIN_CONTEXT_TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        glib::MainContext::default().block_on(list.search(text));
        names(list)
    }

    fn fill(list: &HistoryList, all: Vec<Past>) {
        let _turn = crate::engine::MAIN_CONTEXT_TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        glib::MainContext::default().block_on(list.fill(all));
    }

    #[test]
    fn words_that_were_typed_before_there_was_anything_are_looked_for_in_what_comes() {
        let list = HistoryList::default();
        assert_eq!(searched(&list, "iso").len(), 0);
        fill(&list, vec![past(3, "Übung 3.pdf"), past(2, "a.iso")]);
        assert_eq!(names(&list), ["a.iso"]);
        // Also where it comes while they are being looked for.
        let _turn = crate::engine::MAIN_CONTEXT_TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let list = HistoryList::default();
        glib::MainContext::default().block_on(async {
            let sought = list.clone();
            let search = glib::spawn_future_local(async move { sought.search("pdf").await });
            list.fill(vec![past(3, "Übung 3.pdf"), past(2, "a.iso")]).await;
            search.await.unwrap();
        });
        assert_eq!(names(&list), ["Übung 3.pdf"]);
    }

    #[test]
    fn each_word_is_looked_for_in_all_that_is_kept() {
        let list = HistoryList::default();
        fill(&list, vec![past(3, "Übung 3.pdf"), past(2, "a.iso"), past(1, "b.iso")]);
        for (text, found) in [
            ("ÜBUNG", &["Übung 3.pdf"][..]),
            ("mirror.example pub/2", &["a.iso"]),
            ("uni iso", &["a.iso", "b.iso"]),
            ("4.2 mb november 2025", &["Übung 3.pdf", "a.iso", "b.iso"]),
            ("2024", &[]),
            ("  ", &["Übung 3.pdf", "a.iso", "b.iso"]),
        ] {
            assert_eq!(searched(&list, text), found, "{text:?}");
        }
    }

    #[test]
    fn what_is_removed_of_what_was_found_is_the_one_that_was_meant() {
        let list = HistoryList::default();
        fill(&list, (1..=6).rev().map(|id| past(id, if id % 2 == 0 { "even.iso" } else { "odd.iso" })).collect());
        assert_eq!(searched(&list, "even").len(), 3);
        list.remove(1);
        let ids = |list: &HistoryList| list.imp().all.borrow().iter().map(|past| past.id.0).collect::<Vec<_>>();
        assert_eq!((names(&list).len(), ids(&list)), (2, vec![6, 5, 3, 2, 1]));
        list.remove(1);
        assert_eq!((names(&list), ids(&list)), (vec!["even.iso".to_owned()], vec![6, 5, 3, 1]));
        assert_eq!(searched(&list, "").len(), 4);
    }

    #[test]
    fn a_hundred_thousand_are_searched_in_a_moment_and_no_rows_are_made_for_them() {
        let list = HistoryList::default();
        fill(&list, (1..=100_000).map(|id| past(id, &format!("file-{id}.iso"))).collect());
        let begin = Instant::now();
        assert_eq!(searched(&list, "file-99 uni nothing-like-it").len(), 0);
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        assert_eq!(searched(&list, "file-99999").len(), 1);
    }

    #[test]
    fn it_is_told_with_size_server_and_date_and_comes_to_where_it_was() {
        let past = Past { folder: "/srv/x".into(), ..past(7, "a[1-3].iso") };
        let status = status(&past).replace('\u{a0}', " ");
        assert!(status.starts_with("4.2 MB – mirror.example.org – "), "{status}");
        assert!(status.contains("November 2025"), "{status}");
        let (addresses, place) = again(&past).unwrap();
        assert_eq!(addresses.found[0].urls[0].as_str(), "https://mirror.example.org/pub/7");
        assert_eq!((place.folder, place.name), (Some("/srv/x".into()), Some("a[1-3].iso".to_owned())));
    }

    #[test]
    fn it_is_asked_for_again_as_it_was() {
        let wishes = Wishes {
            mirrors: vec!["ftp://mirror.example.net/7".parse().unwrap()],
            checksum: "md5:900150983cd24fb0d6963f7d28e17f72".parse().ok(),
            headers: vec!["X-A: b".into()],
        };
        let (addresses, _) = again(&Past { wishes: Some(Box::new(wishes.clone())), ..past(7, "a.iso") }).unwrap();
        let entry = &addresses.found[0];
        assert_eq!(
            entry.urls.iter().map(url::Url::as_str).collect::<Vec<_>>(),
            ["https://mirror.example.org/pub/7", "ftp://mirror.example.net/7"]
        );
        assert_eq!((&entry.checksum, &entry.headers), (&wishes.checksum, &wishes.headers));
    }
}
