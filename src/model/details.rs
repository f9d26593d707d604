// SPDX-License-Identifier: GPL-3.0-or-later
//! What the window shows of one download beside its row: where its bytes are, as shares of the whole,
//! and everything else in words.

use std::time::SystemTime;

use super::amounts::{speed, time_of_day};
use super::connections::{self, Connection};
use super::speed_trace::SpeedPlot;
use super::{content_type, describe, download_object, failures, why};
use crate::engine::details::{Details as Picture, Origin, Segment, SourceDetails, Standing};
use crate::engine::download::spec::{Algorithm, Checksum};
use crate::engine::download::state::State;
use crate::engine::error::{Failure, FailureKind};
use crate::engine::event::Snapshot;
use crate::engine::net::headers::Validator;
use crate::engine::store::redact::without_password;
use crate::engine::types::Speed;
use crate::i18n::{gettext, gettext_f, in_one_line, ngettext_f, pgettext};

/// One download, looked at closely.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    pub map: SegmentMap,
    /// Once it ran for a while in this session.
    pub speed: Option<SpeedPlot>,
    pub connections: Vec<Connection>,
    /// Why it is not faster, as sentences.
    pub reasons: Vec<String>,
    pub sources: Vec<Source>,
    pub facts: Vec<Fact>,
    /// Grows with each thing that happens, see [`super::Session::chronicle`].
    pub happened: u64,
}

/// Where the bytes of the file are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SegmentMap {
    /// In the order they are to be drawn in: a later one may lie over an earlier one.
    pub stretches: Vec<Stretch>,
    /// Whether it stands still before its end.
    pub is_resting: bool,
    /// The same in words.
    pub sentence: String,
}

/// A part of the file; 0 is its first byte, 1 its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    pub from: f64,
    pub to: f64,
    pub kind: StretchKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StretchKind {
    /// It is here.
    Done,
    /// The connection of this number, the first is 1, fetches it...
    Coming(usize),
    /// ...and has brought this.
    Arrived(usize),
}

/// An address that the file is fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub address: String,
    pub standing: String,
    /// Whether the standing is a bad one.
    pub is_bad: bool,
}

/// A line of the details. Which ones there are follows from the download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub name: String,
    pub value: String,
}

/// `all`: the limit of all downloads together at this hour.
pub(super) fn of(download: &Snapshot, picture: &Picture, all: Option<Speed>) -> Details {
    Details {
        map: map(download, picture),
        speed: None,
        connections: connections::list(picture),
        reasons: why::reasons(download, picture, why::Limits { own: picture.rate, all }),
        sources: picture.sources.iter().map(|source| self::source(source, &download.state)).collect(),
        facts: facts(download, picture),
        happened: 0,
    }
}

fn map(download: &Snapshot, picture: &Picture) -> SegmentMap {
    if download.state == State::Completed {
        let whole = Stretch { from: 0.0, to: 1.0, kind: StretchKind::Done };
        return SegmentMap { stretches: vec![whole], is_resting: false, sentence: gettext("All of the file is here") };
    }
    let total = picture.total.filter(|total| *total > 0);
    let stretch = |from: u64, to: u64, kind| {
        let share = |offset: u64| total.map_or(0.0, |total| (offset as f64 / total as f64).min(1.0));
        Stretch { from: share(from), to: share(to), kind }
    };
    let segments = || (1..).zip(&picture.segments);
    let coming = |(n, segment): (_, &Segment)| stretch(segment.next, segment.range.end, StretchKind::Coming(n));
    let arrived = |(n, segment): (_, &Segment)| stretch(segment.range.start, segment.next, StretchKind::Arrived(n));
    let done = picture.done.iter().map(|range| stretch(range.start, range.end, StretchKind::Done));
    // What a running connection has brought is done, too, but is to be seen as its work.
    let stretches = segments().map(coming).chain(done).chain(segments().map(arrived));
    SegmentMap {
        stretches: stretches.filter(|stretch| stretch.from < stretch.to).collect(),
        is_resting: !download_object::is_active(download),
        sentence: sentence(download, picture.segments.len()),
    }
}

/// `62% done, 5 connections`
fn sentence(download: &Snapshot, connections: usize) -> String {
    let progress = &download.progress;
    if download.state == State::Verifying {
        return match describe::checked(progress) {
            // Translators: {share} is a text like “40%”.
            Some(share) => gettext_f("All of the file is here, {share} of it is checked", &[("share", &share)]),
            None => gettext("All of the file is here"),
        };
    }
    let done = match progress.total.filter(|total| *total > 0) {
        Some(total) => {
            let percent = u128::from(progress.received.min(total)) * 100 / u128::from(total);
            // Translators: how much of a file is here; {n} is a number from 0 to 100.
            gettext_f("{n}% done", &[("n", &percent.to_string())])
        }
        None if progress.received == 0 => gettext("Nothing is here yet"),
        None => gettext("The size of the file is not known yet"),
    };
    if connections == 0 {
        return done;
    }
    let values = [("done", done.as_str()), ("n", &connections.to_string())];
    // Translators: {done} is a text like “62% done”.
    ngettext_f("{done}, {n} connection", "{done}, {n} connections", connections, &values)
}

fn source(source: &SourceDetails, state: &State) -> Source {
    let (standing, is_bad) = match &source.standing {
        _ if source.connections > 0 => (in_use(source), false),
        Standing::Untried if *state == State::Connecting => (gettext("Connecting…"), false),
        Standing::Untried => (gettext("Not tried yet"), false),
        Standing::Good => (gettext("Works"), false),
        Standing::Failing(reason) => {
            (failures::cause(&reason.kind, source.url.host_str(), std::path::Path::new("")), true)
        }
        Standing::Different(_) => (gettext("Has another file; it is not used"), true),
    };
    Source { address: without_password(&source.url).to_string(), standing, is_bad }
}

fn in_use(source: &SourceDetails) -> String {
    let n = source.connections;
    match source.most {
        Some(most) => {
            let values = [("n", n.to_string()), ("most", most.to_string())];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            ngettext_f(
                "In use with {n} connection, the server allows {most}",
                "In use with {n} connections, the server allows {most}",
                n,
                &values,
            )
        }
        None => ngettext_f("In use with {n} connection", "In use with {n} connections", n, &[("n", &n.to_string())]),
    }
}

fn facts(download: &Snapshot, picture: &Picture) -> Vec<Fact> {
    let fact = |name: String, value: Option<String>| value.map(|value| Fact { name, value });
    // That of the address that serves, or did so.
    let contact = picture.sources.iter().find_map(|source| source.contact.as_deref());
    let now = SystemTime::now();
    let facts = [
        fact(gettext("Redirects to"), contact.and_then(connections::redirects)),
        fact(gettext("Server"), contact.and_then(connections::server)),
        // Translators: how the connections speak, like HTTP/1.1.
        fact(gettext("Protocol"), contact.map(connections::protocol)),
        // Translators: how long the steps on the way to an answer took.
        fact(gettext("Timings"), contact.map(|contact| connections::timings(&contact.steps))),
        fact(gettext("Connections"), connections_in_use(download, picture)),
        fact(gettext("Speed limit"), picture.rate.map(speed)),
        fact(gettext("Size"), download.progress.total.map(exact_size)),
        // Translators: the media type of a file, like text/html.
        fact(pgettext("media type", "Type"), sort(download)),
        fact(gettext("Folder"), Some(describe::folder(&download.folder))),
        // Translators: whether a download can go on where it stopped.
        fact(gettext("Resumable"), resumable(download, picture.validator.as_ref())),
        fact(gettext("Checksum"), checksum(download, picture)),
        // Translators: the parts of a file that have checksums of their own.
        fact(gettext("Pieces"), picture.pieces.map(pieces)),
        // Translators: when a download was added.
        fact(gettext("Added"), Some(time_of_day(download.added_at, now))),
        // Translators: when a download was complete, or failed.
        fact(gettext("Ended"), download.finished_at.map(|at| time_of_day(at, now))),
        // Translators: the technical text behind an error.
        fact(gettext("Error"), describe::reason(&download.state).and_then(technical)),
    ];
    facts.into_iter().flatten().collect()
}

/// `PDF document – application/pdf`, as the desktop and as the server call it; nothing where neither knows.
fn sort(download: &Snapshot) -> Option<String> {
    let told = download.media_type.as_deref();
    let words = content_type::in_words(&download.name, told);
    let told = content_type::as_told(told).map(ToOwned::to_owned);
    Some(in_one_line([words, told].into_iter().flatten())).filter(|text| !text.is_empty())
}

/// `784.3 MB (784,334,848 bytes)`, the number as the user's language groups it.
fn exact_size(bytes: u64) -> String {
    glib::format_size_full(bytes, glib::FormatSizeFlags::LONG_FORMAT).to_string()
}

fn connections_in_use(download: &Snapshot, picture: &Picture) -> Option<String> {
    if !matches!(download.state, State::Connecting | State::Downloading) {
        return None;
    }
    let values = [("n", picture.segments.len().to_string()), ("most", picture.most.to_string())];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    // Translators: how many connections are open, like “5 of at most 8”.
    let count = gettext_f("{n} of at most {most}", &values);
    let Some(trouble) = &picture.trouble else { return Some(count) };
    let cause = failures::cause(&trouble.kind, download.url.host_str(), &download.folder);
    // Translators: {count} is a text like “3 of at most 8”, {cause} a whole sentence.
    Some(gettext_f("{count}. Not more, because: {cause}", &[("count", &count), ("cause", &cause)]))
}

fn resumable(download: &Snapshot, validator: Option<&Validator>) -> Option<String> {
    // What has the wrong checksum is fetched anew, if it is fetched at all.
    if download.state == State::Completed || describe::reason(&download.state).is_some_and(|r| r.kind.is_wrong_sum()) {
        return None;
    }
    let value = match (download.resumable, validator) {
        (Some(false), _) => gettext("No. After an interruption the server sends it from the beginning"),
        (_, Some(Validator::ETag(tag))) => {
            // Translators: {tag} is an ETag, by which a server tells versions of a file apart.
            gettext_f("Yes, the file is known by its tag {tag}", &[("tag", tag)])
        }
        (_, Some(Validator::LastModified(date))) => {
            // Translators: {date} is as the server wrote it, in English.
            gettext_f("Yes, the file is known by its last change, {date}", &[("date", date)])
        }
        (Some(true), None) => gettext("Yes, the file is known by its size"),
        (None, None) => gettext("Not known yet"),
    };
    Some(value)
}

fn checksum(download: &Snapshot, picture: &Picture) -> Option<String> {
    let result = checksum_result(download, picture.checksum.as_ref())?;
    let origin = picture.origin.map(|origin| match origin {
        // Translators: who told a checksum; it stands behind a text like “SHA-256 is right: 123”.
        Origin::User => gettext("given by you"),
        Origin::Server => gettext("told by the server"),
        Origin::Beside => gettext("found beside the file on the server"),
    });
    Some(in_one_line([Some(result), origin].into_iter().flatten()))
}

fn checksum_result(download: &Snapshot, wanted: Option<&Checksum>) -> Option<String> {
    if download.is_kept {
        return Some(gettext("It did not match. The file was kept as it is"));
    }
    if let Some(checksum) = &download.verified {
        return Some(right(checksum));
    }
    if let Some(FailureKind::ChecksumMismatch { expected: Checksum { algorithm, hex }, actual }) =
        describe::reason(&download.state).map(|reason| &reason.kind).filter(|kind| kind.is_wrong_sum())
    {
        let values = [("name", label(*algorithm)), ("hex", hex.as_str()), ("actual", actual.as_str())];
        return Some(gettext_f("{name} is wrong: it should be {hex} and is {actual}", &values));
    }
    let Checksum { algorithm, hex } = wanted?;
    let values = [("name", label(*algorithm)), ("hex", hex.as_str())];
    Some(match download.state {
        State::Verifying => gettext_f("{name} is being checked: {hex}", &values),
        // It was given later than that, or the file was taken as it is.
        State::Completed => gettext_f("{name} was not checked: {hex}", &values),
        _ => gettext_f("{name} will be checked at the end: {hex}", &values),
    })
}

pub(super) fn right(Checksum { algorithm, hex }: &Checksum) -> String {
    // Translators: {name} is the kind of checksum, like SHA-256; {hex} is its value.
    gettext_f("{name} is right: {hex}", &[("name", label(*algorithm)), ("hex", hex)])
}

/// `3 of 7 match their checksums`
fn pieces((proven, all): (usize, usize)) -> String {
    let values = [("n", proven.to_string()), ("all", all.to_string())];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    // Translators: of the pieces of a file.
    ngettext_f("{n} of {all} matches its checksum", "{n} of {all} match their checksums", proven, &values)
}

fn label(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Md5 => "MD5",
        Algorithm::Sha1 => "SHA-1",
        Algorithm::Sha256 => "SHA-256",
        Algorithm::Sha512 => "SHA-512",
    }
}

fn technical(reason: &Failure) -> Option<String> {
    Some(reason.detail.clone()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::download_object::tests::snapshot;
    use super::*;
    use crate::engine::types::ByteRange;

    /// A download of 1000 bytes: 100 on disk, 300 fetched by one connection of 400 to come.
    fn running() -> (Snapshot, Picture) {
        let mut download = snapshot(1);
        download.state = State::Downloading;
        download.progress.received = 400;
        download.progress.total = Some(1000);
        let source = SourceDetails {
            url: "http://ann:hunter2@example.org/f".parse().unwrap(),
            standing: Standing::Good,
            connections: 1,
            most: Some(4),
            contact: None,
        };
        let range = ByteRange::new(100, 800);
        let segment = Segment {
            range,
            next: 400,
            source: 0,
            speed: Speed(0),
            is_copy: false,
            age: Duration::ZERO,
            is_held: false,
            contact: None,
        };
        let picture = Picture {
            total: Some(1000),
            done: vec![ByteRange::new(0, 100)],
            segments: vec![segment],
            sources: vec![source],
            validator: Some(Validator::ETag("\"abc\"".into())),
            checksum: None,
            origin: None,
            pieces: None,
            most: 8,
            rate: None,
            trouble: None,
        };
        (download, picture)
    }

    fn value(download: &Snapshot, picture: &Picture, name: &str) -> Option<String> {
        of(download, picture, None).facts.into_iter().find(|fact| fact.name == name).map(|fact| fact.value)
    }

    #[test]
    fn the_map_has_what_is_here_over_what_is_coming() {
        let (download, picture) = running();
        let map = of(&download, &picture, None).map;
        let drawn: Vec<_> = map.stretches.iter().map(|stretch| (stretch.kind, stretch.from, stretch.to)).collect();
        assert_eq!(
            drawn,
            [(StretchKind::Coming(1), 0.4, 0.8), (StretchKind::Done, 0.0, 0.1), (StretchKind::Arrived(1), 0.1, 0.4)]
        );
        assert_eq!(map.sentence, "40% done, 1 connection");
        assert!(!map.is_resting);
    }

    #[test]
    fn without_a_length_nothing_is_drawn_and_that_is_said() {
        let (mut download, mut picture) = running();
        (download.progress.total, picture.total) = (None, None);
        let map = of(&download, &picture, None).map;
        assert_eq!(map.stretches, []);
        assert_eq!(map.sentence, "The size of the file is not known yet, 1 connection");
    }

    #[test]
    fn a_finished_file_is_here_whatever_was_left_of_the_map() {
        let (mut download, picture) = running();
        download.state = State::Completed;
        let map = of(&download, &picture, None).map;
        assert_eq!(map.stretches, [Stretch { from: 0.0, to: 1.0, kind: StretchKind::Done }]);
        assert_eq!(value(&download, &picture, "Resumable"), None);
    }

    #[test]
    fn a_source_says_how_it_serves_and_keeps_its_password() {
        let (download, mut picture) = running();
        let source = |picture: &Picture| of(&download, picture, None).sources.remove(0);
        assert_eq!(source(&picture).address, "http://ann@example.org/f");
        assert_eq!(source(&picture).standing, "In use with 1 connection, the server allows 4");
        picture.sources[0].connections = 0;
        picture.sources[0].standing = Standing::Different(String::new());
        assert_eq!(source(&picture).standing, "Has another file; it is not used");
        assert!(source(&picture).is_bad);
    }

    #[test]
    fn fewer_connections_are_explained() {
        let (download, mut picture) = running();
        assert_eq!(value(&download, &picture, "Connections").unwrap(), "1 of at most 8");
        picture.trouble = Some(Failure::new(FailureKind::HttpStatus(503), ""));
        assert_eq!(
            value(&download, &picture, "Connections").unwrap(),
            "1 of at most 8. Not more, because: The server is busy."
        );
    }

    #[test]
    fn what_proves_the_file_is_told() {
        let (mut download, mut picture) = running();
        assert_eq!(value(&download, &picture, "Resumable").unwrap(), "Yes, the file is known by its tag \"abc\"");
        picture.validator = None;
        assert_eq!(value(&download, &picture, "Resumable").unwrap(), "Not known yet");
        download.resumable = Some(false);
        assert!(value(&download, &picture, "Resumable").unwrap().starts_with("No."));
    }

    #[test]
    fn a_checksum_is_wanted_right_or_wrong() {
        let (mut download, mut picture) = running();
        assert_eq!(value(&download, &picture, "Checksum"), None);
        let sum: Checksum = format!("md5:{}", "0".repeat(32)).parse().unwrap();
        (picture.checksum, picture.origin) = (Some(sum.clone()), Some(Origin::Beside));
        assert!(value(&download, &picture, "Checksum").unwrap().starts_with("MD5 will be checked at the end: 000"));
        let wrong = FailureKind::ChecksumMismatch { expected: sum.clone(), actual: "123".into() };
        download.state = State::Failed(Failure::new(wrong, ""));
        assert!(
            value(&download, &picture, "Checksum")
                .unwrap()
                .ends_with("and is 123 – found beside the file on the server")
        );
        let piece = FailureKind::ChecksumMismatch { expected: sum.clone(), actual: String::new() };
        download.state = State::Failed(Failure::new(piece, ""));
        assert!(value(&download, &picture, "Checksum").unwrap().starts_with("MD5 will be checked"), "no wrong file");
        picture.origin = Some(Origin::User);
        download.state = State::Completed;
        download.verified = Some(sum);
        assert!(value(&download, &picture, "Checksum").unwrap().starts_with("MD5 is right"));
        assert!(value(&download, &picture, "Checksum").unwrap().ends_with(" – given by you"));
    }

    #[test]
    fn a_type_is_told_in_words_or_not_at_all() {
        let (mut download, picture) = running();
        let mut told = |name: &str, media_type: &str| {
            (download.name, download.media_type) = (name.to_owned(), Some(media_type.to_owned()));
            value(&download, &picture, "Type")
        };
        assert!(told("a.pdf", "application/pdf").unwrap().ends_with(" – application/pdf"));
        assert!(!told("a.pdf", "application/octet-stream").unwrap().contains('/'));
        assert_eq!(told("a", "application/octet-stream"), None);
        assert_eq!(told("a", "application/x-never-heard-of").unwrap(), "application/x-never-heard-of");
    }

    #[test]
    fn pieces_are_counted_as_they_are_proven() {
        let (download, mut picture) = running();
        assert_eq!(value(&download, &picture, "Pieces"), None);
        picture.pieces = Some((3, 7));
        assert_eq!(value(&download, &picture, "Pieces").unwrap(), "3 of 7 match their checksums");
    }

    #[test]
    fn what_is_being_checked_is_here() {
        let (mut download, picture) = running();
        download.state = State::Verifying;
        assert_eq!(of(&download, &picture, None).map.sentence, "All of the file is here, 40% of it is checked");
    }
}
