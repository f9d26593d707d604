// SPDX-License-Identifier: GPL-3.0-or-later
//! One line for each thing that happened: for a standard error that is no terminal, for `--quiet`
//! and `--verbose`, and above the bars.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::news::{News, Reporter};
use super::{units, words};
use crate::engine::store::redact;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Failures only.
    Quiet,
    Normal,
    Verbose,
}

#[derive(Debug)]
pub struct Lines<W> {
    out: W,
    detail: Detail,
}

impl<W: Write> Lines<W> {
    pub fn new(out: W, detail: Detail) -> Self {
        Self { out, detail }
    }
}

impl<W: Write> Reporter for Lines<W> {
    fn tell(&mut self, news: &News<'_>) -> io::Result<()> {
        if let Some(line) = line(news, self.detail) {
            // Nobody may be there to read it; the downloads go on all the same.
            let _ = writeln!(self.out, "{line}");
        }
        Ok(())
    }
}

/// The news in one line, if it is worth one.
pub fn line(news: &News<'_>, detail: Detail) -> Option<String> {
    let least = match news {
        News::Failed { .. } => Detail::Quiet,
        News::Started(_) | News::Retrying { .. } | News::Completed(_) | News::Skipped(_) => Detail::Normal,
        News::Added(_) | News::Connecting(_) | News::Verifying(_) => Detail::Verbose,
        News::Progressed { .. } => return None,
    };
    if detail < least {
        return None;
    }
    let is_verbose = detail == Detail::Verbose;
    let (snapshot, text) = match news {
        News::Added(s) => (s, format!("added, {}", redact::without_password(&s.url))),
        News::Connecting(s) => (s, "connecting".to_owned()),
        News::Started(s) => {
            let verb = if s.progress.received > 0 { "continued" } else { "started" };
            (s, format!("{verb}, {}", amount(s.progress.received, s.progress.total)))
        }
        News::Verifying(s) => (s, "verifying".to_owned()),
        News::Retrying { snapshot, failure, attempt } => {
            // What could be done about it is for when it is given up.
            let mut text = words::cause(&failure.kind);
            text += " Trying again";
            if let Some(wait) = snapshot.retry_in {
                let _ = write!(text, " in {}", units::time(wait));
            }
            if let Some(attempt) = attempt {
                let _ = write!(text, " (retry {attempt})");
            }
            text.push('.');
            (snapshot, with_detail(text, &failure.detail, is_verbose))
        }
        News::Completed(s) => {
            let mut text = format!("complete, {}", units::size(s.progress.received));
            if let Some(sum) = &s.verified {
                let _ = write!(text, ", {} verified", sum.algorithm.name());
            }
            if let Some(path) = &s.path {
                let _ = write!(text, ", {}", path.display());
            }
            (s, text)
        }
        News::Skipped(s) => (s, format!("skipped, {} is there already", s.folder.join(&s.name).display())),
        News::Failed { snapshot, failure, continues } => {
            let text = format!("failed. {}", words::sentence(&failure.kind, *continues));
            (snapshot, with_detail(text, &failure.detail, is_verbose))
        }
        News::Progressed { .. } => return None,
    };
    Some(words::printable(&format!("{}: {text}", snapshot.name)))
}

/// `300.0 MB of 754.0 MB`, or less where less is known.
pub fn amount(received: u64, total: Option<u64>) -> String {
    match (received, total) {
        (0, Some(total)) => units::size(total),
        (0, None) => "length not known".to_owned(),
        (received, Some(total)) => format!("{} of {}", units::size(received), units::size(total)),
        (received, None) => units::size(received),
    }
}

fn with_detail(mut text: String, detail: &str, is_verbose: bool) -> String {
    if is_verbose && !detail.is_empty() {
        let _ = write!(text, " ({detail})");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::news::Tracker;
    use crate::cli::news::tests::{failed, snapshot, waiting};
    use crate::engine::{DownloadId, Event, FailureKind, Progress, Snapshot, State};

    fn told(detail: Detail) -> String {
        let mut part = snapshot(1, State::Downloading);
        part.progress.total = Some(754_000_000);
        let mut done = Snapshot { path: Some("/d/file.iso".into()), ..part.clone() };
        done.state = State::Completed;
        done.progress.received = 754_000_000;
        done.verified = Some("md5:d41d8cd98f00b204e9800998ecf8427e".parse().unwrap());
        let mut again = part.clone();
        again.progress.received = 300_000_000;
        let wait = Snapshot { retry_in: Some(Duration::from_millis(3_500)), ..snapshot(1, waiting()) };
        let mut evil = snapshot(2, failed(FailureKind::LoginRequired));
        evil.name = "a\x1b[2Jb".into();
        let queued = |id| Event::Added(Box::new(snapshot(id, State::Queued)));
        let changed = |snapshot: Snapshot| Event::Changed(Box::new(snapshot));

        let mut tracker = Tracker::new(2);
        let mut lines = Lines::new(Vec::new(), detail);
        for event in [
            queued(1),
            queued(2),
            changed(snapshot(1, State::Connecting)),
            changed(part),
            Event::Progressed { id: DownloadId(1), progress: Progress::default() },
            changed(wait),
            changed(again.clone()),
            changed(Snapshot { state: State::Verifying, ..again }),
            changed(done),
            changed(evil),
        ] {
            if let Some(news) = tracker.take(&event) {
                lines.tell(&news).unwrap();
            }
        }
        String::from_utf8(lines.out).unwrap()
    }

    const FAILED: &str = "a\u{fffd}[2Jb: failed. The server wants a log-in. \
                          Use --user NAME:PASSWORD, or --netrc to take it from ~/.netrc.";

    #[test]
    fn quiet_tells_failures_only() {
        assert_eq!(told(Detail::Quiet), format!("{FAILED}\n"));
    }

    #[test]
    fn normal_tells_begin_and_end_and_no_progress() {
        assert_eq!(
            told(Detail::Normal),
            format!(
                "file.iso: started, 754.0 MB\n\
                 file.iso: The server fell silent. Trying again in 4 s (retry 1).\n\
                 file.iso: continued, 300.0 MB of 754.0 MB\n\
                 file.iso: complete, 754.0 MB, md5 verified, /d/file.iso\n\
                 {FAILED}\n"
            )
        );
    }

    #[test]
    fn verbose_tells_the_steps_and_the_technical_text_but_no_password() {
        let text = told(Detail::Verbose);
        assert!(text.starts_with("file.iso: added, https://ann@h/file.iso\n"), "{text}");
        assert!(text.contains("file.iso: connecting\n") && text.contains("file.iso: verifying\n"), "{text}");
        assert!(text.ends_with(" (technical text)\n"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_skipped_file_is_named() {
        let snapshot = snapshot(1, failed(FailureKind::TargetExists));
        let text = line(&News::Skipped(&snapshot), Detail::Normal);
        assert_eq!(text.as_deref(), Some("file.iso: skipped, /d/file.iso is there already"));
    }
}
