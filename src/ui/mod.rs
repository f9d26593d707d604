// SPDX-License-Identifier: GPL-3.0-or-later
//! The widgets. Each type is a file with its template (`.ui`) beside it.
//!
//! ```text
//!  Application
//!  └── Window             header bar, pages, toasts; carries out what is asked for (actions.rs)
//!      ├── DownloadsView  the list: selection, keys, context menu
//!      │   ├── drag_out.rs    finished files dragged to other programs
//!      │   └── DownloadRow    one download, with a StatusLine and RowButtons
//!      ├── Sidebar        groups of downloads, of which one is shown
//!      ├── DetailsPane    the selected download, looked at closely
//!      │   ├── SegmentMap     where its bytes are, drawn
//!      │   ├── SpeedPlot      how fast it was, drawn
//!      │   ├── ConnectionList which connection does what
//!      │   └── EventLog       what happened to it
//!      ├── ClipboardOffer a link that was copied
//!      ├── drop.rs        links dropped anywhere on the window; DropHint says what comes of it
//!      │   └── page.rs        pieces of pages, which may have many
//!      ├── AddDialog      addresses typed by hand
//!      │   ├── AddPreview     what they lead to
//!      │   └── AddOptions     how they are fetched, and when they start
//!      ├── RenewDialog    another address of a download that is stuck
//!      ├── LoginDialog    the user name and the password that a server or a proxy wants
//!      ├── LimitDialog    how fast some downloads may be
//!      ├── HistoryWindow  what was completed and is no longer in the list
//!      │   └── HistoryRow
//!      ├── StatisticsWindow  how much came
//!      │   ├── DayPlot        on which day, drawn
//!      │   └── AmountRow      of one day or server
//!      └── Preferences
//!          ├── RulesGroup     which downloads go into which folder: RuleRows, RuleDialog
//!          ├── ScheduleGroup  hours of the week, with or without limits: SpanRows
//!          └── SavedLogins    what is remembered in the keyring: SavedLoginRows
//!  page_scroll.rs         the wheel over a spin button scrolls the page
//!  time_entry.rs          a spin button for a time of day
//!  children.rs            the widgets that are in another one
//!  chooser.rs             lets files and folders be chosen
//!  unnamed.rs             names for parts that the toolkit leaves without one
//!  afterwards.rs          what is done when all downloads have ended, and the time to cancel it
//! ```

mod about;
pub mod actions;
pub mod add_dialog;
mod add_options;
mod add_preview;
mod afterwards;
mod amount_row;
pub mod application;
mod background;
mod children;
mod chooser;
pub mod clipboard_offer;
mod connection_list;
mod copied_text;
mod day_plot;
pub mod details_pane;
pub mod download_row;
pub mod downloads_view;
mod drag_out;
mod drag_rows;
mod drop;
mod drop_hint;
pub mod even_lines;
mod event_log;
mod history_row;
pub mod history_window;
pub mod limit_dialog;
pub mod login_dialog;
pub mod messages;
mod page;
mod page_scroll;
mod plot_field;
pub mod preferences;
mod renew_dialog;
pub mod row_button;
mod row_sentence;
pub mod rule_dialog;
mod rule_row;
mod rules_group;
mod saved_login_row;
mod saved_logins;
mod schedule_group;
mod segment_map;
mod shortcuts;
mod side_by_side;
pub mod sidebar;
mod span_row;
pub mod speed_plot;
mod spoken;
pub mod statistics_window;
pub mod status_line;
mod suspend;
mod time_entry;
mod unhyphenated;
mod unnamed;
mod week_start;
pub mod whole_value;
pub mod window;

pub use application::run;

/// Where the resources lie. Not the application id: a development build has another one.
const RESOURCES: &str = "/io/github/freshet/Freshet";

/// Makes style sheets and the window of the keys known; once, before any widget is made.
pub fn load_resources() -> Result<(), gtk::glib::Error> {
    gtk::gio::resources_register_include!("freshet.gresource")
}

/// Brings the colours for a dark ground while it is one. libadwaita does so by itself, but since 1.10 not
/// without a complaint, and what it asks for instead GTK 4.8 does not know.
fn follow_dark(display: &gtk::gdk::Display) {
    let colours = gtk::CssProvider::new();
    colours.load_from_resource("/io/github/freshet/Freshet/dark.css");
    let display = display.clone();
    let follow = move |manager: &adw::StyleManager| {
        if manager.is_dark() {
            // Over those of style.css.
            let priority = gtk::STYLE_PROVIDER_PRIORITY_APPLICATION + 1;
            gtk::style_context_add_provider_for_display(&display, &colours, priority);
        } else {
            gtk::style_context_remove_provider_for_display(&display, &colours);
        }
    };
    let manager = adw::StyleManager::default();
    follow(&manager);
    manager.connect_dark_notify(follow);
}
