// SPDX-License-Identifier: GPL-3.0-or-later
//! One download as a GObject whose properties widgets bind to. They are read-only and worked out
//! when they are read, so that a row that nobody looks at costs nothing; what they depend on is
//! listed in [`DEPENDENCIES`]. Only the session writes, by `apply`.

use std::path::PathBuf;
use std::time::SystemTime;

use glib::prelude::*;
use glib::subclass::prelude::*;

use super::{content_type, describe, failures};
use crate::engine::download::state::{State, WaitReason};
use crate::engine::event::{Progress, Snapshot};
use crate::engine::types::DownloadId;

mod imp {
    use std::cell::RefCell;

    use glib::prelude::*;
    use glib::subclass::prelude::*;

    use super::{Snapshot, SystemTime, describe};

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::DownloadObject)]
    pub struct DownloadObject {
        #[property(name = "id", type = u64, get = |imp: &Self| imp.read(|download| download.id.0))]
        #[property(name = "name", type = String, get = |imp: &Self| imp.read(|download| download.name.clone()))]
        #[property(name = "address", type = String, get = |imp: &Self| imp.read(|download| download.url.to_string()))]
        #[property(name = "icon", type = gio::Icon, get = |imp: &Self| super::icon(&imp.snapshot.borrow()))]
        #[property(name = "fraction", type = f64, get = |imp: &Self| imp.read(super::fraction))]
        #[property(name = "shows-progress", type = bool, get = |imp: &Self| imp.read(super::shows_progress))]
        #[property(name = "status", type = String, get = |imp: &Self| imp.read(|download| describe::status(download, SystemTime::now())))]
        #[property(name = "pace", type = String, get = |imp: &Self| imp.read(|download| describe::pace(&download.progress)))]
        #[property(name = "detail", type = Option<String>, get = |imp: &Self| imp.read(super::detail))]
        #[property(name = "state-name", type = String, get = |imp: &Self| imp.read(|download| describe::state_name(&download.state).to_owned()))]
        #[property(name = "can-pause", type = bool, get = |imp: &Self| imp.read(super::can_pause))]
        #[property(name = "can-resume", type = bool, get = |imp: &Self| imp.read(super::can_resume))]
        #[property(name = "can-retry", type = bool, get = |imp: &Self| imp.read(super::can_retry))]
        #[property(name = "is-held", type = bool, get = |imp: &Self| imp.read(super::is_held))]
        #[property(name = "can-renew", type = bool, get = |imp: &Self| imp.read(super::can_renew))]
        #[property(name = "wants-folder", type = bool, get = |imp: &Self| imp.read(super::wants_folder))]
        #[property(name = "can-log-in", type = bool, get = |imp: &Self| imp.read(super::can_log_in))]
        #[property(name = "can-keep", type = bool, get = |imp: &Self| imp.read(super::can_keep))]
        #[property(name = "can-open", type = bool, get = |imp: &Self| imp.read(super::can_open))]
        #[property(name = "is-finished", type = bool, get = |imp: &Self| imp.read(super::is_finished))]
        #[property(name = "is-active", type = bool, get = |imp: &Self| imp.read(super::is_active))]
        pub snapshot: RefCell<Option<Snapshot>>,
    }

    impl DownloadObject {
        /// An object that was made without a download (by `g_object_new`) has the values of nothing.
        pub fn read<T: Default>(&self, value: impl Fn(&Snapshot) -> T) -> T {
            self.snapshot.borrow().as_ref().map(value).unwrap_or_default()
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for DownloadObject {
        const NAME: &'static str = "FreshetDownload";
        type Type = super::DownloadObject;
    }

    #[glib::derived_properties]
    impl ObjectImpl for DownloadObject {}
}

glib::wrapper! {
    pub struct DownloadObject(ObjectSubclass<imp::DownloadObject>);
}

/// A property, and whether it differs between two snapshots.
type Dependency = (&'static str, fn(&Snapshot, &Snapshot) -> bool);

/// What each property depends on. The status line is written from nearly everything.
const DEPENDENCIES: [Dependency; 20] = [
    ("name", |old, new| old.name != new.name),
    ("icon", |old, new| old.name != new.name || old.media_type != new.media_type),
    ("fraction", |old, new| fraction(old) != fraction(new)),
    ("shows-progress", |old, new| shows_progress(old) != shows_progress(new)),
    ("status", |old, new| old != new),
    ("pace", |old, new| old.progress != new.progress),
    ("detail", |old, new| detail(old) != detail(new)),
    ("state-name", |old, new| describe::state_name(&old.state) != describe::state_name(&new.state)),
    ("can-pause", |old, new| can_pause(old) != can_pause(new)),
    ("can-resume", |old, new| can_resume(old) != can_resume(new)),
    ("can-retry", |old, new| can_retry(old) != can_retry(new)),
    ("is-held", |old, new| is_held(old) != is_held(new)),
    ("can-renew", |old, new| can_renew(old) != can_renew(new)),
    ("wants-folder", |old, new| wants_folder(old) != wants_folder(new)),
    ("can-log-in", |old, new| can_log_in(old) != can_log_in(new)),
    ("can-keep", |old, new| can_keep(old) != can_keep(new)),
    ("address", |old, new| old.url != new.url),
    ("can-open", |old, new| can_open(old) != can_open(new)),
    ("is-finished", |old, new| is_finished(old) != is_finished(new)),
    ("is-active", |old, new| is_active(old) != is_active(new)),
];

impl DownloadObject {
    pub(super) fn new(snapshot: Snapshot) -> Self {
        let object: Self = glib::Object::new();
        object.imp().snapshot.replace(Some(snapshot));
        object
    }

    pub fn download_id(&self) -> DownloadId {
        DownloadId(self.id())
    }

    /// The finished file, or the part file while there is one.
    pub fn path(&self) -> Option<PathBuf> {
        self.imp().read(|download| download.path.clone())
    }

    /// Whether it waits for a slot, for its time or until downloads may run, and so could start now.
    pub fn can_start_now(&self) -> bool {
        self.read(|download| matches!(download.state, State::Queued | State::Scheduled { .. }) || is_held(download))
    }

    /// Whether it is still to run, now or some time, and so has a place in the queue.
    pub fn can_move(&self) -> bool {
        self.read(|download| download.state != State::Completed)
    }

    /// Whether it can be saved in another folder than it was to be.
    pub fn can_relocate(&self) -> bool {
        self.read(|download| !matches!(download.state, State::Verifying | State::Completed) && download.moved.is_none())
    }

    /// Whether something of it has arrived.
    pub fn has_begun(&self) -> bool {
        self.read(|download| download.progress.received > 0)
    }

    pub fn folder(&self) -> PathBuf {
        self.imp().read(|download| download.folder.clone())
    }

    /// Looks at the download as the engine told it last.
    pub(super) fn read<T: Default>(&self, value: impl Fn(&Snapshot) -> T) -> T {
        self.imp().read(value)
    }

    /// Takes the new values over and tells which properties changed.
    pub(super) fn apply(&self, new: &Snapshot) {
        let old = self.imp().snapshot.replace(Some(new.clone()));
        let Some(old) = old else { return };
        let _together = self.freeze_notify();
        for (property, differs) in DEPENDENCIES {
            if differs(&old, new) {
                self.notify(property);
            }
        }
    }

    /// Another day has begun: times are written with their dates.
    pub(super) fn begin_day(&self) {
        self.notify("status");
    }

    /// Bytes came in. This is what happens all the time: nothing is copied and only four properties
    /// can change.
    pub(super) fn apply_progress(&self, new: Progress) {
        let changed = {
            let mut snapshot = self.imp().snapshot.borrow_mut();
            let Some(download) = snapshot.as_mut() else { return };
            let before = (fraction(download), shows_progress(download));
            let old = std::mem::replace(&mut download.progress, new);
            [
                ("status", old != new),
                ("pace", old != new),
                ("fraction", before.0 != fraction(download)),
                ("shows-progress", before.1 != shows_progress(download)),
            ]
        };
        let _together = self.freeze_notify();
        for (property, _) in changed.into_iter().filter(|(_, differs)| *differs) {
            self.notify(property);
        }
    }
}

/// From 0 to 1; 0 while the length is not known.
fn fraction(download: &Snapshot) -> f64 {
    match download.progress.total {
        Some(total) if total > 0 => (download.progress.received as f64 / total as f64).min(1.0),
        _ => 0.0,
    }
}

/// A bar is of use while the file is incomplete and its length is known.
fn shows_progress(download: &Snapshot) -> bool {
    let begun = download.progress.received > 0 || download.state == State::Downloading;
    begun && download.progress.total.is_some() && download.state != State::Completed
}

/// The technical text behind a reason.
fn detail(download: &Snapshot) -> Option<String> {
    Some(describe::reason(&download.state)?.detail.clone()).filter(|text| !text.is_empty())
}

pub(super) fn can_pause(download: &Snapshot) -> bool {
    match download.state {
        State::Queued | State::Scheduled { .. } | State::Connecting | State::Downloading | State::Waiting { .. } => {
            true
        }
        State::Paused | State::Verifying | State::Completed | State::Failed(_) => false,
    }
}

/// Stopped by the user, or not yet meant to run: `Resume` lets it go on now.
pub(super) fn can_resume(download: &Snapshot) -> bool {
    matches!(download.state, State::Paused | State::Scheduled { .. })
}

/// Something went wrong: `Resume` tries again now.
fn can_retry(download: &Snapshot) -> bool {
    matches!(download.state, State::Failed(_) | State::Waiting { .. }) && !is_held(download)
}

/// Nothing went wrong, but what is around it allows no downloads now: `StartNow` lets it run all the same.
fn is_held(download: &Snapshot) -> bool {
    matches!(download.state, State::Waiting { reason: WaitReason::Held(_), .. })
}

/// Another address of the same file may let it go on.
fn can_renew(download: &Snapshot) -> bool {
    describe::reason(&download.state).is_some_and(|reason| failures::new_address_helps(&reason.kind))
}

/// Another folder may let it go on.
fn wants_folder(download: &Snapshot) -> bool {
    download.moved.is_none()
        && describe::reason(&download.state).is_some_and(|reason| failures::new_folder_helps(&reason.kind))
}

/// A user name and a password let it go on.
fn can_log_in(download: &Snapshot) -> bool {
    matches!(&download.state, State::Failed(reason) if reason.login_wanted().is_some())
}

/// It may be taken as it is.
fn can_keep(download: &Snapshot) -> bool {
    matches!(&download.state, State::Failed(reason) if reason.kind.is_wrong_sum())
}

fn can_open(download: &Snapshot) -> bool {
    download.state == State::Completed && download.path.is_some()
}

/// Came to an end, good or bad: nothing is left to cancel.
pub(super) fn is_finished(download: &Snapshot) -> bool {
    matches!(download.state, State::Completed | State::Failed(_))
}

/// Works right now.
pub(super) fn is_active(download: &Snapshot) -> bool {
    matches!(download.state, State::Connecting | State::Downloading | State::Verifying)
}

fn icon(download: &Option<Snapshot>) -> gio::Icon {
    let download = download.as_ref();
    content_type::icon(
        download.map(|download| download.name.as_str()),
        download.and_then(|download| download.media_type.as_deref()),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;
    use crate::engine::download::spec::Checksum;
    use crate::engine::download::state::Hold;
    use crate::engine::error::{Failure, FailureKind};
    use crate::engine::types::{Moment, Speed};

    /// A queued download of `http://example.org/file-N.iso` into `/srv`.
    pub fn snapshot(id: u64) -> Snapshot {
        Snapshot {
            id: DownloadId(id),
            url: format!("http://example.org/file-{id}.iso").parse().unwrap(),
            folder: "/srv".into(),
            name: format!("file-{id}.iso"),
            path: None,
            state: State::Queued,
            progress: Progress::default(),
            resumable: None,
            media_type: None,
            verified: None,
            is_kept: false,
            moved: None,
            retry_in: None,
            retry_at: None,
            lacked_space: false,
            added_at: SystemTime::UNIX_EPOCH,
            finished_at: None,
        }
    }

    /// Runs a test with a main context of its own, as tests run at the same time.
    pub fn alone(test: impl FnOnce(&glib::MainContext)) {
        let context = glib::MainContext::new();
        context.with_thread_default(|| test(&context)).unwrap();
    }

    /// What `change` makes the object notify, sorted.
    fn notified(object: &DownloadObject, change: impl Fn(&DownloadObject)) -> Vec<String> {
        let names = Rc::new(RefCell::new(Vec::new()));
        let heard = names.clone();
        let handler =
            object.connect_notify_local(None, move |_, property| heard.borrow_mut().push(property.name().to_owned()));
        change(object);
        object.disconnect(handler);
        let mut names = names.take();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_property_that_can_change_is_in_the_table() {
        let constant = ["id"];
        let mut all: Vec<_> = DownloadObject::new(snapshot(1))
            .list_properties()
            .iter()
            .map(|property| property.name().to_owned())
            .filter(|name| !constant.contains(&name.as_str()))
            .collect();
        let mut table: Vec<_> = DEPENDENCIES.iter().map(|(name, _)| (*name).to_owned()).collect();
        all.sort_unstable();
        table.sort_unstable();
        assert_eq!(all, table);
    }

    #[test]
    fn only_what_changed_is_told() {
        let object = DownloadObject::new(snapshot(1));
        assert!(notified(&object, |object| object.apply(&snapshot(1))).is_empty());
        let mut running = snapshot(1);
        running.state = State::Downloading;
        running.progress.total = Some(1000);
        let told = notified(&object, |object| object.apply(&running));
        assert_eq!(told, ["is-active", "pace", "shows-progress", "state-name", "status"]);
    }

    #[test]
    fn progress_tells_the_bar_and_the_line() {
        let mut running = snapshot(1);
        running.state = State::Downloading;
        running.progress.total = Some(1000);
        let object = DownloadObject::new(running);
        let progress = |received| Progress { received, total: Some(1000), speed: Speed(5), time_left: None };
        assert_eq!(notified(&object, |object| object.apply_progress(progress(10))), ["fraction", "pace", "status"]);
        assert_eq!(notified(&object, |object| object.apply_progress(progress(10))), [""; 0]);
        assert_eq!(notified(&object, |object| object.apply_progress(progress(200))), ["fraction", "pace", "status"]);
        assert!((object.fraction() - 0.2).abs() < 1e-9);
        assert!(object.has_begun() && !DownloadObject::new(snapshot(1)).has_begun());
    }

    #[test]
    fn values_can_be_read_and_changed_from_inside_a_notification() {
        let object = DownloadObject::new(snapshot(1));
        object.connect_notify_local(Some("status"), |object, _| {
            // Whatever it says: to read it must not panic.
            let _ = object.status();
            object.apply_progress(Progress::default());
        });
        let mut paused = snapshot(1);
        paused.state = State::Paused;
        object.apply(&paused);
        assert_eq!(object.status(), "Paused");
    }

    #[test]
    fn the_buttons_fit_the_state() {
        let buttons = |state| {
            let mut row = snapshot(1);
            row.state = state;
            row.path = Some("/srv/file".into());
            let object = DownloadObject::new(row);
            (object.can_pause(), object.can_resume(), object.can_retry(), object.can_open(), object.is_finished())
        };
        let failed = State::Failed(Failure::new(FailureKind::Silence, ""));
        assert_eq!(buttons(State::Downloading), (true, false, false, false, false));
        assert_eq!(buttons(State::Paused), (false, true, false, false, false));
        assert_eq!(buttons(State::Completed), (false, false, false, true, true));
        assert_eq!(buttons(failed), (false, false, true, false, true));
        assert_eq!(buttons(State::Verifying), (false, false, false, false, false));
    }

    #[test]
    fn what_is_held_is_started_and_not_tried_again() {
        let offered = |state| {
            let object = DownloadObject::new(Snapshot { state, ..snapshot(1) });
            (object.can_start_now(), object.is_held(), object.can_retry())
        };
        let waiting = |reason| State::Waiting { reason, until: Moment::default() };
        for hold in [Hold::Metered, Hold::Offline, Hold::Hours { until: None }] {
            assert_eq!(offered(waiting(WaitReason::Held(hold))), (true, true, false), "{hold:?}");
        }
        let retry = WaitReason::Retry { failure: Failure::new(FailureKind::Silence, ""), attempt: 1 };
        assert_eq!(offered(waiting(retry)), (false, false, true));
        assert_eq!(offered(State::Queued), (true, false, false));
    }

    #[test]
    fn a_new_address_is_taken_where_it_may_help() {
        let can_renew = |kind| {
            let mut row = snapshot(1);
            row.state = State::Failed(Failure::new(kind, ""));
            DownloadObject::new(row).can_renew()
        };
        for kind in [FailureKind::HttpStatus(403), FailureKind::NameNotFound, FailureKind::ChangedOnServer] {
            assert!(can_renew(kind.clone()), "{kind:?}");
        }
        for kind in [FailureKind::HttpStatus(503), FailureKind::DiskFull { needed: None }, FailureKind::Silence] {
            assert!(!can_renew(kind.clone()), "{kind:?}");
        }
        assert!(!DownloadObject::new(snapshot(1)).can_renew());
    }

    #[test]
    fn a_file_is_kept_where_only_its_checksum_is_another_one() {
        let can_keep = |kind| {
            let mut row = snapshot(1);
            row.state = State::Failed(Failure::new(kind, ""));
            DownloadObject::new(row).can_keep()
        };
        let expected: Checksum = format!("md5:{}", "0".repeat(32)).parse().unwrap();
        let mismatch =
            |actual: &str| FailureKind::ChecksumMismatch { expected: expected.clone(), actual: actual.to_owned() };
        assert!(can_keep(mismatch("12")));
        assert!(!can_keep(mismatch("")), "a wrong piece leaves a hole");
        assert!(!can_keep(FailureKind::ChangedOnServer));
    }
}
