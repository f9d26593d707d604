// SPDX-License-Identifier: GPL-3.0-or-later
//! The rules that say into which folder new downloads go, as they are kept: for each a dictionary of texts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gio::prelude::*;

use super::{Key, Settings};
use crate::engine::kind::Kind;
use crate::engine::sorting::{Rule, Rules};

type Kept = Vec<BTreeMap<String, String>>;

impl Settings {
    /// One that is written wrong is there, too, and fits nothing. It stays as it is written until it is changed itself.
    pub fn rules(&self) -> Rules {
        let kept: Kept = self.0.value(Key::FolderRules.name()).get().unwrap_or_default();
        Rules(kept.into_iter().map(read).collect())
    }

    pub fn set_rules(&self, rules: &Rules) {
        let kept: Kept = rules.0.iter().map(written).collect();
        if let Err(error) = self.0.set_value(Key::FolderRules.name(), &kept.to_variant()) {
            tracing::warn!(%error, "The rules for folders cannot be saved");
        }
    }

    /// Calls back with the new rules whenever they are changed.
    pub fn connect_rules_changed(&self, changed: impl Fn(Rules) + 'static) {
        self.0.connect_changed(Some(Key::FolderRules.name()), move |settings, _| {
            changed(Self(settings.clone()).rules());
        });
    }
}

fn read(mut kept: BTreeMap<String, String>) -> Rule {
    let kind = kept.get("type").map_or("", String::as_str);
    let is_known = kind.is_empty() || Kind::of_nick(kind).is_some();
    if !is_known {
        tracing::warn!("a rule for folders has the unknown type {kind:?}, and is left out");
    }
    // A type of a later version must not become any type: without its folder the rule fits nothing.
    let mut text = |name: &str, is_ours: bool| is_ours.then(|| kept.remove(name)).flatten().unwrap_or_default();
    Rule {
        name: text("name", true),
        kind: Kind::of_nick(&text("type", is_known)),
        hosts: text("hosts", true),
        patterns: text("names", true),
        folder: PathBuf::from(text("folder", is_known)),
        more: kept,
    }
}

fn written(rule: &Rule) -> BTreeMap<String, String> {
    let texts = [
        ("name", rule.name.as_str()),
        ("type", rule.kind.map(Kind::nick).unwrap_or_default()),
        ("hosts", &rule.hosts),
        ("names", &rule.patterns),
        ("folder", rule.folder.to_str().unwrap_or_default()),
    ];
    let said = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let said = said.map(|(name, text)| (name.to_owned(), text.to_owned()));
    rule.more.clone().into_iter().chain(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_found_again_in_their_order() {
        let settings = Settings::in_memory().unwrap();
        assert_eq!(settings.rules(), Rules::default());
        let films = Rule { name: "Films".into(), kind: Some(Kind::Video), folder: "/srv/f".into(), ..Rule::default() };
        let discs = Rule { hosts: "h".into(), patterns: "*.iso".into(), folder: "/srv/d".into(), ..Rule::default() };
        let rules = Rules(vec![films, discs]);
        settings.set_rules(&rules);
        assert_eq!(settings.rules(), rules);
    }

    #[test]
    fn a_rule_of_an_unknown_type_fits_nothing_and_stays_when_another_is_changed() {
        let settings = Settings::in_memory().unwrap();
        let rule = |said: &[(&str, &str)]| {
            said.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let unknown = rule(&[("type", "hologram"), ("folder", "/srv/h"), ("names", "*.h")]);
        let known = rule(&[("type", "video"), ("folder", "/srv/v"), ("after", "2030")]);
        settings.0.set_value(Key::FolderRules.name(), &vec![unknown.clone(), known].to_variant()).unwrap();
        let Rules(mut rules) = settings.rules();
        assert!(rules[0].check().is_err() && rules[1].check().is_ok());
        rules[1].folder = "/srv/w".into();
        settings.set_rules(&Rules(rules));
        let kept: Kept = settings.0.value(Key::FolderRules.name()).get().unwrap();
        assert_eq!(kept, [unknown, rule(&[("type", "video"), ("folder", "/srv/w"), ("after", "2030")])]);
    }
}
