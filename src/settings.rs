// SPDX-License-Identifier: GPL-3.0-or-later
//! The preferences: one handle with a typed getter for each key. The schema installed on the system
//! is used; a run out of the build tree finds the one that `build.rs` compiled.

mod keys;
mod rules;

use std::path::{Path, PathBuf};
use std::time::Duration;

use gio::prelude::*;

use crate::config;
use crate::engine::disk::sandbox;
use crate::engine::download::spec::{DownloadSpec, OnExists};
use crate::engine::rate::Schedule;
use crate::engine::{Limits, Speed};

pub use keys::Key;

/// The schema's name. It is the same whatever the application id is, so that a development build
/// finds it too.
const SCHEMA_ID: &str = "io.github.freshet.Freshet";

/// The unit in which limits of speed are edited, in bytes.
pub const KILOBYTE: f64 = 1000.0;

/// How the window was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowShape {
    pub width: i32,
    pub height: i32,
    pub maximized: bool,
}

/// The schema is neither installed nor in the build tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the settings schema {SCHEMA_ID} is not installed")]
pub struct MissingSchema;

/// A path that no text can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this path is no text")]
pub struct NoText;

fn schema() -> Result<gio::SettingsSchema, MissingSchema> {
    let installed = gio::SettingsSchemaSource::default();
    let schema = installed.and_then(|source| source.lookup(SCHEMA_ID, true)).or_else(|| {
        let folder = Path::new(config::SCHEMA_DIR?);
        gio::SettingsSchemaSource::from_directory(folder, None, true).ok()?.lookup(SCHEMA_ID, false)
    });
    schema.ok_or(MissingSchema)
}

/// Where downloads go on a desktop that has no folder for them: in the user's home. What a sandbox shows in its place is
/// of nobody, so a folder is named there that is not let in, either, and can be told to be out of reach.
fn folder_of(home: PathBuf, is_sandboxed: bool) -> PathBuf {
    if is_sandboxed { home.join("Downloads") } else { home }
}

#[derive(Clone, Debug)]
pub struct Settings(gio::Settings);

impl Settings {
    /// Finds the schema; its values are kept by the backend of the desktop.
    pub fn load() -> Result<Self, MissingSchema> {
        Ok(Self(gio::Settings::new_full(&schema()?, gio::SettingsBackend::NONE, None)))
    }

    /// The defaults; what is set is forgotten with the handle. For tests, which must not touch the
    /// preferences of whoever runs them.
    pub fn in_memory() -> Result<Self, MissingSchema> {
        Ok(Self(gio::Settings::new_full(&schema()?, Some(&gio::memory_settings_backend_new()), None)))
    }

    pub fn window_shape(&self) -> WindowShape {
        WindowShape {
            width: self.0.int(Key::WindowWidth.name()),
            height: self.0.int(Key::WindowHeight.name()),
            maximized: self.0.boolean(Key::WindowMaximized.name()),
        }
    }

    pub fn set_window_shape(&self, shape: WindowShape) {
        let saved = self
            .0
            .set_int(Key::WindowWidth.name(), shape.width)
            .and_then(|()| self.0.set_int(Key::WindowHeight.name(), shape.height))
            .and_then(|()| self.0.set_boolean(Key::WindowMaximized.name(), shape.maximized));
        if let Err(error) = saved {
            tracing::warn!(%error, "The size of the window cannot be saved");
        }
    }

    /// An action that is called like its key, and whose state is that preference.
    pub fn action(&self, key: Key) -> gio::Action {
        self.0.create_action(key.name())
    }

    /// By what the list is sorted, and whether the other way round.
    pub fn sort_order(&self) -> (String, bool) {
        (self.0.string(Key::SortOrder.name()).into(), self.0.boolean(Key::SortDescending.name()))
    }

    /// Calls back whenever [`Settings::sort_order`] may be another one.
    pub fn connect_sort_order_changed(&self, changed: impl Fn() + Clone + 'static) {
        for key in [Key::SortOrder, Key::SortDescending] {
            let changed = changed.clone();
            self.0.connect_changed(Some(key.name()), move |_, _| changed());
        }
    }

    /// Whether the groups are shown beside the list where there is room for both.
    pub fn sidebar_visible(&self) -> bool {
        self.0.boolean(Key::SidebarVisible.name())
    }

    pub fn set_sidebar_visible(&self, is_visible: bool) {
        if let Err(error) = self.0.set_boolean(Key::SidebarVisible.name(), is_visible) {
            tracing::warn!(%error, "Whether the groups are shown cannot be saved");
        }
    }

    /// Lets a boolean property follow that action.
    pub fn bind_details_visible(&self, object: &impl IsA<glib::Object>, property: &str) {
        self.0.bind(Key::DetailsVisible.name(), object, property).get_only().build();
    }

    /// Lets two properties and the total speed limit follow each other: whether there is one, and how
    /// many kilobytes (1000 bytes) a second it is, as a floating point number.
    pub fn bind_rate_limit(
        &self,
        (is_limited, active): (&impl IsA<glib::Object>, &str),
        (rate, value): (&impl IsA<glib::Object>, &str),
    ) {
        self.0.bind(Key::RateLimitEnabled.name(), is_limited, active).build();
        self.bind_kilobytes(Key::RateLimit, rate, value);
    }

    /// The same for a number of bytes a second.
    pub fn bind_kilobytes(&self, key: Key, object: &impl IsA<glib::Object>, property: &str) {
        self.0
            .bind(key.name(), object, property)
            .mapping(|bytes, _| Some((bytes.get::<u64>()? as f64 / KILOBYTE).to_value()))
            .set_mapping(|kilobytes, _| Some(((kilobytes.get::<f64>().ok()? * KILOBYTE) as u64).to_variant()))
            .build();
    }

    /// Lets a property (a whole number or a floating point number for a count) and a preference follow
    /// each other.
    pub fn bind(&self, key: Key, object: &impl IsA<glib::Object>, property: &str) {
        self.0.bind(key.name(), object, property).build();
    }

    /// Lets the place of one of these names, an unsigned number, and a preference that is one of them follow
    /// each other. A name that is not offered shows as the first.
    pub fn bind_choice(&self, key: Key, names: Vec<&'static str>, object: &impl IsA<glib::Object>, property: &str) {
        let by_name = names.clone();
        self.0
            .bind(key.name(), object, property)
            .mapping(move |name, _| {
                let place = by_name.iter().position(|known| Some(*known) == name.str()).unwrap_or_default();
                u32::try_from(place).ok().map(|place| place.to_value())
            })
            .set_mapping(move |place, _| {
                let place = usize::try_from(place.get::<u32>().ok()?).ok()?;
                names.get(place).map(|name| name.to_variant())
            })
            .build();
    }

    /// Where downloads go when nothing else is said: the chosen folder, else the desktop's.
    pub fn download_folder(&self) -> PathBuf {
        let of_desktop = || glib::user_special_dir(glib::UserDirectory::Downloads);
        self.chosen_folder().or_else(of_desktop).unwrap_or_else(|| folder_of(glib::home_dir(), sandbox::is_inside()))
    }

    /// Where the user wants downloads to go.
    pub fn chosen_folder(&self) -> Option<PathBuf> {
        let chosen = self.0.string(Key::DownloadFolder.name());
        (!chosen.is_empty()).then(|| PathBuf::from(chosen))
    }

    /// `None`: the desktop's. A preference is a text, which a path need not be: then all stays as it is.
    pub fn set_chosen_folder(&self, folder: Option<&Path>) -> Result<(), NoText> {
        let text = folder.map_or(Some(""), Path::to_str).ok_or(NoText)?;
        self.set_text(Key::DownloadFolder, text);
        Ok(())
    }

    /// Makes the desktop's folder for downloads where a new account has none yet. One that the user
    /// chose is never made: its drive may just not be there. Nor is one that only a sandbox would have.
    pub fn make_default_folder(&self) {
        let folder = self.download_folder();
        if self.chosen_folder().is_none()
            && !sandbox::would_lose(&folder)
            && let Err(error) = std::fs::create_dir_all(folder)
        {
            tracing::warn!("the folder for downloads cannot be made: {error}");
        }
    }

    /// A preference that is a text, as it was written.
    pub fn text(&self, key: Key) -> String {
        self.0.string(key.name()).trim().to_owned()
    }

    pub fn set_text(&self, key: Key, text: &str) {
        if let Err(error) = self.0.set_string(key.name(), text) {
            tracing::warn!(%error, "The preference {} cannot be saved", key.name());
        }
    }

    /// Most connections for one download.
    pub fn connections(&self) -> u8 {
        u8::try_from(self.0.int(Key::ConnectionsPerDownload.name())).unwrap_or(u8::MAX)
    }

    /// How fast each download may be, if there is a limit.
    pub fn rate_limit_each(&self) -> Option<Speed> {
        Some(self.0.uint64(Key::RateLimitEach.name())).filter(|rate| *rate > 0).map(Speed)
    }

    /// How new downloads are fetched where nothing else is said of them.
    pub fn apply(&self, spec: &mut DownloadSpec) {
        let number = |key: Key| u32::try_from(self.0.int(key.name())).unwrap_or_default();
        let given = |key: Key| Some(self.text(key)).filter(|text| !text.is_empty());
        spec.connections = self.connections();
        spec.find_checksum = self.0.boolean(Key::FindChecksum.name());
        spec.on_exists = match self.0.string(Key::OnExists.name()).as_str() {
            "skip" => OnExists::Skip,
            "overwrite" => OnExists::Overwrite,
            _ => OnExists::Rename,
        };
        spec.rate = self.rate_limit_each();
        spec.patience.retries = number(Key::Retries);
        spec.patience.first_wait = Duration::from_secs(number(Key::RetryWait).into());
        spec.patience.silence = Duration::from_secs(number(Key::Timeout).into());
        spec.manners.proxy = given(Key::Proxy);
        spec.manners.user_agent = given(Key::UserAgent);
        spec.manners.netrc = self.0.boolean(Key::Netrc.name());
    }

    /// Whether a link on the clipboard is offered when the window gets the focus.
    pub fn offers_clipboard(&self) -> bool {
        self.0.boolean(Key::OfferClipboard.name())
    }

    /// Whether servers are asked what addresses lead to, before these are added.
    pub fn previews_addresses(&self) -> bool {
        self.0.boolean(Key::PreviewAddresses.name())
    }

    /// Whether what was completed is remembered when it leaves the list, and how much came.
    pub fn keeps_history(&self) -> bool {
        self.0.boolean(Key::KeepHistory.name())
    }

    /// Whether a download that ended while nobody looked is told of.
    pub fn notifies_ends(&self) -> bool {
        self.0.boolean(Key::NotifyEnds.name())
    }

    /// Whether the machine is kept from suspending while downloads are at work.
    pub fn stays_awake(&self) -> bool {
        self.0.boolean(Key::StayAwake.name())
    }

    /// Whether the program goes on when its window is closed.
    pub fn runs_in_background(&self) -> bool {
        self.0.boolean(Key::RunInBackground.name())
    }

    /// Whether the program is started, without its window, when the user logs in.
    pub fn starts_with_session(&self) -> bool {
        self.0.boolean(Key::Autostart.name())
    }

    /// Whether downloads wait while the network is metered.
    pub fn waits_on_metered(&self) -> bool {
        self.0.boolean(Key::WaitOnMetered.name())
    }

    /// When downloads may run; empty: always. Hours that cannot be read count as none: they are not the
    /// window's own.
    pub fn hours(&self) -> Schedule {
        let text = self.0.string(Key::Hours.name());
        Schedule::hours(&text).unwrap_or_else(|error| {
            tracing::warn!("the setting {} is left out: {error}", Key::Hours.name());
            Schedule::default()
        })
    }

    /// What is done when all downloads have ended, by its name in the schema.
    pub fn when_done(&self) -> String {
        self.0.string(Key::WhenDone.name()).into()
    }

    /// Saves it now and not in a moment: the machine may be about to go.
    pub fn set_when_done(&self, name: &str) {
        if let Err(error) = self.0.set_string(Key::WhenDone.name(), name) {
            tracing::warn!(%error, "What is done when all downloads have ended cannot be saved");
        }
        gio::Settings::sync();
    }

    /// Whether that is done each time, and not only once.
    pub fn when_done_is_lasting(&self) -> bool {
        self.0.boolean(Key::WhenDoneAlways.name())
    }

    /// So long it can be cancelled.
    pub fn when_done_delay(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.int(Key::WhenDoneDelay.name())).unwrap_or_default())
    }

    /// Turns a preference on or off that is no more than that.
    pub fn set_boolean(&self, key: Key, value: bool) {
        if let Err(error) = self.0.set_boolean(key.name(), value) {
            tracing::warn!(%error, "The preference {} cannot be saved", key.name());
        }
    }

    /// Calls back whenever this preference is changed.
    pub fn connect_changed(&self, key: Key, changed: impl Fn() + 'static) {
        self.0.connect_changed(Some(key.name()), move |_, _| changed());
    }

    pub fn limits(&self) -> Limits {
        let count = |key: Key| usize::try_from(self.0.int(key.name())).unwrap_or(1);
        Limits {
            parallel: count(Key::ParallelDownloads),
            per_host: count(Key::ConnectionsPerHost),
            rate: self.0.boolean(Key::RateLimitEnabled.name()).then(|| Speed(self.0.uint64(Key::RateLimit.name()))),
            schedule: self.schedule(),
        }
    }

    /// The rates of some hours. One that cannot be read counts as none: it is not the window's own.
    fn schedule(&self) -> Schedule {
        let text = self.0.string(Key::RateSchedule.name());
        text.parse().unwrap_or_else(|error| {
            tracing::warn!("the setting {} is left out: {error}", Key::RateSchedule.name());
            Schedule::default()
        })
    }

    /// Calls back with the new limits whenever one of them is changed.
    pub fn connect_limits_changed(&self, changed: impl Fn(Limits) + 'static) {
        let keys =
            [Key::ParallelDownloads, Key::ConnectionsPerHost, Key::RateLimitEnabled, Key::RateLimit, Key::RateSchedule];
        self.0.connect_changed(None, move |settings, name| {
            if keys.iter().any(|key| key.name() == name) {
                changed(Self(settings.clone()).limits());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_no_text_can_say_leaves_the_chosen_one() {
        use std::os::unix::ffi::OsStrExt;
        let settings = Settings::in_memory().unwrap();
        settings.set_chosen_folder(Some(Path::new("/srv/a"))).unwrap();
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"/srv/\xff"));
        assert_eq!(settings.set_chosen_folder(Some(odd)), Err(NoText));
        assert_eq!(settings.chosen_folder().as_deref(), Some(Path::new("/srv/a")));
        settings.set_chosen_folder(None).unwrap();
        assert_eq!(settings.chosen_folder(), None);
    }

    #[test]
    fn every_key_is_in_the_schema_and_the_other_way_round() {
        let mut ours: Vec<_> = Key::ALL.iter().map(|key| key.name()).collect();
        let mut theirs: Vec<_> = schema().unwrap().list_keys().iter().map(ToString::to_string).collect();
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn values_are_read_with_the_types_of_the_schema() {
        let settings = Settings::in_memory().unwrap();
        assert_eq!(settings.limits(), Limits::default());
        assert_eq!(settings.connections(), 8);
        assert!(settings.offers_clipboard());
        let shape = WindowShape { width: 700, height: 500, maximized: true };
        settings.set_window_shape(shape);
        assert_eq!(settings.window_shape(), shape);
        settings.0.set_string(Key::DownloadFolder.name(), "/srv/files").unwrap();
        assert_eq!(settings.download_folder(), Path::new("/srv/files"));
    }

    #[test]
    fn without_a_folder_for_downloads_a_sandbox_saves_nothing_in_a_home_of_its_own() {
        assert_eq!(folder_of("/home/ann".into(), false), Path::new("/home/ann"));
        assert_eq!(folder_of("/home/ann".into(), true), Path::new("/home/ann/Downloads"));
    }

    #[test]
    fn a_speed_limit_counts_only_while_it_is_on() {
        let settings = Settings::in_memory().unwrap();
        settings.0.set_uint64(Key::RateLimit.name(), 5_000_000).unwrap();
        assert_eq!(settings.limits().rate, None);
        settings.0.set_boolean(Key::RateLimitEnabled.name(), true).unwrap();
        assert_eq!(settings.limits().rate, Some(Speed(5_000_000)));
    }

    #[test]
    fn a_schedule_is_kept_as_text_and_one_that_can_not_be_read_counts_as_none() {
        let settings = Settings::in_memory().unwrap();
        let text = "Mon-Fri 08:00-18:00 500K";
        settings.0.set_string(Key::RateSchedule.name(), text).unwrap();
        assert_eq!(settings.limits().schedule.to_string(), text);
        settings.0.set_string(Key::RateSchedule.name(), "at night").unwrap();
        assert!(settings.limits().schedule.is_empty());
    }

    #[test]
    fn new_downloads_are_fetched_as_the_preferences_say() {
        let spec = |settings: &Settings| {
            let mut spec = DownloadSpec::new("http://h/f".parse().unwrap(), "/tmp".into());
            settings.apply(&mut spec);
            spec
        };
        let settings = Settings::in_memory().unwrap();
        let usual = DownloadSpec::new("http://h/f".parse().unwrap(), "/tmp".into());
        assert_eq!(spec(&settings), DownloadSpec { find_checksum: true, ..usual });
        for (key, number) in
            [(Key::ConnectionsPerDownload, 3), (Key::Retries, 0), (Key::RetryWait, 7), (Key::Timeout, 9)]
        {
            settings.0.set_int(key.name(), number).unwrap();
        }
        settings.0.set_uint64(Key::RateLimitEach.name(), 5000).unwrap();
        for (key, text) in [(Key::OnExists, "skip"), (Key::Proxy, "p:1"), (Key::UserAgent, " Me/1 ")] {
            settings.set_text(key, text);
        }
        settings.set_boolean(Key::Netrc, true);
        settings.set_boolean(Key::FindChecksum, false);
        let spec = spec(&settings);
        assert_eq!((spec.connections, spec.rate, spec.on_exists), (3, Some(Speed(5000)), OnExists::Skip));
        let patience = spec.patience;
        assert_eq!(
            (patience.retries, patience.first_wait, patience.silence),
            (0, Duration::from_secs(7), Duration::from_secs(9))
        );
        assert_eq!((spec.manners.proxy.as_deref(), spec.manners.user_agent.as_deref()), (Some("p:1"), Some("Me/1")));
        assert!(spec.manners.netrc && !spec.find_checksum);
    }
}
