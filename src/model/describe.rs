// SPDX-License-Identifier: GPL-3.0-or-later
//! The words: what state a download is in, and why it does not go on; what went wrong is told by `failures.rs`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::amounts::{count, duration, size, speed, time_of_day};
use super::failures;
use crate::engine::download::state::{Hold, State, WaitReason};
use crate::engine::error::Failure;
use crate::engine::event::{Progress, Snapshot};
use crate::engine::rate::ScheduleError;
use crate::engine::types::Speed;
use crate::i18n::{gettext, gettext_f, in_one_line, ngettext_f};

/// Between a number and its unit, as GLib writes it.
const UNIT_SPACE: char = '\u{a0}';

/// In place of a space that no line may end at.
const NO_BREAK: &str = "\u{a0}";

/// A retry nearer than this is told without its time of day.
const SOON: Duration = Duration::from_secs(60);

/// The status line: everything worth knowing now, in one line.
pub fn status(download: &Snapshot, now: SystemTime) -> String {
    let progress = &download.progress;
    if let Some(moved) = download.moved {
        // Translators: {folder} is a folder, to which what is here of a file is taken.
        let moving = gettext_f("Moving to {folder}…", &[("folder", &folder(&download.folder))]);
        let of_all = Progress { received: moved, total: Some(progress.received), ..Progress::default() };
        return joined([Some(moving), received(&of_all)]);
    }
    match &download.state {
        State::Queued => joined([Some(gettext("Queued")), received(progress)]),
        State::Scheduled { at } => {
            // Translators: {time} is a time of day, or a day with its time.
            let starts = gettext_f("Starts at {time}", &[("time", &time_of_day(*at, now))]);
            joined([Some(starts), received(progress)])
        }
        State::Connecting => {
            let host = download.url.host_str().unwrap_or_default();
            // Translators: {host} is the name of a server.
            joined([Some(gettext_f("Connecting to {host}…", &[("host", host)])), received(progress)])
        }
        State::Downloading => {
            joined([Some(gettext("Downloading")), Some(pace(progress)).filter(|text| !text.is_empty())])
        }
        State::Paused => {
            let again = (download.resumable == Some(false) && progress.received > 0)
                .then(|| gettext("the server will send it from the beginning"));
            joined([Some(gettext("Paused")), received(progress), again])
        }
        State::Waiting { reason, .. } => joined([Some(gettext("Waiting")), Some(waiting(reason, download, now))]),
        State::Verifying => joined([Some(gettext("Verifying…")), checked(progress), progress.total.map(size)]),
        State::Completed => {
            let when = download.finished_at.map(|time| time_of_day(time, now));
            let verified = download.verified.is_some().then(|| gettext("checksum verified"));
            let kept = download.is_kept.then(|| gettext("not verified: its checksum did not match"));
            joined([Some(gettext("Completed")), Some(size(progress.received)), when, verified, kept])
        }
        State::Failed(reason) => {
            let cause = failures::failure(&reason.kind, download.url.host_str(), &download.folder);
            joined([Some(gettext("Failed")), Some(cause)])
        }
    }
}

/// How far a download is and how fast it goes on, as far as that is known.
pub fn pace(progress: &Progress) -> String {
    let speed = (progress.speed > Speed(0)).then(|| speed(progress.speed));
    // Translators: {time} is a duration like “3 min”.
    let left = progress.time_left.map(|time| gettext_f("{time} left", &[("time", &duration(time))]));
    // A broken line is broken between the parts.
    joined([received(progress), speed, left].map(|part| Some(part?.replace(' ', NO_BREAK))))
}

/// The state in one word, for colours.
pub fn state_name(state: &State) -> &'static str {
    match state {
        State::Queued => "queued",
        State::Scheduled { .. } => "scheduled",
        State::Connecting => "connecting",
        State::Downloading => "downloading",
        State::Paused => "paused",
        State::Waiting { .. } => "waiting",
        State::Verifying => "verifying",
        State::Completed => "completed",
        State::Failed(_) => "failed",
    }
}

/// Why a download does not go on, where something went wrong.
pub fn reason(state: &State) -> Option<&Failure> {
    match state {
        State::Failed(failure)
        | State::Waiting { reason: WaitReason::Retry { failure, .. } | WaitReason::Space { failure }, .. } => {
            Some(failure)
        }
        State::Waiting { reason: WaitReason::Held(_), .. }
        | State::Queued
        | State::Scheduled { .. }
        | State::Connecting
        | State::Downloading
        | State::Paused
        | State::Verifying
        | State::Completed => None,
    }
}

/// All downloads together: `48.2 MB/s – 3 active`, or nothing when none runs.
pub fn summary(active: u32, total: Speed) -> String {
    if active == 0 {
        return String::new();
    }
    let active = ngettext_f("{n} active", "{n} active", active, &[("n", &count(active))]);
    joined([(total > Speed(0)).then(|| speed(total)), Some(active)])
}

/// Why the program cannot work with its list at all.
pub fn start_failure(reason: &Failure) -> String {
    let folder = glib::user_data_dir();
    joined([
        Some(failures::cause(&reason.kind, None, &folder)),
        Some(reason.detail.clone()).filter(|text| !text.is_empty()),
    ])
}

/// Why hours, or limits at some hours, cannot be read or written.
pub(super) fn schedule_error(error: ScheduleError) -> String {
    match error {
        ScheduleError::NotThreeParts(part) => gettext_f(
            "“{part}” should be days, hours and a limit, like “Mon-Fri 08:00-18:00 500K”.",
            &[("part", &part)],
        ),
        ScheduleError::NotTwoParts(part) => {
            gettext_f("“{part}” should be days and hours, like “Mon-Fri 22:00-06:00”.", &[("part", &part)])
        }
        ScheduleError::NotADay(part) => {
            gettext_f("“{part}” is no weekday. Write Mon, Tue, Wed, Thu, Fri, Sat, Sun, or daily.", &[("part", &part)])
        }
        ScheduleError::NotASpan(part) => {
            gettext_f("“{part}” are no hours. Write them like 08:00-18:00.", &[("part", &part)])
        }
        ScheduleError::Empty(part) => {
            gettext_f("“{part}” ends when it begins. The whole day is 00:00-24:00.", &[("part", &part)])
        }
        ScheduleError::NotARate { text, .. } => {
            gettext_f("“{part}” is no limit. Write it like 500K or 2M, or write unlimited.", &[("part", &text)])
        }
    }
}

/// A folder as the user knows it: the portal that grants folders to a sandbox gives each a number in a place
/// that nobody knows.
pub fn folder(path: &Path) -> String {
    let granted = path.strip_prefix(glib::user_runtime_dir().join("doc")).ok();
    let own = granted.and_then(|path| path.components().next().and_then(|number| path.strip_prefix(number).ok()));
    glib::filename_display_name(own.filter(|own| !own.as_os_str().is_empty()).unwrap_or(path)).into()
}

/// Why a folder cannot be that of the preferences, which are texts.
pub fn unsayable_folder(path: &Path) -> String {
    // Translators: {folder} is a path. Some bytes in it are no letters in the encoding that is usual today.
    gettext_f(
        "“{folder}” cannot be kept as a preference: not all of its name can be read. Choose another folder.",
        &[("folder", &folder(path))],
    )
}

/// What became of a list that was damaged.
pub fn set_aside(path: &Path) -> String {
    let file = glib::filename_display_name(path);
    // Translators: {file} is a path. Shown once, after a crash of the disk or the like.
    gettext_f(
        "The list of downloads was damaged. What could be read of it is shown here. The damaged list was kept as {file}.",
        &[("file", &file)],
    )
}

/// Why the list cannot be saved.
pub fn unsaved(reason: &Failure) -> String {
    // No other folder can be chosen for it.
    let cause = failures::cause(&reason.kind, None, &glib::user_data_dir());
    // Translators: {cause} is a whole sentence, like “The disk is full.”
    gettext_f(
        "The list of downloads cannot be saved: what changes now would be forgotten. {cause} It is tried again every few seconds.",
        &[("cause", &cause)],
    )
}

/// What was asked for and is no address that can be downloaded.
pub fn refused_address(text: &str, reason: &Failure) -> String {
    let cause = failures::failure(&reason.kind, None, Path::new(""));
    // Translators: {text} is what the user typed, {cause} a whole sentence.
    gettext_f("“{text}”: {cause}", &[("text", text), ("cause", &cause)])
}

pub(super) fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    in_one_line(parts.into_iter().flatten())
}

/// `412.0 MB of 754.0 MB`; nothing before the first byte, where there is nothing to tell.
fn received(progress: &Progress) -> Option<String> {
    match (progress.received, progress.total) {
        (0, None) => None,
        (0, Some(total)) => Some(size(total)),
        (received, None) => Some(size(received)),
        (received, Some(total)) => {
            let (done, total) = (size(received), size(total));
            // The same unit need not be said twice.
            let unit = total.rsplit_once(UNIT_SPACE).map(|(_, unit)| unit);
            let done =
                done.rsplit_once(UNIT_SPACE).filter(|(_, same)| Some(*same) == unit).map_or(done.as_str(), |(n, _)| n);
            // Translators: how much has arrived of the whole, like “4.2 of 9.7 MB”.
            gettext_f("{done} of {total}", &[("done", done), ("total", &total)]).into()
        }
    }
}

/// `42%` of the bytes; nothing before the first is told to be checked.
pub(super) fn checked(progress: &Progress) -> Option<String> {
    let total = progress.total.filter(|total| progress.received < *total)?;
    let percent = u128::from(progress.received) * 100 / u128::from(total);
    // Translators: how much of a file is checked; {n} is a number from 0 to 100.
    Some(gettext_f("{n}%", &[("n", &percent.to_string())]))
}

fn waiting(reason: &WaitReason, download: &Snapshot, now: SystemTime) -> String {
    let cause = waiting_cause(reason, download.url.host_str().unwrap_or_default(), &download.folder, now);
    if matches!(reason, WaitReason::Held(_)) {
        return cause;
    }
    let is_soon = |at: SystemTime| at.duration_since(now).unwrap_or_default() < SOON;
    let next = match (reason, download.retry_at) {
        (WaitReason::Space { .. } | WaitReason::Held(_), _) => gettext("Continues by itself."),
        (WaitReason::Retry { .. }, Some(at)) if !is_soon(at) => {
            gettext_f("Tries again at {time}.", &[("time", &time_of_day(at, now))])
        }
        (WaitReason::Retry { .. }, _) => gettext("Tries again in a moment."),
    };
    // Translators: two whole sentences, like “The server is busy. Tries again in a moment.”
    gettext_f("{cause} {next}", &[("cause", &cause), ("next", &next)])
}

/// Why a download waits; of one that is held that is all there is to say.
pub(super) fn waiting_cause(reason: &WaitReason, host: &str, folder: &Path, now: SystemTime) -> String {
    match reason {
        WaitReason::Retry { failure, .. } => failures::passing_failure(&failure.kind, host, folder),
        WaitReason::Space { failure } => failures::cause(&failure.kind, Some(host), folder),
        WaitReason::Held(hold) => held(hold, now),
    }
}

/// Why no downloads run at present.
fn held(hold: &Hold, now: SystemTime) -> String {
    match hold {
        Hold::Offline => gettext("There is no network. Continues by itself."),
        Hold::Metered => gettext("The network is metered. Continues by itself on another one."),
        Hold::Hours { until: Some(until) } => {
            // Translators: {time} is a time of day, or a day with its time: from then on downloads may run.
            gettext_f("Waits for {time}.", &[("time", &time_of_day(*until, now))])
        }
        Hold::Hours { until: None } => gettext("The schedule has no hours for downloads."),
    }
}

#[cfg(test)]
mod tests {
    use super::super::download_object::tests::snapshot;
    use super::*;
    use crate::engine::error::FailureKind;
    use crate::engine::types::Moment;

    const MB: u64 = 1_000_000;

    fn download(state: State, received: u64, total: Option<u64>) -> Snapshot {
        let mut snapshot = snapshot(1);
        snapshot.state = state;
        snapshot.progress = Progress { received, total, ..Progress::default() };
        snapshot
    }

    fn words(download: &Snapshot) -> String {
        status(download, SystemTime::now()).replace('\u{a0}', " ")
    }

    fn retry(kind: FailureKind) -> State {
        let reason = WaitReason::Retry { failure: Failure::new(kind, ""), attempt: 1 };
        State::Waiting { reason, until: Moment::default() }
    }

    #[test]
    fn a_folder_that_was_granted_is_told_by_its_own_name() {
        let granted = glib::user_runtime_dir().join("doc/8f3a/My Files");
        assert_eq!(folder(&granted), "My Files");
        assert_eq!(folder(&granted.join("new")), "My Files/new");
        assert_eq!(folder(granted.parent().unwrap()), granted.parent().unwrap().to_str().unwrap());
        assert_eq!(folder(Path::new("/srv/files")), "/srv/files");
    }

    #[test]
    fn a_running_download_tells_bytes_speed_and_time_left() {
        let mut row = download(State::Downloading, 412 * MB, Some(754 * MB));
        row.progress.speed = Speed(31 * MB);
        row.progress.time_left = Some(Duration::from_secs(11));
        assert_eq!(words(&row), "Downloading – 412.0 of 754.0 MB – 31.0 MB/s – 11 s left");
        row.progress = Progress { received: 3 * MB, ..Progress::default() };
        assert_eq!(words(&row), "Downloading – 3.0 MB");
    }

    #[test]
    fn a_paused_download_warns_when_it_would_start_again() {
        let mut row = download(State::Paused, 3 * MB, Some(4 * MB));
        assert_eq!(words(&row), "Paused – 3.0 of 4.0 MB");
        row.resumable = Some(false);
        assert_eq!(words(&row), "Paused – 3.0 of 4.0 MB – the server will send it from the beginning");
    }

    #[test]
    fn a_waiting_download_tells_why_and_when_it_goes_on() {
        let mut row = download(retry(FailureKind::HttpStatus(503)), 0, None);
        let now = SystemTime::now();
        row.retry_at = Some(now + Duration::from_secs(4));
        assert_eq!(words(&row), "Waiting – The server is busy. Tries again in a moment.");
        row.retry_at = Some(now + Duration::from_secs(4000));
        assert!(words(&row).starts_with("Waiting – The server is busy. Tries again at "), "{}", words(&row));
        let later = |after| status(&row, now + Duration::from_secs(after));
        assert!(later(1800).contains(&time_of_day(now + Duration::from_secs(4000), now + Duration::from_secs(1800))));
        assert!(later(3999).contains("in a moment") && later(5000).contains("in a moment"));
        let full = Failure::new(FailureKind::DiskFull { needed: Some(1_200 * MB) }, "");
        row.state = State::Waiting { reason: WaitReason::Space { failure: full }, until: Moment::default() };
        assert_eq!(words(&row), "Waiting – The disk is full: 1.2 GB more is needed in /srv. Continues by itself.");
    }

    #[test]
    fn what_is_taken_to_another_folder_tells_where_and_how_far_it_is() {
        let mut row = download(State::Paused, 3 * MB, Some(4 * MB));
        row.moved = Some(0);
        assert_eq!(words(&row), "Moving to /srv… – 3.0 MB");
        row.moved = Some(2 * MB);
        assert_eq!(words(&row), "Moving to /srv… – 2.0 of 3.0 MB");
    }

    #[test]
    fn what_is_held_tells_what_it_waits_for() {
        let row = |hold| {
            words(&download(State::Waiting { reason: WaitReason::Held(hold), until: Moment::default() }, 0, None))
        };
        assert_eq!(row(Hold::Offline), "Waiting – There is no network. Continues by itself.");
        let until = Some(SystemTime::now() + Duration::from_secs(60));
        assert!(row(Hold::Hours { until }).starts_with("Waiting – Waits for "), "{}", row(Hold::Hours { until }));
    }

    #[test]
    fn a_check_tells_how_far_it_is() {
        assert_eq!(words(&download(State::Verifying, 4 * MB, Some(4 * MB))), "Verifying… – 4.0 MB");
        assert_eq!(words(&download(State::Verifying, 3 * MB, Some(4 * MB))), "Verifying… – 75% – 4.0 MB");
        assert_eq!(words(&download(State::Verifying, 0, None)), "Verifying…");
    }

    #[test]
    fn a_file_that_was_taken_as_it_is_says_so() {
        let mut row = download(State::Completed, 4 * MB, Some(4 * MB));
        row.is_kept = true;
        assert!(words(&row).ends_with(" – not verified: its checksum did not match"));
    }

    #[test]
    fn the_summary_is_empty_when_nothing_runs() {
        assert_eq!(summary(0, Speed(0)), "");
        assert_eq!(summary(3, Speed(48_200_000)), "48.2\u{a0}MB/s – 3 active");
        assert_eq!(summary(1, Speed(0)), "1 active");
    }
}
