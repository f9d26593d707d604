// SPDX-License-Identifier: GPL-3.0-or-later
//! The least that a program with a window can be: libadwaita, a header bar, an empty page. `start.py`
//! holds the start of Freshet against it. Says on standard error when a frame is drawn.

use adw::prelude::*;
use gtk::glib;

fn main() -> glib::ExitCode {
    let application = adw::Application::builder().application_id("io.github.freshet.Bare").build();
    application.connect_activate(|application| {
        let page = adw::StatusPage::builder().icon_name("folder-download-symbolic").title("Bare").vexpand(true).build();
        let content = gtk::Box::new(gtk::Orientation::Vertical, 0);
        content.append(&adw::HeaderBar::new());
        content.append(&page);
        let window = adw::ApplicationWindow::builder()
            .application(application)
            .default_width(960)
            .default_height(640)
            .content(&content)
            .build();
        window.connect_realize(|window| {
            if let Some(clock) = window.frame_clock() {
                clock.connect_after_paint(|_| eprintln!("frame"));
            }
        });
        window.present();
    });
    application.run()
}
