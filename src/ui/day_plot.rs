// SPDX-License-Identifier: GPL-3.0-or-later
//! How much came on each of some days, drawn as bars with an axis. Under the pointer a bar tells its day in words.
//! Whoever uses it gives it a label that says the same in words.

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{glib, graphene};

use super::plot_field::{self, Field, Words};
use crate::model::statistics::DayPlot as Plot;

/// In pixels.
const HEIGHT: i32 = 140;
/// A day on which anything came is seen.
const LEAST: f32 = 2.0;

/// Of a bar's place.
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
            let place = self.obj().bars(&plot).place_at(x as f32);
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

/// So many bars side by side in the field.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bars {
    field: Field,
    count: usize,
}

impl Bars {
    fn place_width(&self) -> f32 {
        self.field.width / self.count.max(1) as f32
    }

    /// The bar at this place, which is so much of the axis high.
    fn bar(&self, place: usize, share: f32) -> graphene::Rect {
        let Field { left, top, height: whole, is_mirrored, .. } = self.field;
        let place = if is_mirrored { self.count - 1 - place } else { place };
        let (step, height) = (self.place_width(), (share * whole).max(if share > 0.0 { LEAST } else { 0.0 }));
        let x = left + (place as f32 + (1.0 - BAR_SHARE) / 2.0) * step;
        graphene::Rect::new(x, top + whole - height, BAR_SHARE * step, height)
    }

    fn place_at(&self, x: f32) -> Option<usize> {
        let place = ((x - self.field.left) / self.place_width()).floor();
        let place = (0.0..self.count as f32).contains(&place).then_some(place as usize)?;
        Some(if self.field.is_mirrored { self.count - 1 - place } else { place })
    }
}

impl DayPlot {
    pub fn set_plot(&self, plot: Plot) {
        self.imp().plot.replace(plot);
        self.queue_draw();
    }

    fn bars(&self, plot: &Plot) -> Bars {
        Bars { field: Field::of(self, &words(plot)), count: plot.bars.len() }
    }

    fn draw(&self, snapshot: &gtk::Snapshot, plot: &Plot) {
        let style = self.style_context();
        let text = style.color();
        let fill = style.lookup_color("accent_color").unwrap_or(text);
        let bars = self.bars(plot);
        let field = bars.field;
        field.write(self, snapshot, &words(plot));
        for share in plot_field::GRID {
            // On whole pixels, or it would be blurred.
            let line = graphene::Rect::new(field.left, field.y(share).round(), field.width, 1.0);
            snapshot.append_color(&plot_field::grid_colour(&text), &line);
        }
        for (place, bar) in plot.bars.iter().enumerate() {
            snapshot.append_color(&fill, &bars.bar(place, bar.share as f32));
        }
    }
}

fn words(plot: &Plot) -> Words<'_> {
    Words { marks: &plot.marks, ends: &plot.ends }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bar_is_where_its_day_is_told() {
        for is_mirrored in [false, true] {
            let field = Field { left: 50.0, top: 10.0, width: 300.0, height: 80.0, is_mirrored };
            let bars = Bars { field, count: 30 };
            for place in 0..30 {
                let bar = bars.bar(place, 0.5);
                assert_eq!(bars.place_at(bar.x() + bar.width() / 2.0), Some(place));
                assert_eq!((bar.y(), bar.height()), (50.0, 40.0));
            }
            assert_eq!((bars.place_at(49.0), bars.place_at(351.0)), (None, None));
            assert_eq!(bars.bar(0, 0.0).height(), 0.0);
            assert_eq!(bars.bar(0, 0.001).height(), LEAST, "little is not nothing");
        }
        let field = |is_mirrored| Field { left: 0.0, top: 0.0, width: 300.0, height: 80.0, is_mirrored };
        let first = |is_mirrored| Bars { field: field(is_mirrored), count: 30 }.bar(0, 1.0);
        assert!(first(false).x() < first(true).x());
    }
}
