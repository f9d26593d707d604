// SPDX-License-Identifier: GPL-3.0-or-later
//! Everything that can be asked for, with names, keys and words: what concerns the window, and what
//! concerns downloads (a row's buttons, the context menu, keys on the list). `Window` carries it out.

use crate::i18n::{gettext, ngettext};
use crate::model::DownloadObject;

/// Ends the program.
pub const QUIT_KEYS: &[&str] = &["<Control>q"];

/// What concerns all of the program. The names are those of the `win.` and `app.` actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowAction {
    Add,
    Paste,
    PauseAll,
    ResumeAll,
    /// Brings back what was removed, as long as that is offered.
    Undo,
    /// Shows or hides the groups, or the search. Like those that follow they have a state.
    Sidebar,
    Search,
    /// Comes to the words that are looked for; from there ends the search.
    Find,
    /// Lets several downloads be selected by simple clicks.
    Select,
    /// Ends the search and shows every group.
    ShowAll,
    /// Shows or hides the details. The state is a preference, like that of the three that follow.
    Details,
    Sort,
    SortDescending,
    WhenDone,
    /// What was completed and is no longer in the list.
    History,
    /// How much came.
    Statistics,
    Preferences,
    /// All keys.
    Shortcuts,
    Help,
    About,
    Close,
}

impl WindowAction {
    pub const ALL: [Self; 21] = [
        Self::Add,
        Self::Paste,
        Self::PauseAll,
        Self::ResumeAll,
        Self::Undo,
        Self::Sidebar,
        Self::Search,
        Self::Find,
        Self::Select,
        Self::ShowAll,
        Self::Details,
        Self::Sort,
        Self::SortDescending,
        Self::WhenDone,
        Self::History,
        Self::Statistics,
        Self::Preferences,
        Self::Shortcuts,
        Self::Help,
        Self::About,
        Self::Close,
    ];

    /// Without its group, which is `win`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Paste => "paste",
            Self::PauseAll => "pause-all",
            Self::ResumeAll => "resume-all",
            Self::Undo => "undo",
            Self::Sidebar => "sidebar-visible",
            Self::Search => "search",
            Self::Find => "find",
            Self::Select => "select",
            Self::ShowAll => "show-all",
            Self::Details => "details-visible",
            Self::Sort => "sort-order",
            Self::SortDescending => "sort-descending",
            Self::WhenDone => "when-done",
            Self::History => "history",
            Self::Statistics => "statistics",
            Self::Preferences => "preferences",
            Self::Shortcuts => "shortcuts",
            Self::Help => "help",
            Self::About => "about",
            Self::Close => "close-window",
        }
    }

    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Add => &["<Control>n"],
            Self::Paste => &["<Control>v"],
            Self::PauseAll => &["<Control><Shift>p"],
            Self::ResumeAll => &["<Control><Shift>r"],
            Self::Undo => &["<Control>z"],
            Self::Sidebar => &["F8"],
            Self::Find => &["<Control>f"],
            Self::Select => &["<Control>s"],
            Self::Details => &["F9", "<Alt>Return"],
            Self::History => &["<Control>h"],
            Self::Preferences => &["<Control>comma"],
            Self::Shortcuts => &["<Control>question"],
            Self::Help => &["F1"],
            Self::Search
            | Self::ShowAll
            | Self::Sort
            | Self::SortDescending
            | Self::WhenDone
            | Self::Statistics
            | Self::About => &[],
            Self::Close => &["<Control>w"],
        }
    }
}

/// Downloads that something may be done with, of which there may be very many: those that are objects, and how many
/// there are besides. To make these objects would take long; they were complete at the start.
#[derive(Clone, Debug, Default)]
pub struct Several {
    pub looked_at: Vec<DownloadObject>,
    pub complete: usize,
}

impl Several {
    pub fn count(&self) -> usize {
        self.looked_at.len() + self.complete
    }

    /// Whether one of them has come to its end. To take others off the list is to cancel them, and is called so.
    pub fn has_finished(&self) -> bool {
        self.complete > 0 || self.looked_at.iter().any(DownloadObject::is_finished)
    }
}

/// A part of the context menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Main,
    Queue,
    Removal,
}

/// What can be done with downloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownloadAction {
    Open,
    ShowInFolder,
    /// Pauses what can be paused; if there is nothing, lets all go on.
    Toggle,
    Pause,
    Resume,
    /// Starts even if as many downloads run as may.
    StartNow,
    Retry,
    /// Asks for the user name and the password that the server wants.
    LogIn,
    /// Asks for another address.
    Renew,
    /// Asks for another folder.
    Relocate,
    /// Takes the file as it is, whatever its checksum.
    Keep,
    /// Asks for a speed limit.
    Limit,
    CopyAddress,
    /// Copies a curl command that fetches the same.
    CopyCommand,
    /// Those that follow give another place in the queue.
    MoveToTop,
    MoveUp,
    MoveDown,
    MoveToBottom,
    /// Moves the file to the trash and takes it off the list.
    Trash,
    /// Cancels what is unfinished and takes it off the list.
    Remove,
}

impl DownloadAction {
    /// In the order of the context menu.
    pub const ALL: [Self; 20] = [
        Self::Open,
        Self::ShowInFolder,
        Self::Toggle,
        Self::Pause,
        Self::Resume,
        Self::StartNow,
        Self::Retry,
        Self::LogIn,
        Self::Renew,
        Self::Relocate,
        Self::Keep,
        Self::Limit,
        Self::CopyAddress,
        Self::CopyCommand,
        Self::MoveToTop,
        Self::MoveUp,
        Self::MoveDown,
        Self::MoveToBottom,
        Self::Trash,
        Self::Remove,
    ];

    /// Without its group, which is `row` or `selection`.
    pub fn name(self) -> &'static str {
        self.row_name().trim_start_matches("row.")
    }

    /// As an action of a row.
    pub fn row_name(self) -> &'static str {
        match self {
            Self::Open => "row.open",
            Self::ShowInFolder => "row.show-in-folder",
            Self::Toggle => "row.toggle",
            Self::Pause => "row.pause",
            Self::Resume => "row.resume",
            Self::StartNow => "row.start-now",
            Self::Retry => "row.retry",
            Self::LogIn => "row.log-in",
            Self::Renew => "row.renew",
            Self::Relocate => "row.relocate",
            Self::Keep => "row.keep",
            Self::Limit => "row.limit",
            Self::CopyAddress => "row.copy-address",
            Self::CopyCommand => "row.copy-command",
            Self::MoveToTop => "row.move-to-top",
            Self::MoveUp => "row.move-up",
            Self::MoveDown => "row.move-down",
            Self::MoveToBottom => "row.move-to-bottom",
            Self::Trash => "row.trash",
            Self::Remove => "row.remove",
        }
    }

    /// As an action on the selected rows.
    pub fn selection_name(self) -> &'static str {
        match self {
            Self::Open => "selection.open",
            Self::ShowInFolder => "selection.show-in-folder",
            Self::Toggle => "selection.toggle",
            Self::Pause => "selection.pause",
            Self::Resume => "selection.resume",
            Self::StartNow => "selection.start-now",
            Self::Retry => "selection.retry",
            Self::LogIn => "selection.log-in",
            Self::Renew => "selection.renew",
            Self::Relocate => "selection.relocate",
            Self::Keep => "selection.keep",
            Self::Limit => "selection.limit",
            Self::CopyAddress => "selection.copy-address",
            Self::CopyCommand => "selection.copy-command",
            Self::MoveToTop => "selection.move-to-top",
            Self::MoveUp => "selection.move-up",
            Self::MoveDown => "selection.move-down",
            Self::MoveToBottom => "selection.move-to-bottom",
            Self::Trash => "selection.trash",
            Self::Remove => "selection.remove",
        }
    }

    /// Keys while the list has the focus.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Open => &["<Control>o"],
            Self::ShowInFolder => &["<Control><Shift>o"],
            Self::Toggle => &["space"],
            Self::StartNow => &["<Control>Return"],
            Self::Retry => &["<Control>r"],
            Self::LogIn => &["<Control>u"],
            Self::Renew => &["<Control>l"],
            Self::Relocate => &["<Control>m"],
            Self::Keep => &["<Control>k"],
            Self::Limit => &["<Control><Shift>l"],
            Self::CopyAddress => &["<Control>c"],
            Self::CopyCommand => &["<Control><Shift>c"],
            Self::MoveToTop => &["<Alt>Home"],
            Self::MoveUp => &["<Alt>Up"],
            Self::MoveDown => &["<Alt>Down"],
            Self::MoveToBottom => &["<Alt>End"],
            Self::Trash => &["<Shift>Delete"],
            Self::Remove => &["Delete", "KP_Delete"],
            Self::Pause | Self::Resume => &[],
        }
    }

    /// In which part of the context menu it is.
    pub fn part(self) -> Part {
        match self {
            Self::MoveToTop | Self::MoveUp | Self::MoveDown | Self::MoveToBottom => Part::Queue,
            Self::Trash | Self::Remove => Part::Removal,
            _ => Part::Main,
        }
    }

    /// What double click and Return do.
    pub fn usual(download: &DownloadObject) -> Self {
        if download.can_open() { Self::Open } else { Self::Toggle }
    }

    /// Whether this download is in a state for it.
    pub fn fits(self, download: &DownloadObject) -> bool {
        match self {
            Self::Open | Self::Trash => download.can_open(),
            Self::ShowInFolder | Self::CopyAddress | Self::CopyCommand | Self::Remove => true,
            Self::Toggle => download.can_pause() || download.can_resume() || download.can_retry(),
            Self::Pause => download.can_pause(),
            Self::Resume => download.can_resume(),
            Self::StartNow => download.can_start_now(),
            Self::MoveToTop | Self::MoveUp | Self::MoveDown | Self::MoveToBottom => download.can_move(),
            Self::Retry => download.can_retry(),
            Self::LogIn => download.can_log_in(),
            Self::Renew => download.can_renew(),
            Self::Relocate => download.can_relocate(),
            Self::Keep => download.can_keep(),
            Self::Limit => !download.is_finished(),
        }
    }

    /// Whether it is for what is complete, as each download is that nobody has looked at since the start.
    pub fn is_for_complete(self) -> bool {
        match self {
            Self::Open | Self::ShowInFolder | Self::CopyAddress | Self::CopyCommand | Self::Trash | Self::Remove => {
                true
            }
            Self::Toggle
            | Self::Pause
            | Self::Resume
            | Self::StartNow
            | Self::Retry
            | Self::LogIn
            | Self::Renew
            | Self::Relocate
            | Self::Keep
            | Self::Limit
            | Self::MoveToTop
            | Self::MoveUp
            | Self::MoveDown
            | Self::MoveToBottom => false,
        }
    }

    /// Whether it would do anything with these.
    pub fn fits_any(self, several: &Several) -> bool {
        (self.is_for_complete() && several.complete > 0) || several.looked_at.iter().any(|download| self.fits(download))
    }

    /// Its words in the context menu of these downloads; `None` where it is not offered.
    pub fn label(self, several: &Several) -> Option<String> {
        let looked_at = several.looked_at.iter().filter(|download| self.fits(download)).count();
        let fitting = looked_at + if self.is_for_complete() { several.complete } else { 0 };
        let label = match self {
            _ if fitting == 0 => return None,
            // Said better by Pause, Resume and Try Again.
            Self::Toggle => return None,
            Self::Open => gettext("_Open"),
            Self::ShowInFolder => gettext("_Show in Folder"),
            Self::Pause => gettext("_Pause"),
            Self::Resume => gettext("_Resume"),
            // Translators: a menu item for downloads that wait for their turn: they start at once, out of turn.
            Self::StartNow => gettext("S_tart Now"),
            Self::Retry => gettext("Tr_y Again Now"),
            // That it is for several is offered by the dialog.
            Self::LogIn if several.count() > 1 => return None,
            Self::LogIn => gettext("Log _In…"),
            // One file has one address.
            Self::Renew if several.count() > 1 => return None,
            Self::Renew => gettext("_New Address…"),
            // Translators: a menu item for downloads that are not complete: where they are saved.
            Self::Relocate => gettext("Chan_ge Folder…"),
            Self::Keep => ngettext("_Keep File", "_Keep Files", fitting),
            Self::Limit => gettext("_Limit Speed…"),
            Self::CopyAddress => ngettext("_Copy Address", "_Copy Addresses", fitting),
            Self::CopyCommand => gettext("Copy as c_url Command"),
            // Translators: in the menu “Queue”.
            Self::MoveToTop => gettext("Move to _Top"),
            // Translators: in the menu “Queue”.
            Self::MoveUp => gettext("Move _Up"),
            // Translators: in the menu “Queue”.
            Self::MoveDown => gettext("Move _Down"),
            // Translators: in the menu “Queue”.
            Self::MoveToBottom => gettext("Move to _Bottom"),
            // Translators: a menu item for files that are complete: they go, and their rows with them.
            Self::Trash => ngettext("Move File to Tras_h", "Move Files to Tras_h", fitting),
            Self::Remove if several.has_finished() => gettext("Remove _From List"),
            Self::Remove => gettext("C_ancel"),
        };
        Some(label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_shown_and_belongs_to_one_action() {
        let help = include_str!("../../data/resources/shortcuts.ui");
        let window = WindowAction::ALL.iter().flat_map(|action| action.keys());
        let downloads = DownloadAction::ALL.iter().flat_map(|action| action.keys());
        let mut keys: Vec<_> = window.chain(downloads).chain(QUIT_KEYS).collect();
        let told = |key: &str| help.contains(&key.replace('<', "&lt;").replace('>', "&gt;"));
        for key in keys.iter().filter(|key| !key.starts_with("KP_")) {
            assert!(told(key), "{key} is not in the window of the keys");
        }
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn row_and_selection_speak_of_the_same_actions() {
        for action in DownloadAction::ALL {
            let row = action.row_name().strip_prefix("row.");
            assert!(row.is_some());
            assert_eq!(row, action.selection_name().strip_prefix("selection."));
        }
    }
}
