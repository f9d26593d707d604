// SPDX-License-Identifier: GPL-3.0-or-later
//! `--json`: one object a line. Every line has the same fields, `null` where nothing is known.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::news::{News, Reporter};
use super::words;
use crate::engine::store::redact;
use crate::engine::{Failure, Snapshot};

/// What `event` can be, and what it means; told in the manual.
pub const EVENTS: [(&str, &str); 6] = [
    ("added", "It is in the queue."),
    ("started", "The server has answered; told again after a retry."),
    ("progress", "How far it is, four times a second at most."),
    ("retrying", "It stopped, and will be tried again."),
    ("completed", "The file is there; or it was there before, and such files are skipped."),
    ("failed", "It is given up."),
];

/// The fields of each line, and what they hold; told in the manual.
pub const FIELDS: [(&str, &str); 7] = [
    ("event", "What happened."),
    ("id", "The download's number, by which its lines belong together."),
    ("url", "Its address, without a password."),
    ("path", "The finished file, or its part file until then; null while there is neither."),
    ("bytes", "So many bytes of it are here."),
    ("total", "So many bytes it has; null where that is not known."),
    ("error", "The reason for retrying and failed; null for all others."),
];

/// The fields of an error, and what they hold; told in the manual.
pub const ERROR_FIELDS: [(&str, &str); 2] =
    [("kind", "Its name, for programs."), ("message", "A sentence or two in English, for people, which may change.")];

#[derive(Debug)]
pub struct Json<W> {
    out: W,
    line: Vec<u8>,
}

#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    id: u64,
    url: &'a str,
    /// The finished file, or the part file until then.
    path: Option<Cow<'a, str>>,
    bytes: u64,
    total: Option<u64>,
    error: Option<ErrorLine>,
}

#[derive(Serialize)]
struct ErrorLine {
    kind: &'static str,
    message: String,
}

impl<W: Write> Json<W> {
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    fn snapshot(&mut self, event: &'static str, snapshot: &Snapshot, error: Option<ErrorLine>) -> io::Result<()> {
        self.put(&Line {
            event,
            id: snapshot.id.0,
            url: redact::without_password(&snapshot.url).as_str(),
            path: snapshot.path.as_deref().map(Path::to_string_lossy),
            bytes: snapshot.progress.received,
            total: snapshot.progress.total,
            error,
        })
    }

    /// In one write, so that a line is never cut in two by another program's.
    fn put(&mut self, line: &Line<'_>) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)?;
        self.out.flush()
    }
}

impl<W: Write> Reporter for Json<W> {
    fn tell(&mut self, news: &News<'_>) -> io::Result<()> {
        match news {
            News::Added(snapshot) => self.snapshot("added", snapshot, None),
            News::Started(snapshot) => self.snapshot("started", snapshot, None),
            News::Progressed { id, active, progress } => self.put(&Line {
                event: "progress",
                id: id.0,
                url: &active.url,
                path: active.path.as_deref().map(Path::to_string_lossy),
                bytes: progress.received,
                total: progress.total,
                error: None,
            }),
            News::Retrying { snapshot, failure: Failure { kind, .. }, .. } => {
                let error = ErrorLine { kind: words::name(kind), message: words::cause(kind) };
                self.snapshot("retrying", snapshot, Some(error))
            }
            News::Completed(snapshot) => self.snapshot("completed", snapshot, None),
            News::Skipped(snapshot) => {
                let there = Snapshot { path: Some(snapshot.folder.join(&snapshot.name)), ..(*snapshot).clone() };
                self.snapshot("completed", &there, None)
            }
            News::Failed { snapshot, failure: Failure { kind, .. }, continues } => {
                let error = ErrorLine { kind: words::name(kind), message: words::sentence(kind, *continues) };
                self.snapshot("failed", snapshot, Some(error))
            }
            News::Connecting(_) | News::Verifying(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::cli::news::Tracker;
    use crate::cli::news::tests::{failed, snapshot, waiting};
    use crate::engine::{DownloadId, Event, FailureKind, Progress, State};

    fn lines(events: &[Event], skips: bool) -> Vec<String> {
        let mut tracker = Tracker::new(1);
        if skips {
            tracker.skip(DownloadId(7));
        }
        let mut json = Json::new(Vec::new());
        for event in events {
            if let Some(news) = tracker.take(event) {
                json.tell(&news).unwrap();
            }
        }
        String::from_utf8(json.out).unwrap().lines().map(str::to_owned).collect()
    }

    fn changed(state: State) -> Snapshot {
        let mut snapshot = snapshot(7, state);
        snapshot.path = Some("/d/file.iso.part".into());
        snapshot.progress.received = 10;
        snapshot.progress.total = Some(100);
        snapshot
    }

    #[test]
    fn a_whole_life_in_lines() {
        let complete = Snapshot { path: Some("/d/file.iso".into()), ..changed(State::Completed) };
        let progress = Progress { received: 50, total: Some(100), ..Progress::default() };
        let events = [
            Event::Added(Box::new(snapshot(7, State::Queued))),
            Event::Changed(Box::new(changed(State::Connecting))),
            Event::Changed(Box::new(changed(State::Downloading))),
            Event::Progressed { id: DownloadId(7), progress },
            Event::Changed(Box::new(changed(waiting()))),
            Event::Changed(Box::new(changed(State::Downloading))),
            Event::Changed(Box::new(changed(State::Verifying))),
            Event::Changed(Box::new(complete)),
        ];
        let begin = |event: &str| format!(r#"{{"event":"{event}","id":7,"url":"https://ann@h/file.iso","path":"#);
        let silence = r#"{"kind":"silence","message":"The server fell silent."}"#;
        assert_eq!(
            lines(&events, false),
            [
                begin("added") + r#"null,"bytes":0,"total":null,"error":null}"#,
                begin("started") + r#""/d/file.iso.part","bytes":10,"total":100,"error":null}"#,
                begin("progress") + r#""/d/file.iso.part","bytes":50,"total":100,"error":null}"#,
                begin("retrying") + r#""/d/file.iso.part","bytes":10,"total":100,"error":"# + silence + "}",
                begin("started") + r#""/d/file.iso.part","bytes":10,"total":100,"error":null}"#,
                begin("completed") + r#""/d/file.iso","bytes":10,"total":100,"error":null}"#,
            ]
        );
    }

    #[test]
    fn a_failure_and_a_skip() {
        let end =
            |state| [Event::Added(Box::new(snapshot(7, State::Queued))), Event::Changed(Box::new(snapshot(7, state)))];
        assert_eq!(
            lines(&end(failed(FailureKind::HttpStatus(404))), false)[1],
            r#"{"event":"failed","id":7,"url":"https://ann@h/file.iso","path":null,"bytes":0,"total":null,"error":{"kind":"http-status","message":"The server answered 404: there is no such file. Check the address."}}"#
        );
        assert_eq!(
            lines(&end(failed(FailureKind::TargetExists)), true)[1],
            r#"{"event":"completed","id":7,"url":"https://ann@h/file.iso","path":"/d/file.iso","bytes":0,"total":null,"error":null}"#
        );
    }

    #[test]
    fn the_manual_tells_every_event_and_field() {
        let life = [State::Downloading, waiting(), State::Downloading, State::Completed];
        let mut events = vec![Event::Added(Box::new(snapshot(7, State::Queued)))];
        events.extend(life.map(|state| Event::Changed(Box::new(changed(state)))));
        events.insert(2, Event::Progressed { id: DownloadId(7), progress: Progress::default() });
        let mut told = lines(&events, false);
        events.truncate(1);
        events.push(Event::Changed(Box::new(changed(failed(FailureKind::ReadOnly)))));
        told.extend(lines(&events, false).pop());

        let names = |told: &[(&'static str, &str)]| told.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        let told: Vec<Value> = told.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let events: BTreeSet<_> = told.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, names(&EVENTS));
        for line in &told {
            assert!(keys(line).iter().eq(names(&FIELDS).iter()), "{line}");
            assert!(line["error"].is_null() || keys(&line["error"]).iter().eq(names(&ERROR_FIELDS).iter()), "{line}");
        }
    }

    #[test]
    fn a_reader_that_is_gone_is_an_error() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = Json::new(Gone).tell(&News::Added(&snapshot(1, State::Queued))).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
