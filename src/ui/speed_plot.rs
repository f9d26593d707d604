// SPDX-License-Identifier: GPL-3.0-or-later
//! A speed over the last minutes, drawn as a curve with its axes, and a dashed line where a limit
//! is. The colours are the style's. Whoever uses it gives it a label that says the same in words.

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{cairo, gdk, glib, graphene};

use super::plot_field::{self, Field, Words, faded};
use crate::model::speed_trace::SpeedPlot as Plot;

/// In pixels.
const HEIGHT: i32 = 104;
const CURVE: f64 = 2.0;
const GRID: f64 = 1.0;
const DASH: [f64; 2] = [6.0, 4.0];

/// Of the curve's colour.
const AREA_SHARE: f32 = 0.25;

mod imp {
    use std::cell::RefCell;

    use super::*;

    #[derive(Debug, Default)]
    pub struct SpeedPlot {
        pub plot: RefCell<Plot>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SpeedPlot {
        const NAME: &'static str = "FreshetSpeedPlot";
        type Type = super::SpeedPlot;
        type ParentType = gtk::Widget;

        fn class_init(klass: &mut Self::Class) {
            klass.set_css_name("speed-plot");
            klass.set_accessible_role(gtk::AccessibleRole::Img);
        }
    }

    impl ObjectImpl for SpeedPlot {}

    impl WidgetImpl for SpeedPlot {
        fn measure(&self, orientation: gtk::Orientation, _for_size: i32) -> (i32, i32, i32, i32) {
            match orientation {
                gtk::Orientation::Vertical => (HEIGHT, HEIGHT, -1, -1),
                _ => (0, 0, -1, -1),
            }
        }

        fn snapshot(&self, snapshot: &gtk::Snapshot) {
            self.obj().draw(snapshot, &self.plot.borrow());
        }
    }
}

glib::wrapper! {
    pub struct SpeedPlot(ObjectSubclass<imp::SpeedPlot>)
        @extends gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget;
}

impl SpeedPlot {
    /// Draws another plot, if it is another one.
    pub fn set_plot(&self, plot: Plot) {
        if *self.imp().plot.borrow() != plot {
            self.imp().plot.replace(plot);
            self.queue_draw();
        }
    }

    fn draw(&self, snapshot: &gtk::Snapshot, plot: &Plot) {
        let style = self.style_context();
        let text = style.color();
        let curve = style.lookup_color("accent_color").unwrap_or(text);
        let limit = style.lookup_color("warning_color").unwrap_or(text);
        let words = Words { marks: &plot.marks, ends: &plot.times };
        let field = Field::of(self, &words);
        field.write(self, snapshot, &words);
        let area = graphene::Rect::new(0.0, 0.0, self.width() as f32, self.height() as f32);
        if let Err(error) = stroke(&snapshot.append_cairo(&area), plot, field, [text, curve, limit]) {
            tracing::warn!(%error, "the speed cannot be drawn");
        }
    }
}

fn stroke(to: &cairo::Context, plot: &Plot, field: Field, colours: [gdk::RGBA; 3]) -> Result<(), cairo::Error> {
    let [text, curve, limit] = colours;
    let (left, right) = (f64::from(field.left), f64::from(field.left + field.width));
    // The curve stays inside with all its width.
    let x = |share: f32| f64::from(field.x(share));
    let y = |share: f32| f64::from(field.y(share));
    let source = |colour: &gdk::RGBA| {
        let [red, green, blue, alpha] = [colour.red(), colour.green(), colour.blue(), colour.alpha()].map(f64::from);
        to.set_source_rgba(red, green, blue, alpha);
    };
    source(&plot_field::grid_colour(&text));
    to.set_line_width(GRID);
    for share in plot_field::GRID {
        // On whole pixels, or it would be blurred.
        let height = y(share).round() + GRID / 2.0;
        to.move_to(left, height);
        to.line_to(right, height);
    }
    to.stroke()?;

    to.save()?;
    to.rectangle(left, 0.0, right - left, y(0.0) + CURVE);
    to.clip();
    to.set_line_join(cairo::LineJoin::Round);
    to.set_line_width(CURVE);
    for line in &plot.lines {
        let (Some((first, _)), Some((last, _))) = (line.first(), line.last()) else { continue };
        for (time, speed) in line {
            to.line_to(x(*time), y(*speed));
        }
        let path = to.copy_path()?;
        to.line_to(x(*last), y(0.0));
        to.line_to(x(*first), y(0.0));
        to.close_path();
        source(&faded(&curve, AREA_SHARE));
        to.fill()?;
        to.append_path(&path);
        source(&curve);
        to.stroke()?;
    }
    to.restore()?;

    if let Some(share) = plot.limit {
        source(&limit);
        to.set_dash(&DASH, 0.0);
        to.set_line_width(CURVE);
        to.move_to(left, y(share));
        to.line_to(right, y(share));
        to.stroke()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_leaves_its_colour_where_the_speed_is() {
        let surface = cairo::ImageSurface::create(cairo::Format::ARgb32, 100, 100).unwrap();
        let plot = Plot { lines: vec![vec![(0.0, 0.5), (1.0, 0.5)]], limit: Some(1.0), ..Plot::default() };
        let field = Field { left: 0.0, top: 10.0, width: 100.0, height: 80.0, is_mirrored: false };
        let context = cairo::Context::new(&surface).unwrap();
        stroke(&context, &plot, field, [gdk::RGBA::BLACK, gdk::RGBA::BLUE, gdk::RGBA::RED]).unwrap();
        drop(context);
        let stride = usize::try_from(surface.stride()).unwrap();
        let data = surface.take_data().unwrap();
        // Blue, green, red, alpha on machines of today.
        let pixel = |x: usize, y: usize| data[y * stride + x * 4..][..4].to_vec();
        assert_eq!(pixel(30, 50), [255, 0, 0, 255], "the curve");
        assert_eq!(pixel(30, 20), [0, 0, 0, 0], "nothing above it");
        assert!(pixel(30, 70)[0] > 0, "its area");
        assert_eq!(pixel(2, 10), [0, 0, 255, 255], "the limit");
    }
}
