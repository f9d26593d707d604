// SPDX-License-Identifier: GPL-3.0-or-later
//! The texts of the window against what they stand on: at least 4.5 to 1, as WCAG 2.1 AA asks, light and
//! dark. The colours are libadwaita's at work, what style.css makes of them is read from it.
#![cfg(feature = "gui")]

mod support;

use adw::prelude::*;
use gtk::gdk::RGBA;
use support::process::skip;

const AA: f32 = 4.5;
/// What tells the state of a control.
const AA_OF_CONTROLS: f32 = 3.0;
const STYLE: &str = include_str!("../data/resources/style.css");
const STYLE_DARK: &str = include_str!("../data/resources/style-dark.css");

/// libadwaita draws a selected row that is pointed at so much darker (or lighter) than the list.
const SELECTED: f32 = 0.13;
/// And a button so much than what it stands on.
const BUTTON: f32 = 0.1;

/// A number of style.css that follows `before`.
fn number(before: &str) -> f32 {
    let (_, rest) = STYLE.split_once(before).unwrap_or_else(|| panic!("style.css has no “{before}”"));
    let end = rest.find(|sign: char| !sign.is_ascii_digit() && sign != '.').unwrap();
    rest[..end].parse().unwrap()
}

fn mix(a: RGBA, b: RGBA, part: f32) -> RGBA {
    let of = |a: f32, b: f32| a + (b - a) * part;
    RGBA::new(of(a.red(), b.red()), of(a.green(), b.green()), of(a.blue(), b.blue()), of(a.alpha(), b.alpha()))
}

fn with_alpha(colour: RGBA, alpha: f32) -> RGBA {
    colour.with_alpha(colour.alpha() * alpha)
}

/// What is seen where `above` is drawn on `ground`.
fn on(above: RGBA, ground: RGBA) -> RGBA {
    mix(ground, above.with_alpha(1.0), above.alpha()).with_alpha(1.0)
}

fn luminance(colour: RGBA) -> f32 {
    let linear = |value: f32| if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
    0.2126 * linear(colour.red()) + 0.7152 * linear(colour.green()) + 0.0722 * linear(colour.blue())
}

fn contrast(text: RGBA, ground: RGBA) -> f32 {
    let (a, b) = (luminance(on(text, ground)), luminance(ground));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The connections whose numbers cannot be read on their colours, in the list and in the map.
fn connections<'a>(style: &'a str, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let defined = |colour: &str| {
        let (_, rest) = style.split_once(&format!("@define-color {colour} ")).unwrap_or_else(|| panic!("no {colour}"));
        RGBA::parse(rest.split(';').next().unwrap()).unwrap()
    };
    (1..=8).map(|number| format!("connection_{number}")).filter_map(move |colour| {
        let contrast = contrast(defined("connection_text"), defined(&colour));
        println!("{name}: {colour}: {contrast:.1}");
        (contrast < AA).then(|| format!("{name}: {colour}: {contrast:.2} to 1"))
    })
}

/// The label with these words, in a part of a window.
fn label_of(part: &gtk::Widget, words: &str) -> Option<gtk::Label> {
    if let Some(label) = part.downcast_ref::<gtk::Label>().filter(|label| label.text() == words) {
        return Some(label.clone());
    }
    std::iter::successors(part.first_child(), gtk::Widget::next_sibling).find_map(|child| label_of(&child, words))
}

/// What a group says of itself is dimmed by the theme, whose name for it is another one in newer versions.
fn words_of_a_group_are_named_in_the_style() -> bool {
    let group = adw::PreferencesGroup::builder().description("Words").build();
    let label = label_of(group.upcast_ref(), "Words").expect("a label of the description");
    let (dims, _) = STYLE.split_once("{\n  opacity: ").expect("what style.css dims");
    let classes = label.css_classes();
    println!("a group's description: {classes:?}");
    classes.iter().any(|class| dims.contains(&format!("\n.{class},")))
}

#[test]
fn every_text_has_the_contrast_of_wcag_aa() {
    assert!((contrast(RGBA::BLACK, RGBA::WHITE) - 21.0).abs() < 0.01, "the formula itself");
    if adw::init().is_err() {
        assert!(std::env::var_os("FRESHET_NEEDS_DISPLAY").is_none(), "there is no display, but one was promised");
        return skip("there is no display; build-aux/gui-session.sh makes one");
    }
    let mut poor = Vec::new();
    for scheme in [adw::ColorScheme::ForceLight, adw::ColorScheme::ForceDark] {
        adw::StyleManager::default().set_color_scheme(scheme);
        let label = gtk::Label::new(None);
        #[allow(deprecated)] // GTK 4.8 has no other way, and newer ones still have this
        let named = |name: &str| label.style_context().lookup_color(name).unwrap_or_else(|| panic!("no @{name}"));
        let (text, view, window) = (named("view_fg_color"), named("view_bg_color"), named("window_bg_color"));
        let selected = on(with_alpha(text, SELECTED), view);
        let dim = with_alpha(text, number("windowtitle .subtitle {\n  opacity: "));
        let warning = mix(named("warning_color"), text, number("mix(@warning_color, @view_fg_color, "));
        let error = mix(named("error_color"), text, number("mix(@error_color, @view_fg_color, "));
        let notice = on(with_alpha(named("warning_bg_color"), number("alpha(@warning_bg_color, ")), window);
        let header = on(named("headerbar_bg_color"), window);
        assert!(
            STYLE.contains("background-color: @accent_color;\n  color: @view_bg_color;"),
            "the drop hint's colours"
        );
        assert!(STYLE.contains(".weekday:checked {\n  background-color: @accent_color;\n  color: @view_bg_color;"));
        let other_day = on(with_alpha(named("card_fg_color"), BUTTON), on(named("card_bg_color"), window));
        let contrast_of_days = contrast(named("accent_color"), other_day);
        assert!(contrast_of_days >= AA_OF_CONTROLS, "{scheme:?}: days are told apart by {contrast_of_days:.2} to 1");
        for (what, text, ground) in [
            ("a row", text, selected),
            ("dim text of a row", dim, selected),
            ("a warning of a row", warning, selected),
            ("an error of a row", error, selected),
            ("a notice", named("window_fg_color"), notice),
            ("a subtitle in the header bar", dim, header),
            ("the hint of a drop", view, named("accent_color")),
            ("a day that is chosen", view, named("accent_color")),
        ] {
            let contrast = contrast(text, ground);
            println!("{scheme:?}: {what}: {contrast:.1}");
            if contrast < AA {
                poor.push(format!("{scheme:?}: {what}: {contrast:.2} to 1"));
            }
        }
    }
    if !words_of_a_group_are_named_in_the_style() {
        poor.push("a group's description: as the theme has it".to_owned());
    }
    poor.extend(connections(STYLE, "light").chain(connections(STYLE_DARK, "dark")));
    assert!(poor.is_empty(), "too little contrast: {poor:#?}");
}
