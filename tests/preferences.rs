// SPDX-License-Identifier: GPL-3.0-or-later
//! Every preference has a row in the window, or a reason why not; and so has every option of the command
//! line. Every row is explained.

use std::collections::BTreeSet;

use clap::CommandFactory;
use freshet::settings::Key;
use quick_xml::Reader;
use quick_xml::events::Event;

const WINDOW: &str = include_str!("../src/ui/preferences.ui");
const BINDINGS: &str = concat!(include_str!("../src/ui/preferences.rs"), include_str!("../src/ui/rules_group.rs"));

enum Place {
    /// By what it is found in the template.
    Row(&'static str),
    /// Why the preferences do not have it.
    Elsewhere(&'static str),
}

fn place_of(key: Key) -> Place {
    use Place::{Elsewhere, Row};
    match key {
        Key::WindowWidth | Key::WindowHeight | Key::WindowMaximized => Elsewhere("how the window was left"),
        Key::SidebarVisible | Key::DetailsVisible => Elsewhere("a button of the window"),
        Key::SortOrder | Key::SortDescending => Elsewhere("in the main menu"),
        Key::WhenDoneDelay => Elsewhere("a minute is right for people"),
        Key::DownloadFolder => Row("folder"),
        Key::FolderRules => Row("rules"),
        Key::ParallelDownloads => Row("parallel"),
        Key::ConnectionsPerHost => Row("per_host"),
        Key::ConnectionsPerDownload => Row("connections"),
        Key::RateLimitEnabled => Row("is_limited"),
        Key::RateLimit => Row("rate"),
        Key::RateLimitEach => Row("rate_each"),
        Key::RateSchedule => Row("schedule"),
        Key::OnExists => Row("on_exists"),
        Key::FindChecksum => Row("find_checksum"),
        Key::OfferClipboard => Row("offer_clipboard"),
        Key::KeepHistory => Row("keep_history"),
        Key::NotifyEnds => Row("notify_ends"),
        Key::StayAwake => Row("stay_awake"),
        Key::RunInBackground => Row("run_in_background"),
        Key::Autostart => Row("autostart"),
        Key::WaitOnMetered => Row("wait_on_metered"),
        Key::Hours => Row("hours"),
        Key::WhenDone => Row("when_done"),
        Key::WhenDoneAlways => Row("when_done_always"),
        Key::WhenDoneCommand => Row("command"),
        Key::Retries => Row("retries"),
        Key::RetryWait => Row("retry_wait"),
        Key::Timeout => Row("silence"),
        Key::Proxy => Row("proxy"),
        Key::UserAgent => Row("user_agent"),
        Key::Netrc => Row("netrc"),
        Key::PreviewAddresses => Row("preview_addresses"),
    }
}

/// What says in the window what this option says on the command line; `Err` with a reason.
fn key_of(option: &str) -> Option<Result<Key, &'static str>> {
    const OF_ONE: &str = "of a single download: in the add dialog";
    const OF_TERMINAL: &str = "the window shows it anyway";
    Some(Ok(match option {
        "dir" => Key::DownloadFolder,
        "connections" => Key::ConnectionsPerDownload,
        "parallel" => Key::ParallelDownloads,
        "per_host" => Key::ConnectionsPerHost,
        "limit_rate" => Key::RateLimit,
        "limit_each" => Key::RateLimitEach,
        "limit_schedule" => Key::RateSchedule,
        "user_agent" => Key::UserAgent,
        "netrc" => Key::Netrc,
        "proxy" => Key::Proxy,
        "find_checksum" => Key::FindChecksum,
        "retry" => Key::Retries,
        "retry_wait" => Key::RetryWait,
        "timeout" => Key::Timeout,
        "overwrite" | "on_exists" => Key::OnExists,
        "urls" | "output" | "checksum" | "headers" | "referer" | "user" => return Some(Err(OF_ONE)),
        "input_file" => return Some(Err("Import List in the main menu, or a drop")),
        "cacert" => return Some(Err("the desktop has certificates that are trusted; a list may name others")),
        "insecure" => return Some(Err("never for all downloads; a list or a curl command may say it of one")),
        "no_resume" => return Some(Err("a part file of the same address is always continued")),
        "json" | "quiet" | "verbose" | "help" | "version" => return Some(Err(OF_TERMINAL)),
        _ => return None,
    }))
}

/// Whether this key, and not only one whose name begins with its name, is in the source.
fn is_named(source: &str, key: Key) -> bool {
    let name = format!("Key::{key:?}");
    let mut places = source.match_indices(&name);
    places.any(|(at, _)| !source[at + name.len()..].starts_with(|sign: char| sign.is_alphanumeric() || sign == '_'))
}

#[test]
fn a_key_is_not_taken_for_one_whose_name_is_longer() {
    assert!(is_named("(Key::WhenDone, 1)", Key::WhenDone) && is_named("Key::WhenDone", Key::WhenDone));
    assert!(!is_named("(Key::WhenDoneAlways, 1)", Key::WhenDone));
}

#[test]
fn every_preference_has_a_row_or_a_reason() {
    for key in Key::ALL {
        match place_of(key) {
            Place::Row(id) => {
                assert!(WINDOW.contains(&format!("id=\"{id}\"")), "{key:?} has no row “{id}”");
                let is_bound = match key {
                    Key::RateLimit | Key::RateLimitEnabled => BINDINGS.contains("bind_rate_limit("),
                    _ => is_named(BINDINGS, key),
                };
                assert!(is_bound, "{key:?} is not bound");
            }
            Place::Elsewhere(reason) => {
                assert!(!is_named(BINDINGS, key), "{key:?} has a row, in spite of: {reason}");
            }
        }
    }
}

#[test]
fn every_option_of_the_command_line_has_a_preference_or_a_reason() {
    let command = freshet::cli::options::Options::command();
    let mut seen = 0;
    for option in command.get_arguments() {
        let name = option.get_id().as_str();
        let key = key_of(name).unwrap_or_else(|| panic!("--{name} has neither a preference nor a reason"));
        if let Ok(key) = key {
            assert!(matches!(place_of(key), Place::Row(_)), "--{name}: {key:?} has no row");
            seen += 1;
        }
    }
    assert!(seen > 12, "{seen}");
}

#[test]
fn every_row_is_named_and_explained() {
    // An entry has no subtitle; its explanation stands below, as `ID_words`.
    let mut reader = Reader::from_str(WINDOW);
    let (mut rows, mut unexplained) = (0, Vec::new());
    let mut stack: Vec<(String, Option<String>, BTreeSet<String>)> = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                let value = |name: &str| {
                    let attribute = tag.try_get_attribute(name).unwrap()?;
                    Some(attribute.value.into_owned())
                };
                match tag.name().as_ref() {
                    "object" => stack.push((value("class").unwrap(), value("id"), BTreeSet::new())),
                    "property" => {
                        if let (Some((_, _, properties)), Some(name)) = (stack.last_mut(), value("name")) {
                            properties.insert(name);
                        }
                    }
                    _ => {}
                }
            }
            Event::End(tag) if tag.name().as_ref() == "object" => {
                let (class, id, properties) = stack.pop().unwrap();
                if !class.ends_with("Row") {
                    continue;
                }
                rows += 1;
                let id = id.unwrap_or_default();
                let is_explained = match class.as_str() {
                    "AdwEntryRow" => WINDOW.contains(&format!("id=\"{id}_words\"")),
                    // It shows the folder.
                    _ if id == "folder" => true,
                    _ => properties.contains("subtitle"),
                };
                if !is_explained || !properties.contains("title") {
                    unexplained.push(format!("{class} {id} {properties:?}"));
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(rows > 25, "{rows}");
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}
