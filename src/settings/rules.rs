// SPDX-License-Identifier: GPL-3.0-or-later
//! The rules that say into which folder new downloads go, as they are kept: for each a dictionary of texts.

use std::collections::HashMap;
use std::path::PathBuf;

use gio::prelude::*;

use super::{Key, Settings};
use crate::engine::kind::Kind;
use crate::engine::sorting::{Rule, Rules};

type Kept = Vec<HashMap<String, String>>;

impl Settings {
    /// One that is written wrong is there, too, and fits nothing.
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

fn read(mut kept: HashMap<String, String>) -> Rule {
    let mut text = |name: &str| kept.remove(name).unwrap_or_default();
    let kind = text("type");
    let folder = PathBuf::from(text("folder"));
    let is_known = kind.is_empty() || Kind::of_nick(&kind).is_some();
    if !is_known {
        tracing::warn!("a rule for folders has the unknown type {kind:?}, and is left out");
    }
    Rule {
        name: text("name"),
        kind: Kind::of_nick(&kind),
        hosts: text("hosts"),
        patterns: text("names"),
        // A type of a later version must not become any type.
        folder: if is_known { folder } else { PathBuf::new() },
    }
}

fn written(rule: &Rule) -> HashMap<String, String> {
    let texts = [
        ("name", rule.name.as_str()),
        ("type", rule.kind.map(Kind::nick).unwrap_or_default()),
        ("hosts", &rule.hosts),
        ("names", &rule.patterns),
        ("folder", rule.folder.to_str().unwrap_or_default()),
    ];
    let said = texts.into_iter().filter(|(_, text)| !text.is_empty());
    said.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
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
    fn a_rule_of_an_unknown_type_fits_nothing() {
        let settings = Settings::in_memory().unwrap();
        let kept =
            HashMap::from([("type", "hologram"), ("folder", "/srv/h")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        settings.0.set_value(Key::FolderRules.name(), &vec![kept].to_variant()).unwrap();
        assert!(settings.rules().0[0].check().is_err());
    }
}
