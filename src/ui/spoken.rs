// SPDX-License-Identifier: GPL-3.0-or-later
//! The words of a row for screen readers. The focus is on the list's own widget around a row, which has none. It is
//! to be announced in the row's sentence of that moment. A label, as changes of it are not told: nobody wants to
//! hear a progress four times a second.

use gtk::prelude::*;

/// Added to the list's own widget around a row. `TYPE` is that widget's, which differs between
/// releases of GTK; `sentence` is a label of the row.
const WORDS: &str = "<interface><template class='TYPE'><accessibility><relation name='labelled-by'>sentence</relation></accessibility></template></interface>";

const ACCESSIBLE_LABEL: &str = "accessible-label";

/// Whether the GTK at work has the property.
fn has_accessible_label() -> bool {
    (gtk::major_version(), gtk::minor_version()) >= (4, 12)
}

/// Gives the sentence to the list's own widget around a row, once it is there.
///
/// GTK 4.8 has no call for this outside of C, but a template can say it. Since 4.12 list items have
/// a property for it: see [`name_item`].
pub fn lend_words(sentence: &gtk::Label, item: &gtk::Widget) {
    if has_accessible_label() {
        return;
    }
    let builder = gtk::Builder::new();
    builder.expose_object("sentence", sentence);
    let template = WORDS.replace("TYPE", item.type_().name());
    if let Err(error) = builder.extend_with_template(item, item.type_(), &template) {
        tracing::warn!(%error, "A row has no words for screen readers");
    }
}

/// Lets the list item that holds a row be announced in its sentence.
pub fn name_item(sentence: &gtk::Label, item: &gtk::ListItem) {
    if has_accessible_label() {
        sentence.bind_property("label", item, ACCESSIBLE_LABEL).sync_create().build();
    }
}
