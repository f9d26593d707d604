// SPDX-License-Identifier: GPL-3.0-or-later
//! What happened to a download, in words: a line for each thing, with its time of day.

use std::time::SystemTime;

use super::amounts::{duration, size, speed, time_to_the_second};
use super::{describe, failures};
use crate::engine::chronicle::{Entry, Happening};
use crate::engine::download::state::{State, WaitReason};
use crate::engine::event::Snapshot;
use crate::engine::store::redact::without_password;
use crate::i18n::{gettext, gettext_f};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub time: String,
    pub words: String,
}

pub(super) fn lines(entries: &[Entry], download: &Snapshot, now: SystemTime) -> Vec<Line> {
    let line = |entry: &Entry| Line { time: time_to_the_second(entry.at, now), words: words(entry, download) };
    entries.iter().map(line).collect()
}

fn words(entry: &Entry, download: &Snapshot) -> String {
    let host = download.url.host_str().unwrap_or_default();
    match &entry.what {
        // Translators: that a download came into the list; a line of the log of its events.
        Happening::Added => gettext("Added to the list"),
        Happening::Became { state, wait } => match &**state {
            State::Queued => gettext("Waits for its turn"),
            State::Connecting => gettext_f("Connecting to {host}…", &[("host", host)]),
            State::Paused => gettext("Paused"),
            State::Waiting { reason, .. } => {
                let cause = describe::waiting_cause(reason, host, &download.folder, entry.at);
                let next = match (reason, wait) {
                    (WaitReason::Held(_), _) => return cause,
                    (WaitReason::Retry { attempt, .. }, Some(wait)) => {
                        let values = [("n", attempt.to_string()), ("time", duration(*wait))];
                        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
                        // Translators: {time} is a duration like “8 s”, {n} counts from 1.
                        gettext_f("Tries again in {time} (attempt {n}).", &values)
                    }
                    _ => gettext("Continues by itself."),
                };
                // Translators: two whole sentences, like “The server is busy. Tries again in a moment.”
                gettext_f("{cause} {next}", &[("cause", &cause), ("next", &next)])
            }
            State::Verifying => gettext("All of the file is here"),
            State::Completed => gettext("Completed"),
            State::Failed(failure) => {
                let cause = failures::failure(&failure.kind, Some(host), &download.folder);
                // Translators: {cause} is a whole sentence.
                gettext_f("Failed: {cause}", &[("cause", &cause)])
            }
            // They are not noted, but they have words.
            State::Downloading => gettext("Downloading"),
            State::Scheduled { at } => {
                gettext_f("Starts at {time}", &[("time", &super::amounts::time_of_day(*at, entry.at))])
            }
        },
        Happening::Continues { bytes } => {
            // Translators: {size} is an amount like “4.2 MB”: so much of the file came before.
            gettext_f("Goes on with the {size} that are here", &[("size", &size(*bytes))])
        }
        Happening::BeginsAnew { bytes } => {
            gettext_f("Begins anew: the {size} that are here cannot be continued", &[("size", &size(*bytes))])
        }
        Happening::Redirected { to } => {
            // Translators: {address} is where a server sent us on to.
            gettext_f("Redirected to {address}", &[("address", without_password(to).as_str())])
        }
        Happening::Answered { host, from, to: Some(to) } => gettext_f(
            // Translators: a connection; {from} and {to} are places in the file, like “4.2 MB”.
            "{host} answers and sends the file from {from} to {to}",
            &[("host", host), ("from", &size(*from)), ("to", &size(*to))],
        ),
        Happening::Answered { host, from, to: None } => gettext_f(
            // Translators: a connection; {from} is a place in the file, like “4.2 MB”.
            "{host} answers and sends the file from {from} on",
            &[("host", host), ("from", &size(*from))],
        ),
        Happening::Refused { host, failure } => {
            let cause = failures::cause(&failure.kind, Some(host), &download.folder);
            // Translators: while others go on; {cause} is a whole sentence.
            gettext_f("A connection came to nothing: {cause}", &[("cause", &cause)])
        }
        Happening::WrongPiece { from, to } => gettext_f(
            // Translators: {from} and {to} are places in the file, like “4.2 MB”.
            "The bytes from {from} to {to} do not match their checksum and are fetched again",
            &[("from", &size(*from)), ("to", &size(*to))],
        ),
        Happening::LimitChanged(Some(limit)) => gettext_f("Limited to {speed}", &[("speed", &speed(*limit))]),
        Happening::LimitChanged(None) => gettext("Has no limit of its own any more"),
        Happening::Renewed { to } => {
            // Translators: that a download goes on from another address.
            gettext_f("New address: {address}", &[("address", without_password(to).as_str())])
        }
        Happening::Relocated { to } => {
            // Translators: {folder} is where a file is to be saved from now on.
            gettext_f("New folder: {folder}", &[("folder", &describe::folder(to))])
        }
        Happening::Kept => gettext("Kept as it is, whatever its checksum"),
        Happening::Verified(checksum) => super::details::right(checksum),
        Happening::Moved { to } => {
            // Translators: {file} is a path.
            gettext_f("Saved as {file}", &[("file", &glib::filename_display_name(&**to))])
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::download_object::tests::snapshot;
    use super::*;
    use crate::engine::error::{Failure, FailureKind};
    use crate::engine::types::{Moment, Speed};

    fn said(what: Happening) -> String {
        let entry = Entry { at: SystemTime::now(), what };
        lines(&[entry], &snapshot(1), SystemTime::now()).remove(0).words.replace('\u{a0}', " ")
    }

    #[test]
    fn a_line_has_its_time_and_says_what_happened() {
        let entry = Entry { at: SystemTime::now(), what: Happening::Added };
        let line = lines(&[entry], &snapshot(1), SystemTime::now()).remove(0);
        assert_eq!((line.time.len(), line.words.as_str()), ("10:31:07".len(), "Added to the list"));
        assert_eq!(said(Happening::LimitChanged(Some(Speed(5_000_000)))), "Limited to 5.0 MB/s");
        assert_eq!(
            said(Happening::Answered { host: "a.example".into(), from: 0, to: Some(9_000_000) }),
            "a.example answers and sends the file from 0 bytes to 9.0 MB"
        );
    }

    #[test]
    fn a_retry_says_why_and_when() {
        let reason = WaitReason::Retry { failure: Failure::new(FailureKind::HttpStatus(503), ""), attempt: 2 };
        let state = Box::new(State::Waiting { reason, until: Moment::default() });
        let words = said(Happening::Became { state, wait: Some(Duration::from_secs(8)) });
        assert_eq!(words, "The server is busy. Tries again in 8 s (attempt 2).");
    }

    #[test]
    fn addresses_keep_their_passwords() {
        let to = || Box::new("http://ann:hunter2@example.org/f".parse().unwrap());
        assert_eq!(said(Happening::Redirected { to: to() }), "Redirected to http://ann@example.org/f");
        assert_eq!(said(Happening::Renewed { to: to() }), "New address: http://ann@example.org/f");
    }
}
