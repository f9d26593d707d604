// SPDX-License-Identifier: GPL-3.0-or-later
//! The rules by which downloads get their folders, in words, and what they make of what is about to be added.

use std::path::PathBuf;

use super::Addresses;
use super::kind::Kind;
use super::preview::Preview;
use crate::engine::disk::naming;
use crate::engine::sorting::{Judge, RuleError, Subject};
pub use crate::engine::sorting::{Rule, Rules};
use crate::i18n::{gettext, gettext_f, in_one_line, pgettext};
use crate::settings::Settings;

/// Where some downloads go, and by which rule, if by any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub folder: PathBuf,
    pub rule: Option<String>,
}

/// Each once, as far as is known now. `name` is the wanted one of a single file.
pub fn destinations(
    addresses: &Addresses,
    name: Option<&str>,
    settings: &Settings,
    preview: Option<&Preview>,
) -> Vec<Destination> {
    let (rules, otherwise) = (settings.rules(), settings.download_folder());
    let judge = Judge::new(&rules);
    let mut all = Vec::new();
    // Without rules it is one folder for whatever there is.
    for entry in addresses.found.iter().filter(|_| !rules.0.is_empty()) {
        let Some(url) = entry.urls.first() else { continue };
        let told = preview.and_then(|preview| preview.told(url));
        let (told, media_type) = told.map_or((None, None), |(name, media_type)| (Some(name), media_type));
        let wanted = name.or(entry.name.as_deref());
        // What the server told is a safe name already; leading dots it has lost.
        let name = naming::choose(wanted, told.as_deref(), url, media_type.as_deref());
        let file = Subject { host: url.host_str(), name: &name, media_type: media_type.as_deref() };
        let rule = judge.place_of_fitting(&file).and_then(|place| rules.0.get(place));
        let folder = rule.map_or(&otherwise, |rule| &rule.folder).clone();
        let one = Destination { folder, rule: rule.map(title) };
        if !all.contains(&one) {
            all.push(one);
        }
    }
    if all.is_empty() {
        all.push(Destination { folder: otherwise, rule: None });
    }
    all
}

/// What a rule is called: where the user gave no name, what it asks for.
pub fn title(rule: &Rule) -> String {
    let name = rule.name.trim();
    if name.is_empty() { conditions(rule) } else { name.to_owned() }
}

/// `Video – example.org – *.mkv`
pub fn conditions(rule: &Rule) -> String {
    let texts = [rule.kind.map(kind_name), Some(rule.hosts.trim().to_owned()), Some(rule.patterns.trim().to_owned())];
    in_one_line(texts.into_iter().flatten().filter(|text| !text.is_empty()))
}

/// Why a rule cannot be used, if it cannot.
pub fn problem(rule: &Rule) -> Option<String> {
    Some(match rule.check().err()? {
        RuleError::FitsAll => gettext("Choose a type, or give a host or a pattern for file names."),
        RuleError::NoHost(text) => {
            // Translators: keep the example as it is.
            gettext_f("“{text}” is no host. Write it without https:// and folders, as example.org.", &[("text", &text)])
        }
        RuleError::NoPattern(text) => gettext_f(
            // Translators: keep the example as it is.
            "“{text}” cannot be a file name: it has a slash. Write a pattern as *.iso.",
            &[("text", &text)],
        ),
        RuleError::NoFolder => gettext("Choose the folder in which these downloads are saved."),
    })
}

pub fn kind_name(kind: Kind) -> String {
    match kind {
        Kind::Documents => gettext("Documents"),
        Kind::Video => gettext("Video"),
        Kind::Audio => gettext("Audio"),
        Kind::Pictures => gettext("Pictures"),
        Kind::Archives => gettext("Archives"),
        // Translators: a kind of file: what is installed or run.
        Kind::Programs => gettext("Programs"),
        // Translators: files of no kind that has a name.
        Kind::Other => pgettext("group", "Other"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn films() -> Rule {
        Rule { kind: Some(Kind::Video), patterns: " *.mkv ".into(), folder: "/srv/films".into(), ..Rule::default() }
    }

    #[test]
    fn a_rule_without_a_name_is_called_by_what_it_asks_for() {
        assert_eq!(title(&films()), "Video – *.mkv");
        assert_eq!(title(&Rule { name: " Films ".into(), ..films() }), "Films");
    }

    #[test]
    fn what_is_wrong_is_told_with_what_is_right() {
        assert_eq!(problem(&films()), None);
        let words = |rule: Rule| problem(&rule).unwrap();
        assert!(words(Rule { hosts: "https://a.example/".into(), ..films() }).contains("“https://a.example/”"));
        assert!(words(Rule { patterns: "a/b".into(), ..films() }).contains("*.iso"));
        assert!(words(Rule { folder: PathBuf::new(), ..films() }).contains("folder"));
        assert!(words(Rule::default()).starts_with("Choose a type"));
    }

    #[test]
    fn each_destination_is_told_once_with_its_rule() {
        let settings = Settings::in_memory().unwrap();
        settings.set_text(crate::settings::Key::DownloadFolder, "/srv/all");
        settings.set_rules(&Rules(vec![films()]));
        let of = |text: &str, name| destinations(&Addresses::in_lines(text), name, &settings, None);
        let by_rule = Destination { folder: "/srv/films".into(), rule: Some("Video – *.mkv".into()) };
        let usual = Destination { folder: "/srv/all".into(), rule: None };
        assert_eq!(of("https://h/a.mkv\nhttps://h/b.zip\nhttps://h/c.mkv", None), [by_rule.clone(), usual.clone()]);
        assert_eq!(of("https://h/watch", Some("a.mkv")), [by_rule]);
        assert_eq!(of("", None), [usual]);
    }
}
