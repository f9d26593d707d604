// SPDX-License-Identifier: GPL-3.0-or-later
//! Tells of downloads that came to their end, or wait for the user to log in, while nobody looked at the window:
//! one by one, or, where there are many, all together. What was told is taken back as soon as the window is looked at.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use gio::prelude::*;

use crate::i18n::{gettext, ngettext_f};
use crate::model::{DownloadId, DownloadObject, amounts};

/// The application's actions behind the buttons; their parameter is the download's id.
pub const OPEN: &str = "open-download";
pub const SHOW_IN_FOLDER: &str = "show-download";
pub const RETRY: &str = "retry-download";
pub const REVEAL: &str = "reveal-download";
pub const LOG_IN: &str = "log-in-download";

/// What ends at nearly the same time is told together.
const SETTLE: Duration = Duration::from_millis(500);

/// More of a kind than this are told as one.
const MOST_SINGLE: usize = 3;

/// So many of them are named then.
const MOST_NAMED: usize = 3;

/// How a download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Complete,
    Failed,
    /// It goes on as soon as the user logs in.
    LoginNeeded,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Complete, Self::Failed, Self::LoginNeeded];

    fn of(download: &DownloadObject) -> Self {
        match download {
            _ if download.can_log_in() => Self::LoginNeeded,
            _ if download.can_retry() => Self::Failed,
            _ => Self::Complete,
        }
    }
}

/// What is told of a download.
#[derive(Clone, Debug)]
struct Ended {
    id: DownloadId,
    name: String,
    status: String,
    folder: PathBuf,
}

/// What was not looked at yet of one outcome.
#[derive(Debug, Default)]
struct Unseen {
    ended: Vec<Ended>,
    /// The tags of the notifications that are shown.
    shown: BTreeSet<String>,
    /// As many of them, the first ones, were told of together.
    told: usize,
}

/// What to do so that the right notifications are shown.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    withdraw: Vec<String>,
    /// By their places.
    single: Vec<usize>,
    together: bool,
}

impl Unseen {
    fn add(&mut self, ended: Ended) {
        self.take(ended.id);
        self.ended.push(ended);
    }

    fn take(&mut self, id: DownloadId) {
        let Some(place) = self.ended.iter().position(|ended| ended.id == id) else { return };
        self.ended.remove(place);
        if place < self.told {
            self.told -= 1;
        }
    }

    fn plan(&self) -> Plan {
        if self.ended.len() > MOST_SINGLE {
            let singles = self.ended.iter().map(|ended| tag(ended.id));
            let withdraw = singles.filter(|tag| self.shown.contains(tag)).collect();
            return Plan { withdraw, single: Vec::new(), together: self.told != self.ended.len() };
        }
        let is_new = |place: &usize| self.ended.get(*place).is_some_and(|ended| !self.shown.contains(&tag(ended.id)));
        Plan { single: (0..self.ended.len()).filter(is_new).collect(), ..Plan::default() }
    }

    /// Forgets a download, and tells which notification speaks of nothing else.
    fn forget(&mut self, id: DownloadId, together: &str) -> Option<String> {
        self.take(id);
        let own = tag(id);
        if self.shown.remove(&own) {
            return Some(own);
        }
        if self.ended.is_empty() && self.shown.remove(together) {
            return Some(together.to_owned());
        }
        None
    }

    /// The user has taken up a download, and has seen the notification that told of it: which that is. Of what was told
    /// together all is seen then, however few of it a button is for.
    fn take_up(&mut self, id: DownloadId, together: &str) -> Option<String> {
        if self.ended.iter().any(|ended| ended.id == id) && self.shown.remove(together) {
            self.take(id);
            self.ended.drain(..std::mem::take(&mut self.told));
            return Some(together.to_owned());
        }
        self.forget(id, together)
    }
}

/// A handle to what tells; clones speak of the same downloads.
#[derive(Clone, Debug)]
pub struct Notifier(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    application: glib::WeakRef<gio::Application>,
    complete: RefCell<Unseen>,
    failed: RefCell<Unseen>,
    login_needed: RefCell<Unseen>,
    will_tell: Cell<bool>,
}

impl Notifier {
    pub fn new(application: &impl IsA<gio::Application>) -> Self {
        let application = application.as_ref().downgrade();
        Self(Rc::new(Inner {
            application,
            complete: RefCell::default(),
            failed: RefCell::default(),
            login_needed: RefCell::default(),
            will_tell: Cell::new(false),
        }))
    }

    /// A download came to its end and nobody saw it.
    pub fn ended(&self, download: &DownloadObject) {
        self.unseen(Outcome::of(download)).borrow_mut().add(Ended {
            id: download.download_id(),
            name: download.name(),
            status: download.status(),
            folder: download.folder(),
        });
        if !self.0.will_tell.replace(true) {
            let weak = Rc::downgrade(&self.0);
            glib::timeout_add_local_once(SETTLE, move || {
                if let Some(inner) = weak.upgrade() {
                    inner.will_tell.set(false);
                    let notifier = Self(inner);
                    Outcome::ALL.into_iter().for_each(|outcome| notifier.tell(outcome));
                }
            });
        }
    }

    /// The window is looked at: all is seen.
    pub fn seen(&self) {
        for outcome in Outcome::ALL {
            let unseen = self.unseen(outcome).take();
            unseen.shown.iter().for_each(|tag| self.withdraw(tag));
        }
    }

    /// The download is gone from the list: what was told of it is no longer so.
    pub fn forget(&self, id: DownloadId) {
        self.take_back(|unseen, together| unseen.forget(id, together));
    }

    /// The user has taken up the download, by the button of a notification: what that told is seen.
    pub fn take_up(&self, id: DownloadId) {
        self.take_back(|unseen, together| unseen.take_up(id, together));
    }

    /// Withdraws what `seen` says of each outcome.
    fn take_back(&self, seen: impl Fn(&mut Unseen, &str) -> Option<String>) {
        for outcome in Outcome::ALL {
            let withdrawn = seen(&mut self.unseen(outcome).borrow_mut(), together_tag(outcome));
            if let Some(tag) = withdrawn {
                self.withdraw(&tag);
            }
        }
    }

    fn unseen(&self, outcome: Outcome) -> &RefCell<Unseen> {
        match outcome {
            Outcome::Complete => &self.0.complete,
            Outcome::Failed => &self.0.failed,
            Outcome::LoginNeeded => &self.0.login_needed,
        }
    }

    fn tell(&self, outcome: Outcome) {
        let mut unseen = self.unseen(outcome).borrow_mut();
        let plan = unseen.plan();
        for tag in plan.withdraw {
            self.withdraw(&tag);
            unseen.shown.remove(&tag);
        }
        for place in plan.single {
            let Some(ended) = unseen.ended.get(place) else { continue };
            let tag = tag(ended.id);
            self.send(&tag, &single(outcome, ended));
            unseen.shown.insert(tag);
        }
        if plan.together {
            let tag = together_tag(outcome);
            self.send(tag, &together(outcome, &unseen.ended));
            unseen.shown.insert(tag.to_owned());
            unseen.told = unseen.ended.len();
        }
    }

    fn send(&self, tag: &str, notification: &gio::Notification) {
        if let Some(application) = self.0.application.upgrade() {
            application.send_notification(Some(tag), notification);
        }
    }

    fn withdraw(&self, tag: &str) {
        if let Some(application) = self.0.application.upgrade() {
            application.withdraw_notification(tag);
        }
    }
}

fn tag(id: DownloadId) -> String {
    format!("download-{id}")
}

fn together_tag(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "downloads-complete",
        Outcome::Failed => "downloads-failed",
        Outcome::LoginNeeded => "downloads-log-in",
    }
}

fn notification(title: &str, body: &str) -> gio::Notification {
    let notification = gio::Notification::new(title);
    notification.set_icon(&gio::ThemedIcon::new("folder-download-symbolic"));
    notification.set_body(Some(body));
    notification
}

fn add_button(notification: &gio::Notification, label: &str, action: &str, id: DownloadId) {
    notification.add_button_with_target_value(label, &format!("app.{action}"), Some(&id.0.to_variant()));
}

fn single(outcome: Outcome, ended: &Ended) -> gio::Notification {
    let notification = match outcome {
        Outcome::Complete | Outcome::Failed => notification(&ended.name, &ended.status),
        // Translators: the title of a notification; below it are the name of the file and why.
        Outcome::LoginNeeded => notification(&gettext("Log-in Needed"), &format!("{}\n{}", ended.name, ended.status)),
    };
    let default = match outcome {
        Outcome::Complete => OPEN,
        Outcome::Failed => REVEAL,
        Outcome::LoginNeeded => LOG_IN,
    };
    notification.set_default_action_and_target_value(&format!("app.{default}"), Some(&ended.id.0.to_variant()));
    match outcome {
        Outcome::Complete => {
            add_button(&notification, &gettext("Open"), OPEN, ended.id);
            add_button(&notification, &gettext("Show in Folder"), SHOW_IN_FOLDER, ended.id);
        }
        Outcome::Failed => {
            // Translators: a button: tries to download a file again that failed.
            add_button(&notification, &gettext("Try Again"), RETRY, ended.id);
            // Translators: a button: shows a download in the window.
            add_button(&notification, &gettext("Show"), REVEAL, ended.id);
        }
        Outcome::LoginNeeded => {
            add_button(&notification, &gettext("Log In…"), LOG_IN, ended.id);
            // Translators: a button: shows a download in the window.
            add_button(&notification, &gettext("Show"), REVEAL, ended.id);
        }
    }
    notification
}

fn together(outcome: Outcome, ended: &[Ended]) -> gio::Notification {
    let count = ended.len();
    let n = amounts::count(count);
    let title = match outcome {
        Outcome::Complete => ngettext_f("{n} download is complete", "{n} downloads are complete", count, &[("n", &n)]),
        Outcome::Failed => ngettext_f("{n} download failed", "{n} downloads failed", count, &[("n", &n)]),
        Outcome::LoginNeeded => {
            ngettext_f("{n} download waits for a log-in", "{n} downloads wait for a log-in", count, &[("n", &n)])
        }
    };
    let more = count.saturating_sub(MOST_NAMED);
    let named = ended.iter().take(MOST_NAMED).map(|ended| ended.name.clone());
    // Translators: the last line below names of files; {n} is how many there are besides.
    let last = ngettext_f("and {n} more", "and {n} more", more, &[("n", &amounts::count(more))]);
    let notification = notification(&title, &named.chain([last]).collect::<Vec<_>>().join("\n"));
    let Some(last) = ended.last() else { return notification };
    // Without an action of its own a click shows the window.
    if outcome == Outcome::Complete && ended.iter().all(|other| other.folder == last.folder) {
        add_button(&notification, &gettext("Show in Folder"), SHOW_IN_FOLDER, last.id);
    }
    notification
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(id: u64) -> Ended {
        Ended { id: DownloadId(id), name: format!("f{id}"), status: String::new(), folder: "/srv".into() }
    }

    /// As [`Notifier::tell`] does it.
    fn tell(unseen: &mut Unseen) -> Plan {
        let plan = unseen.plan();
        plan.withdraw.iter().for_each(|tag| assert!(unseen.shown.remove(tag)));
        let singles: Vec<_> = plan.single.iter().map(|place| tag(unseen.ended[*place].id)).collect();
        unseen.shown.extend(singles);
        if plan.together {
            unseen.shown.insert("all".to_owned());
            unseen.told = unseen.ended.len();
        }
        plan
    }

    #[test]
    fn few_are_told_one_by_one_and_each_of_them_once() {
        let mut unseen = Unseen::default();
        unseen.add(ended(1));
        assert_eq!(tell(&mut unseen), Plan { single: vec![0], ..Plan::default() });
        unseen.add(ended(2));
        unseen.add(ended(3));
        assert_eq!(tell(&mut unseen).single, [1, 2]);
        assert_eq!(tell(&mut unseen), Plan::default());
    }

    #[test]
    fn many_are_told_as_one_in_place_of_those_before() {
        let mut unseen = Unseen::default();
        unseen.add(ended(1));
        tell(&mut unseen);
        (2..6).for_each(|id| unseen.add(ended(id)));
        let plan = tell(&mut unseen);
        assert_eq!(plan, Plan { withdraw: vec![tag(DownloadId(1))], single: vec![], together: true });
        assert_eq!(tell(&mut unseen), Plan::default(), "it was told");
        unseen.add(ended(6));
        assert!(tell(&mut unseen).together);
        assert_eq!(unseen.shown.iter().collect::<Vec<_>>(), ["all"]);
    }

    #[test]
    fn what_is_gone_or_taken_up_is_told_no_longer() {
        for forget in [Unseen::forget, Unseen::take_up] {
            let mut unseen = Unseen::default();
            (1..3).for_each(|id| unseen.add(ended(id)));
            assert_eq!(forget(&mut unseen, DownloadId(1), "all"), None, "nothing was told of it yet");
            tell(&mut unseen);
            assert_eq!(forget(&mut unseen, DownloadId(2), "all"), Some(tag(DownloadId(2))));
            assert_eq!(tell(&mut unseen), Plan::default());
        }
    }

    #[test]
    fn many_that_are_gone_are_told_as_long_as_one_of_them_is_there() {
        let mut unseen = Unseen::default();
        (1..6).for_each(|id| unseen.add(ended(id)));
        tell(&mut unseen);
        let gone: Vec<_> = (1..6).map(|id| unseen.forget(DownloadId(id), "all")).collect();
        assert_eq!(gone, [None, None, None, None, Some("all".to_owned())]);
    }

    #[test]
    fn after_the_button_of_many_only_what_ends_later_is_told() {
        let mut unseen = Unseen::default();
        (1..6).for_each(|id| unseen.add(ended(id)));
        tell(&mut unseen);
        // This one ends while the button is pressed.
        unseen.add(ended(6));
        assert_eq!(unseen.take_up(DownloadId(5), "all"), Some("all".to_owned()));
        assert_eq!(tell(&mut unseen), Plan { single: vec![0], ..Plan::default() });
        assert_eq!(unseen.shown.iter().collect::<Vec<_>>(), [&tag(DownloadId(6))]);
        unseen.add(ended(7));
        assert_eq!(tell(&mut unseen).single, [1], "those before do not come back");
    }

    #[test]
    fn what_ends_again_is_told_again_among_many() {
        let mut unseen = Unseen::default();
        (1..6).for_each(|id| unseen.add(ended(id)));
        tell(&mut unseen);
        unseen.add(ended(2));
        assert!(tell(&mut unseen).together);
        assert_eq!((unseen.told, unseen.ended.len()), (5, 5));
    }
}
