// SPDX-License-Identifier: GPL-3.0-or-later
//! How much came on each of some days, drawn as bars with an axis. Under the pointer a bar tells its day in words.
//! Whoever uses it gives it a label that says the same in words.

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{gdk, glib, graphene, pango};

use crate::model::statistics::DayPlot as Plot;

/// In pixels.
const HEIGHT: i32 = 140;
/// Between what is written and what is drawn.
const GAP: f32 = 6.0;
/// A day on which anything came is seen.
const LEAST: f32 = 2.0;

/// Shares of the text's colour, and of a bar's place.
const GRID_SHARE: f32 = 0.15;
const WORDS_SHARE: f32 = 0.75;
const BAR_SHARE: f32 = 0.7;

mod imp {
    use std::cell::RefCell;

    use super::*;

    #[derive(Debug, Default)]
    pub struct DayPlot {
        pub plot: RefCell<Plot>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for DayPlot {
        const NAME: &'static str = "FreshetDayPlot";
        type Type = super::DayPlot;
        type ParentType = gtk::Widget;

        fn class_init(klass: &mut Self::Class) {
            klass.set_css_name("day-plot");
            klass.set_accessible_role(gtk::AccessibleRole::Img);
        }
    }

    impl ObjectImpl for DayPlot {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_has_tooltip(true);
        }
    }

    impl WidgetImpl for DayPlot {
        fn measure(&self, orientation: gtk::Orientation, _for_size: i32) -> (i32, i32, i32, i32) {
            match orientation {
                gtk::Orientation::Vertical => (HEIGHT, HEIGHT, -1, -1),
                _ => (0, 0, -1, -1),
            }
        }

        fn snapshot(&self, snapshot: &gtk::Snapshot) {
            self.obj().draw(snapshot, &self.plot.borrow());
        }

        fn query_tooltip(&self, x: i32, _y: i32, _by_key: bool, tooltip: &gtk::Tooltip) -> bool {
            let plot = self.plot.borrow();
            let place = self.obj().field(&plot).place_at(x as f32);
            let bar = place.and_then(|place| plot.bars.get(place));
            tooltip.set_text(bar.map(|bar| bar.words.as_str()));
            bar.is_some()
        }
    }
}

glib::wrapper! {
    pub struct DayPlot(ObjectSubclass<imp::DayPlot>)
        @extends gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

/// The part of the widget in which the bars are; time goes as the reader reads.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Field {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
    bars: usize,
    is_mirrored: bool,
}

impl Field {
    fn place_width(&self) -> f32 {
        self.width / self.bars.max(1) as f32
    }

    /// The bar at this place, which is so much of the axis high.
    fn bar(&self, place: usize, share: f32) -> graphene::Rect {
        let place = if self.is_mirrored { self.bars - 1 - place } else { place };
        let (step, height) = (self.place_width(), (share * self.height).max(if share > 0.0 { LEAST } else { 0.0 }));
        let x = self.left + (place as f32 + (1.0 - BAR_SHARE) / 2.0) * step;
        graphene::Rect::new(x, self.top + self.height - height, BAR_SHARE * step, height)
    }

    fn place_at(&self, x: f32) -> Option<usize> {
        let place = ((x - self.left) / self.place_width()).floor();
        let place = (0.0..self.bars as f32).contains(&place).then_some(place as usize)?;
        Some(if self.is_mirrored { self.bars - 1 - place } else { place })
    }
}

impl DayPlot {
    pub fn set_plot(&self, plot: Plot) {
        self.imp().plot.replace(plot);
        self.queue_draw();
    }

    fn layouts(&self, texts: &[String; 2]) -> [pango::Layout; 2] {
        texts.each_ref().map(|text| self.create_pango_layout(Some(text)))
    }

    fn field(&self, plot: &Plot) -> Field {
        let is_mirrored = self.direction() == gtk::TextDirection::Rtl;
        let gutter = self.layouts(&plot.marks).iter().map(|mark| size(mark).0).fold(0.0, f32::max) + GAP;
        let line = size(&self.create_pango_layout(Some(&plot.ends[0]))).1;
        Field {
            left: if is_mirrored { 0.0 } else { gutter },
            top: line / 2.0,
            width: (self.width() as f32 - gutter).max(1.0),
            height: (self.height() as f32 - line * 1.5 - GAP).max(1.0),
            bars: plot.bars.len(),
            is_mirrored,
        }
    }

    fn draw(&self, snapshot: &gtk::Snapshot, plot: &Plot) {
        let style = self.style_context();
        let text = style.color();
        let fill = style.lookup_color("accent_color").unwrap_or(text);
        let field = self.field(plot);
        let words = faded(&text, WORDS_SHARE);
        let write = |layout: &pango::Layout, x: f32, y: f32| {
            snapshot.save();
            snapshot.translate(&graphene::Point::new(x, y));
            snapshot.append_layout(layout, &words);
            snapshot.restore();
        };
        for (mark, share) in self.layouts(&plot.marks).iter().zip([1.0, 0.5]) {
            let (length, height) = size(mark);
            let x = if field.is_mirrored { self.width() as f32 - length } else { field.left - GAP - length };
            write(mark, x, field.top + (1.0 - share) * field.height - height / 2.0);
        }
        for share in [0.0_f32, 0.5, 1.0] {
            // On whole pixels, or it would be blurred.
            let y = (field.top + (1.0 - share) * field.height).round();
            snapshot.append_color(&faded(&text, GRID_SHARE), &graphene::Rect::new(field.left, y, field.width, 1.0));
        }
        let ends = self.layouts(&plot.ends);
        // Where there is no room for both the last one says it.
        let fits = ends.iter().map(|end| size(end).0).sum::<f32>() + GAP <= field.width;
        for (end, is_last) in ends.iter().zip([false, true]).filter(|(_, is_last)| fits || *is_last) {
            let is_right = is_last != field.is_mirrored;
            let x = if is_right { field.left + field.width - size(end).0 } else { field.left };
            write(end, x, self.height() as f32 - size(end).1);
        }
        for (place, bar) in plot.bars.iter().enumerate() {
            snapshot.append_color(&fill, &field.bar(place, bar.share as f32));
        }
    }
}

fn size(layout: &pango::Layout) -> (f32, f32) {
    let (width, height) = layout.pixel_size();
    (width as f32, height as f32)
}

fn faded(colour: &gdk::RGBA, share: f32) -> gdk::RGBA {
    colour.with_alpha(colour.alpha() * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bar_is_where_its_day_is_told() {
        for is_mirrored in [false, true] {
            let field = Field { left: 50.0, top: 10.0, width: 300.0, height: 80.0, bars: 30, is_mirrored };
            for place in 0..30 {
                let bar = field.bar(place, 0.5);
                assert_eq!(field.place_at(bar.x() + bar.width() / 2.0), Some(place));
                assert_eq!((bar.y(), bar.height()), (50.0, 40.0));
            }
            assert_eq!((field.place_at(49.0), field.place_at(351.0)), (None, None));
            assert_eq!(field.bar(0, 0.0).height(), 0.0);
            assert_eq!(field.bar(0, 0.001).height(), LEAST, "little is not nothing");
        }
        let field = |is_mirrored| Field { left: 0.0, top: 0.0, width: 300.0, height: 80.0, bars: 30, is_mirrored };
        assert!(field(false).bar(0, 1.0).x() < field(true).bar(0, 1.0).x());
    }
}
