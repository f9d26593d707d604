// SPDX-License-Identifier: GPL-3.0-or-later
//! What can be done on this machine when all downloads have ended.

use super::background::is_sandboxed;
use super::power::{self, Power};
use crate::model::afterwards::Afterwards;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offers {
    pub possible: Vec<Afterwards>,
    /// Why the rest is not, in sentences.
    pub refusals: Option<String>,
}

impl Offers {
    /// What can be chosen: what is possible, and what is chosen all the same. It may have been possible then, and is
    /// what will be tried.
    pub fn with_chosen(&self, name: &str) -> Vec<Afterwards> {
        let is_offered = |one: &Afterwards| self.possible.contains(one) || one.name() == name;
        Afterwards::ALL.into_iter().filter(is_offered).collect()
    }
}

/// A command would be run in the sandbox, where there is next to nothing to run.
pub fn has_commands() -> bool {
    !is_sandboxed()
}

/// Asks what is possible.
pub async fn offers() -> Offers {
    sort_out(power::can(Power::Suspend).await, power::can(Power::Off).await, has_commands())
}

fn sort_out(suspend: Result<(), String>, off: Result<(), String>, has_commands: bool) -> Offers {
    let is_possible = |one: &Afterwards| match one {
        Afterwards::Nothing | Afterwards::Notify => true,
        Afterwards::Suspend => suspend.is_ok(),
        Afterwards::PowerOff => off.is_ok(),
        Afterwards::Command => has_commands,
    };
    let possible = Afterwards::ALL.into_iter().filter(is_possible).collect();
    let mut refusals: Vec<_> = [suspend, off].into_iter().filter_map(Result::err).collect();
    // One reason for both is told once.
    refusals.dedup();
    Offers { possible, refusals: (!refusals.is_empty()).then(|| refusals.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_possible_is_offered_and_each_reason_told_once() {
        let no = |why: &str| Err(why.to_owned());
        let all = sort_out(Ok(()), Ok(()), true);
        assert_eq!((all.possible.as_slice(), all.refusals), (&Afterwards::ALL[..], None));
        let sandboxed = sort_out(no("Walls."), no("Walls."), false);
        assert_eq!(sandboxed.possible, [Afterwards::Nothing, Afterwards::Notify]);
        assert_eq!(sandboxed.refusals.as_deref(), Some("Walls."));
        assert_eq!(sandboxed.with_chosen("notify"), sandboxed.possible);
        let chosen = sandboxed.with_chosen("suspend");
        assert_eq!(chosen, [Afterwards::Nothing, Afterwards::Notify, Afterwards::Suspend], "it is what will be tried");
        let mixed = sort_out(no("No bed."), Ok(()), true);
        assert!(!mixed.possible.contains(&Afterwards::Suspend) && mixed.possible.contains(&Afterwards::PowerOff));
    }
}
