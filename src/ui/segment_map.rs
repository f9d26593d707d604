// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the bytes of a file are, drawn as a bar: what is here, what each connection has brought and
//! fetches next, in its colour and with its number, and what is missing. The colours are the style's. Whoever uses it gives it a label that says the same in words.

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{gdk, glib, graphene, gsk};

use super::connection_list::colour;
use crate::model::details::{SegmentMap as Map, Stretch, StretchKind};

/// In pixels.
const HEIGHT: i32 = 18;
const RADIUS: f32 = 6.0;
/// So that the first bytes can be seen at all.
const NARROWEST: f32 = 1.0;
const ROOM_FOR_NUMBER: f32 = 16.0;

/// What is missing, and what comes next.
const MISSING: f32 = 0.12;
const COMING: f32 = 0.35;
/// Of a download that stands still.
const RESTING: f32 = 0.4;

mod imp {
    use std::cell::RefCell;

    use super::*;

    #[derive(Debug, Default)]
    pub struct SegmentMap {
        pub map: RefCell<Map>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SegmentMap {
        const NAME: &'static str = "FreshetSegmentMap";
        type Type = super::SegmentMap;
        type ParentType = gtk::Widget;

        fn class_init(klass: &mut Self::Class) {
            klass.set_css_name("segment-map");
            klass.set_accessible_role(gtk::AccessibleRole::Img);
        }
    }

    impl ObjectImpl for SegmentMap {}

    impl WidgetImpl for SegmentMap {
        fn measure(&self, orientation: gtk::Orientation, _for_size: i32) -> (i32, i32, i32, i32) {
            match orientation {
                gtk::Orientation::Vertical => (HEIGHT, HEIGHT, -1, -1),
                _ => (0, 0, -1, -1),
            }
        }

        fn snapshot(&self, snapshot: &gtk::Snapshot) {
            let widget = self.obj();
            let map = self.map.borrow();
            let (width, height) = (widget.width() as f32, widget.height() as f32);
            let style = widget.style_context();
            let text = style.color();
            let accent = style.lookup_color("accent_bg_color").unwrap_or(text);
            let done = if map.is_resting { faded(&text, RESTING) } else { accent };
            let mark = style.lookup_color("connection_text").unwrap_or(text);
            let of = |number| style.lookup_color(&format!("connection_{}", colour(number))).unwrap_or(done);
            let is_mirrored = widget.direction() == gtk::TextDirection::Rtl;

            let whole = graphene::Rect::new(0.0, 0.0, width, height);
            snapshot.push_rounded_clip(&gsk::RoundedRect::from_rect(whole, RADIUS));
            snapshot.append_color(&faded(&text, MISSING), &whole);
            for stretch in &map.stretches {
                let colour = match stretch.kind {
                    StretchKind::Done => done,
                    StretchKind::Arrived(number) => of(number),
                    StretchKind::Coming(number) => faded(&of(number), COMING),
                };
                snapshot.append_color(&colour, &area(stretch, is_mirrored, width, height));
            }
            for (number, stretch, has_arrived) in numbered(&map.stretches, width) {
                let layout = widget.create_pango_layout(Some(&number.to_string()));
                let (length, line) = layout.pixel_size();
                let area = area(stretch, is_mirrored, width, height);
                let at =
                    graphene::Point::new(area.x() + (area.width() - length as f32) / 2.0, (height - line as f32) / 2.0);
                snapshot.save();
                snapshot.translate(&at);
                snapshot.append_layout(&layout, if has_arrived { &mark } else { &text });
                snapshot.restore();
            }
            snapshot.pop();
        }
    }
}

glib::wrapper! {
    pub struct SegmentMap(ObjectSubclass<imp::SegmentMap>)
        @extends gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl SegmentMap {
    /// Draws another map, if it is another one.
    pub fn set_map(&self, map: Map) {
        let old = self.imp().map.replace(map);
        let map = self.imp().map.borrow();
        if map.stretches != old.stretches || map.is_resting != old.is_resting {
            self.queue_draw();
        }
    }
}

/// Where the number of each connection is written: on what it has brought, else on what it fetches next,
/// if there is room.
fn numbered(stretches: &[Stretch], width: f32) -> Vec<(usize, &Stretch, bool)> {
    let is_wide = |stretch: &&Stretch| (stretch.to - stretch.from) as f32 * width >= ROOM_FOR_NUMBER;
    let mut numbered: Vec<(usize, &Stretch, bool)> = Vec::new();
    for stretch in stretches.iter().filter(is_wide) {
        match stretch.kind {
            StretchKind::Done => {}
            StretchKind::Coming(number) => numbered.push((number, stretch, false)),
            StretchKind::Arrived(number) => {
                numbered.retain(|(other, ..)| *other != number);
                numbered.push((number, stretch, true));
            }
        }
    }
    numbered
}

fn faded(colour: &gdk::RGBA, share: f32) -> gdk::RGBA {
    colour.with_alpha(colour.alpha() * share)
}

/// Files begin where the reader begins to read.
fn area(stretch: &Stretch, is_mirrored: bool, width: f32, height: f32) -> graphene::Rect {
    let length = ((stretch.to - stretch.from) as f32 * width).max(NARROWEST);
    let begin = (stretch.from as f32 * width).min(width - length);
    let x = if is_mirrored { width - begin - length } else { begin };
    graphene::Rect::new(x, 0.0, length, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: f64, to: f64, is_mirrored: bool) -> (f32, f32) {
        let area = area(&Stretch { from, to, kind: StretchKind::Done }, is_mirrored, 200.0, 18.0);
        (area.x(), area.width())
    }

    #[test]
    fn a_stretch_lies_where_its_bytes_are() {
        assert_eq!(span(0.25, 0.5, false), (50.0, 50.0));
        assert_eq!(span(0.25, 0.5, true), (100.0, 50.0));
    }

    #[test]
    fn a_number_is_on_what_has_arrived_where_there_is_room() {
        let stretch = |from, to, kind| Stretch { from, to, kind };
        let stretches = [
            stretch(0.1, 0.5, StretchKind::Coming(1)),
            stretch(0.6, 0.9, StretchKind::Coming(2)),
            stretch(0.0, 0.1, StretchKind::Arrived(1)),
            stretch(0.5, 0.501, StretchKind::Arrived(2)),
            stretch(0.9, 1.0, StretchKind::Done),
        ];
        let seen = numbered(&stretches, 200.0).into_iter().map(|(number, at, arrived)| (number, at.from, arrived));
        assert_eq!(seen.collect::<Vec<_>>(), [(2, 0.6, false), (1, 0.0, true)]);
        assert!(numbered(&stretches, 20.0).is_empty());
    }

    #[test]
    fn a_few_bytes_are_seen_even_at_the_end() {
        assert_eq!(span(0.0, 1e-9, false), (0.0, 1.0));
        assert_eq!(span(1.0 - 1e-9, 1.0, false), (199.0, 1.0));
    }
}
