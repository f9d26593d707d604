// SPDX-License-Identifier: GPL-3.0-or-later
//! The categories that the user's rules make: which download is in which, found out when a download or the rules
//! change and kept, so that neither progress nor a filter asks the rules again.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::categories::title;
use super::downloads::between_frames;
use super::session::Session;
use crate::engine::event::{Outline, Snapshot};
use crate::engine::sorting::{Judge, Rule, Rules, Subject, host_of};
use crate::engine::types::DownloadId;

/// Between two frames so many downloads are held to new rules, which takes a few milliseconds.
const PIECE: usize = 4000;

/// Where it stands among the categories. Only as good as the rules are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Category(usize);

/// Which download is in which category.
#[derive(Debug, Default)]
pub struct RuleGroups(RefCell<Kept>);

#[derive(Debug, Default)]
struct Kept {
    judge: Judge,
    /// Of each rule that is one.
    categories: Vec<Option<Category>>,
    /// Of each category, as the user calls it.
    names: Vec<String>,
    /// Of those downloads that are in one.
    of: HashMap<DownloadId, Category>,
    /// Rises with each change of the rules.
    edition: u32,
}

impl RuleGroups {
    /// From now on these are the rules; no download is in a category of theirs yet. Rules of one name make one
    /// category, and one that fits nothing makes none.
    fn set_rules(&self, rules: &Rules) {
        let mut names: Vec<String> = Vec::new();
        let mut category = |name: String| {
            let known = names.iter().position(|known| *known == name);
            Category(known.unwrap_or_else(|| {
                names.push(name);
                names.len().saturating_sub(1)
            }))
        };
        let of_rule = |rule: &Rule| rule.check().is_ok().then(|| category(title(rule)));
        let categories = rules.0.iter().map(of_rule).collect();
        let edition = self.0.borrow().edition.wrapping_add(1);
        self.0.replace(Kept { judge: Judge::new(rules), categories, names, of: HashMap::new(), edition });
    }

    fn edition(&self) -> u32 {
        self.0.borrow().edition
    }

    /// In the order of the rules.
    pub fn all(&self) -> Vec<(Category, String)> {
        self.0.borrow().names.iter().cloned().enumerate().map(|(place, name)| (Category(place), name)).collect()
    }

    /// That in which a download was found to be.
    pub(super) fn of(&self, id: DownloadId) -> Option<Category> {
        self.0.borrow().of.get(&id).copied()
    }

    /// Holds a download that is new, or has changed, to the rules.
    pub(super) fn judge(&self, id: DownloadId, download: &Outline<'_>) -> Option<Category> {
        let mut kept = self.0.borrow_mut();
        if kept.names.is_empty() {
            return None;
        }
        let file = Subject { host: host_of(download.url), name: download.name, media_type: download.media_type };
        let place = kept.judge.place_of_fitting(&file);
        let category = place.and_then(|place| kept.categories.get(place).copied().flatten());
        match category {
            Some(category) => kept.of.insert(id, category),
            None => kept.of.remove(&id),
        };
        category
    }

    pub(super) fn forget(&self, id: DownloadId) {
        self.0.borrow_mut().of.remove(&id);
    }
}

/// Whether other rules may fit than before.
pub(super) fn is_judged_anew(old: &Snapshot, new: &Snapshot) -> bool {
    (&old.name, &old.media_type, old.url.host_str()) != (&new.name, &new.media_type, new.url.host_str())
}

/// What becomes of the category that is looked at when there are others: that of the same name, or the one whose name was
/// changed where it stands. None where it went.
pub fn successor(chosen: Category, old: &[(Category, String)], new: &[(Category, String)]) -> Option<Category> {
    let (_, name) = old.iter().find(|(category, _)| *category == chosen)?;
    if let Some((same, _)) = new.iter().find(|(_, new)| new == name) {
        return Some(*same);
    }
    let others = |all: &[(Category, String)]| {
        all.iter().filter(|(category, _)| *category != chosen).map(|(_, name)| name.clone()).collect::<Vec<_>>()
    };
    (old.len() == new.len() && others(old) == others(new)).then_some(chosen)
}

impl Session {
    /// Has the rules of the preferences make the categories, and tells when there are others.
    pub(super) fn follow_rules(&self) {
        self.rule_groups().set_rules(&self.settings().rules());
        let session = self.weak();
        self.settings().connect_rules_changed(move |rules| {
            if let Some(session) = session() {
                session.judge_all(&rules);
            }
        });
    }

    /// Calls back when there are other categories.
    pub fn connect_categories_changed(&self, changed: impl Fn(&Self) + 'static) {
        self.on_categories().set(Rc::new(changed));
    }

    /// A long list is gone through in pieces, between frames. What changes meanwhile is held to the new rules
    /// when it does, and found to be right when its turn comes.
    fn judge_all(&self, rules: &Rules) {
        let groups = self.rule_groups();
        groups.set_rules(rules);
        self.totals().forget_categories();
        if let Some(listener) = self.on_categories().get() {
            listener(self);
        }
        let (edition, ids) = (groups.edition(), self.list().all_ids());
        let session = self.weak();
        glib::MainContext::ref_thread_default().spawn_local(async move {
            for piece in ids.chunks(PIECE) {
                let is_valid = |session: &Session| session.rule_groups().edition() == edition;
                let Some(session) = session().filter(is_valid) else { return };
                session.judge_some(piece);
                drop(session);
                between_frames().await;
            }
            if let Some(session) = session() {
                session.list().filter_again();
            }
        });
    }

    fn judge_some(&self, ids: &[DownloadId]) {
        let groups = self.rule_groups();
        for id in ids {
            // What went meanwhile counts no more.
            if !self.list().has(*id) {
                continue;
            }
            let old = groups.of(*id);
            let new = self.list().look(*id, |download| groups.judge(*id, download));
            self.totals().recategorize(old, new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::download_object::tests::snapshot;
    use super::*;

    fn rule(name: &str, patterns: &str) -> Rule {
        Rule { name: name.into(), patterns: patterns.into(), folder: "/srv/x".into(), ..Rule::default() }
    }

    fn groups(rules: Vec<Rule>) -> RuleGroups {
        let groups = RuleGroups::default();
        groups.set_rules(&Rules(rules));
        groups
    }

    fn name_of(groups: &RuleGroups, category: Option<Category>) -> Option<String> {
        groups.all().into_iter().find(|(one, _)| Some(*one) == category).map(|(_, name)| name)
    }

    #[test]
    fn rules_of_one_name_make_one_category_and_broken_ones_none() {
        let all = [rule("Discs", "*.img"), rule("Broken", ""), rule("Films", "*.mkv"), rule("Discs", "*.iso")];
        let groups = groups(all.to_vec());
        let names: Vec<_> = groups.all().into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["Discs", "Films"]);
        let of = |name: &str| {
            let download = Snapshot { name: name.into(), ..snapshot(1) };
            groups.judge(download.id, &download.outline());
            name_of(&groups, groups.of(download.id))
        };
        assert_eq!(of("a.mkv").as_deref(), Some("Films"));
        assert_eq!(of("a.iso").as_deref(), Some("Discs"));
        assert_eq!(of("a.txt"), None, "what fits no longer is in none");
    }

    #[test]
    fn what_is_looked_at_stays_unless_its_category_went() {
        let named = |names: &[&str]| {
            let kept = groups(names.iter().map(|name| rule(name, "*.x")).collect());
            kept.all()
        };
        let old = named(&["a", "b", "c"]);
        let then = |chosen: usize, new: &[&str]| {
            let new = named(new);
            let category = successor(Category(chosen), &old, &new)?;
            new.into_iter().find(|(one, _)| *one == category).map(|(_, name)| name)
        };
        assert_eq!(then(1, &["c", "b", "a"]).as_deref(), Some("b"), "moved");
        assert_eq!(then(1, &["a", "B", "c"]).as_deref(), Some("B"), "another name");
        assert_eq!(then(1, &["a", "c"]), None, "removed");
        assert_eq!(then(1, &["a", "c", "d"]), None, "removed, and another one added");
        assert_eq!(then(2, &["b", "c"]).as_deref(), Some("c"));
    }
}
