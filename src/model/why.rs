// SPDX-License-Identifier: GPL-3.0-or-later
//! Why a download is not faster, in sentences: what was measured, held against what would be usual.
//! Pure. What cannot be measured from here, like packets lost on the way, is not guessed.

use std::time::Duration;

use super::amounts::{duration, speed, step};
use super::failures;
use crate::engine::details::{Details as Picture, Segment, Standing};
use crate::engine::download::state::State;
use crate::engine::event::Snapshot;
use crate::engine::net::contact::Steps;
use crate::engine::types::Speed;
use crate::i18n::{gettext, gettext_f, ngettext_f};

/// A step of the way to an answer that took so long is worth a sentence.
const LONG_STEP: Duration = Duration::from_millis(800);
/// No answer for so long is more than the network's usual.
const LONG_WAIT: Duration = Duration::from_secs(3);
/// From this share of a limit on it is the limit that is felt.
const FELT: f64 = 0.85;
/// A connection that is so young has not shown its speed.
const YOUNG: Duration = Duration::from_secs(4);
/// More is not read.
const MOST: usize = 4;

/// The limits that the user has set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Of this download.
    pub own: Option<Speed>,
    /// Of all together, at this hour.
    pub all: Option<Speed>,
}

/// The reasons, the weightiest first; none where it does not run.
pub fn reasons(download: &Snapshot, picture: &Picture, limits: Limits) -> Vec<String> {
    let mut reasons = match download.state {
        State::Connecting => connecting(picture),
        State::Downloading => {
            let found: Vec<_> = [
                limit(download, picture, limits),
                silence(picture),
                disk(picture, limits),
                whole_only(download, picture),
                host_limit(picture),
                trouble(download, picture),
                connecting(picture).pop(),
            ]
            .into_iter()
            .flatten()
            .chain(steps(picture))
            .collect();
            if found.is_empty() { ordinary(picture) } else { found }
        }
        _ => Vec::new(),
    };
    reasons.truncate(MOST);
    reasons
}

fn limit(download: &Snapshot, picture: &Picture, limits: Limits) -> Option<String> {
    let now = download.progress.speed;
    let is_felt = |limit: Speed| now.0 as f64 >= limit.0 as f64 * FELT;
    if let Some(own) = limits.own.filter(|own| is_felt(*own)) {
        return Some(gettext_f("You limited this download to {speed}.", &[("speed", &speed(own))]));
    }
    // Others may have their part of it.
    let is_held = picture.segments.iter().any(|segment| segment.is_held);
    let all = limits.all.filter(|all| is_felt(*all) || is_held)?;
    Some(gettext_f("All downloads together are limited to {speed}.", &[("speed", &speed(all))]))
}

fn silence(picture: &Picture) -> Option<String> {
    let mut settled =
        picture.segments.iter().filter(|segment| segment.age >= YOUNG && segment.contact.is_some()).peekable();
    settled.peek()?;
    settled
        .all(|segment| segment.speed == Speed(0) && !segment.is_held)
        .then(|| gettext("At the moment the server sends nothing."))
}

/// Nothing but a limit and the disk keeps us from reading.
fn disk(picture: &Picture, limits: Limits) -> Option<String> {
    let is_limited = limits.own.is_some() || limits.all.is_some();
    let held = picture.segments.iter().filter(|segment| segment.is_held).count();
    (!is_limited && held > 0 && held * 2 >= picture.segments.len())
        .then(|| gettext("The disk takes the bytes more slowly than they come."))
}

fn whole_only(download: &Snapshot, picture: &Picture) -> Option<String> {
    (download.resumable == Some(false) && picture.most > 1)
        .then(|| gettext("The server sends the file only as a whole, so one connection has to do."))
}

fn host_limit(picture: &Picture) -> Option<String> {
    let most = picture
        .sources
        .iter()
        .filter(|source| source.connections > 0)
        .map(|source| source.most)
        .collect::<Option<Vec<_>>>()?;
    let most: usize = most.iter().sum();
    (most > 0 && picture.segments.len() >= most && most < picture.most).then(|| {
        ngettext_f(
            "The server allows only {n} connection at a time.",
            "The server allows only {n} connections at a time.",
            most,
            &[("n", &most.to_string())],
        )
    })
}

fn trouble(download: &Snapshot, picture: &Picture) -> Option<String> {
    let of_mirror = picture.sources.iter().find_map(|source| match &source.standing {
        Standing::Failing(failure) => Some((failure, source.url.host_str())),
        _ => None,
    });
    let own = picture.trouble.as_ref().map(|failure| (failure, download.url.host_str()));
    let (failure, host) = own.or(of_mirror)?;
    let cause = failures::cause(&failure.kind, host, &download.folder);
    // Translators: {cause} is a whole sentence.
    Some(gettext_f("A connection failed: {cause}", &[("cause", &cause)]))
}

/// Connections that wait for their answer for long.
fn connecting(picture: &Picture) -> Vec<String> {
    let waiting = |segment: &&Segment| segment.contact.is_none() && segment.age >= LONG_WAIT;
    let longest = picture.segments.iter().filter(waiting).map(|segment| segment.age).max();
    let sentence = |age| gettext_f("The server has not answered for {time}.", &[("time", &duration(age))]);
    longest.map(sentence).into_iter().collect()
}

/// Steps on the way to the answers that took long.
fn steps(picture: &Picture) -> Vec<String> {
    let steps: Vec<Steps> = picture.sources.iter().filter_map(|source| Some(source.contact.as_ref()?.steps)).collect();
    let longest = |of: fn(&Steps) -> Duration| steps.iter().map(of).max().filter(|time| *time >= LONG_STEP);
    let told = |time: Option<Duration>, tell: &dyn Fn(&str) -> String| time.map(|time| tell(&step(time)));
    [
        told(longest(|steps| steps.lookup), &|time| {
            gettext_f("To look up the server’s name took {time}.", &[("time", time)])
        }),
        told(longest(|steps| steps.connect), &|time| {
            gettext_f("To connect took {time}: the server is far away, or busy.", &[("time", time)])
        }),
        told(longest(|steps| steps.agree), &|time| gettext_f("To agree on encryption took {time}.", &[("time", time)])),
        told(longest(|steps| steps.answer), &|time| gettext_f("The server took {time} to answer.", &[("time", time)])),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Nothing stands out: it is as fast as the network and the server let it be.
fn ordinary(picture: &Picture) -> Vec<String> {
    let settled: Vec<_> = picture.segments.iter().filter(|segment| segment.age >= YOUNG).collect();
    let Some(each) = settled.iter().map(|segment| segment.speed.0).sum::<u64>().checked_div(settled.len() as u64)
    else {
        return Vec::new();
    };
    let n = picture.segments.len();
    let values = [("n", n.to_string()), ("speed", speed(Speed(each)))];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    let each = ngettext_f(
        "The server and the network give its connection {speed}.",
        "The server and the network give each of {n} connections about {speed}.",
        n,
        &values,
    );
    let more = if n >= picture.most {
        gettext("More connections are not allowed for it.")
    } else {
        gettext("More connections are made only where they help.")
    };
    vec![each, more]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::download_object::tests::snapshot;
    use super::*;
    use crate::engine::details::SourceDetails;
    use crate::engine::error::{Failure, FailureKind};
    use crate::engine::net::contact::Contact;
    use crate::engine::types::ByteRange;

    const MB: u64 = 1_000_000;

    /// Two connections of at most eight, each with 1 MB/s, for ten seconds.
    fn running() -> (Snapshot, Picture) {
        let mut download = snapshot(1);
        download.state = State::Downloading;
        download.progress.speed = Speed(2 * MB);
        let segment = |start| Segment {
            range: ByteRange::new(start, start + 100 * MB),
            next: start + 10 * MB,
            source: 0,
            speed: Speed(MB),
            is_copy: false,
            age: Duration::from_secs(10),
            is_held: false,
            contact: Some(Arc::default()),
        };
        let source = SourceDetails {
            url: "http://example.org/f".parse().unwrap(),
            standing: Standing::Good,
            connections: 2,
            most: None,
            contact: Some(Arc::default()),
        };
        let picture = Picture {
            total: Some(200 * MB),
            done: Vec::new(),
            segments: vec![segment(0), segment(100 * MB)],
            sources: vec![source],
            validator: None,
            checksum: None,
            origin: None,
            pieces: None,
            most: 8,
            rate: None,
            trouble: None,
        };
        (download, picture)
    }

    fn told(download: &Snapshot, picture: &Picture, limits: Limits) -> String {
        reasons(download, picture, limits).join(" ").replace('\u{a0}', " ")
    }

    fn plain(picture: &Picture) -> String {
        told(&running().0, picture, Limits::default())
    }

    #[test]
    fn where_nothing_stands_out_the_share_of_each_connection_is_told() {
        let (_, mut picture) = running();
        assert_eq!(
            plain(&picture),
            "The server and the network give each of 2 connections about 1.0 MB/s. More connections are made only where they help."
        );
        picture.most = 2;
        assert!(plain(&picture).ends_with("More connections are not allowed for it."));
    }

    #[test]
    fn a_limit_is_told_where_it_is_felt() {
        let (download, mut picture) = running();
        let own = |rate| Limits { own: Some(Speed(rate)), all: None };
        assert_eq!(told(&download, &picture, own(2 * MB)), "You limited this download to 2.0 MB/s.");
        assert!(!told(&download, &picture, own(10 * MB)).contains("limited"));
        let all = Limits { own: None, all: Some(Speed(10 * MB)) };
        assert!(!told(&download, &picture, all).contains("limited"));
        picture.segments[0].is_held = true;
        assert_eq!(told(&download, &picture, all), "All downloads together are limited to 10.0 MB/s.");
    }

    #[test]
    fn a_disk_that_is_behind_is_told_only_where_no_limit_holds() {
        let (download, mut picture) = running();
        picture.segments[0].is_held = true;
        assert_eq!(plain(&picture), "The disk takes the bytes more slowly than they come.");
        let all = Limits { own: None, all: Some(Speed(10 * MB)) };
        assert!(!told(&download, &picture, all).contains("disk"));
    }

    #[test]
    fn what_the_server_does_not_allow_is_told() {
        let (mut download, mut picture) = running();
        picture.sources[0].most = Some(2);
        assert_eq!(plain(&picture), "The server allows only 2 connections at a time.");
        picture.sources[0].most = Some(3);
        assert!(!plain(&picture).contains("allows"), "it has fewer than that");
        download.resumable = Some(false);
        assert!(told(&download, &picture, Limits::default()).starts_with("The server sends the file only as a whole"));
    }

    #[test]
    fn a_failure_is_told_with_its_cause() {
        let (_, mut picture) = running();
        picture.trouble = Some(Failure::new(FailureKind::HttpStatus(503), ""));
        assert_eq!(plain(&picture), "A connection failed: The server is busy.");
    }

    #[test]
    fn silence_and_long_waits_are_told() {
        let (mut download, mut picture) = running();
        picture.segments.iter_mut().for_each(|segment| segment.speed = Speed(0));
        assert!(plain(&picture).starts_with("At the moment the server sends nothing."));
        picture.segments[0].speed = Speed(1);
        assert!(!plain(&picture).contains("nothing"));
        picture.segments[0].contact = None;
        picture.segments[0].age = Duration::from_secs(7);
        assert!(plain(&picture).contains("The server has not answered for 7 s."));
        download.state = State::Connecting;
        assert_eq!(told(&download, &picture, Limits::default()), "The server has not answered for 7 s.");
    }

    #[test]
    fn long_steps_are_told_and_short_ones_are_not() {
        let (_, mut picture) = running();
        let mut with = |steps| {
            picture.sources[0].contact = Some(Arc::new(Contact { steps, ..Contact::default() }));
            plain(&picture)
        };
        let slow = Duration::from_secs(4);
        assert_eq!(with(Steps { lookup: slow, ..Steps::default() }), "To look up the server’s name took 4 s.");
        assert_eq!(with(Steps { agree: slow, ..Steps::default() }), "To agree on encryption took 4 s.");
        assert_eq!(with(Steps { answer: slow, ..Steps::default() }), "The server took 4 s to answer.");
        assert!(with(Steps { connect: slow, ..Steps::default() }).starts_with("To connect took 4 s"));
        assert!(!with(Steps { lookup: Duration::from_millis(300), ..Steps::default() }).contains("name"));
    }

    #[test]
    fn what_does_not_run_is_not_slow() {
        let (mut download, picture) = running();
        for state in [State::Paused, State::Completed, State::Verifying] {
            download.state = state;
            assert_eq!(told(&download, &picture, Limits::default()), "");
        }
    }
}
