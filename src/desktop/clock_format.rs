// SPDX-License-Identifier: GPL-3.0-or-later
//! Whether the user chose 24 hours or AM and PM for the clock of the desktop. A default says nothing: it is the same for
//! every country. That is why a sandbox goes by the country alone: it has no such settings of its own, and the portal for
//! those of the desktop does not tell what was chosen from what is the default.

use gio::prelude::*;

use crate::model::clock::{self, Hours};

const SCHEMA: &str = "org.gnome.desktop.interface";
const KEY: &str = "clock-format";

/// Has times written as was chosen, also when that changes, as long as what is returned is kept; `None` where there is
/// no such choice.
pub fn follow() -> Option<gio::Settings> {
    // A schema that is not there would end the program.
    let schema = gio::SettingsSchemaSource::default()?.lookup(SCHEMA, true).filter(|schema| schema.has_key(KEY))?;
    let settings = gio::Settings::new_full(&schema, gio::SettingsBackend::NONE, None);
    let take = |settings: &gio::Settings| clock::choose(settings.user_value(KEY).and_then(|value| hours(value.str()?)));
    settings.connect_changed(Some(KEY), move |settings, _| take(settings));
    // Changes are told only of what was read since somebody listens.
    take(&settings);
    Some(settings)
}

fn hours(format: &str) -> Option<Hours> {
    match format {
        "12h" => Some(Hours::OfHalfDay),
        "24h" => Some(Hours::OfDay),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_are_known() {
        assert_eq!(["12h", "24h", "0"].map(hours), [Some(Hours::OfHalfDay), Some(Hours::OfDay), None]);
    }
}
