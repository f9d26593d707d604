// SPDX-License-Identifier: GPL-3.0-or-later
//! A speed over the last minutes, drawn as a curve with its axes, and a dashed line where a limit
//! is. The colours are the style's. Whoever uses it gives it a label that says the same in words.

use gtk::prelude::*;
use gtk::subclass::prelude::*;
use gtk::{cairo, gdk, glib, graphene, pango};

use crate::model::speed_trace::SpeedPlot as Plot;

/// In pixels.
const HEIGHT: i32 = 104;
const CURVE: f64 = 2.0;
const GRID: f64 = 1.0;
const DASH: [f64; 2] = [6.0, 4.0];
/// Between what is written and what is drawn.
const GAP: f32 = 6.0;

/// Shares of the text's and the curve's colour.
const GRID_SHARE: f32 = 0.15;
const WORDS_SHARE: f32 = 0.7;
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

/// The part of the widget in which the curve is; time goes as the reader reads.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Field {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
    is_mirrored: bool,
}

impl Field {
    fn x(&self, share: f32) -> f64 {
        let share = if self.is_mirrored { 1.0 - share } else { share };
        f64::from(self.left + share * self.width)
    }

    /// The curve and the grid stay inside with all their width.
    fn y(&self, share: f32) -> f64 {
        f64::from(self.top + (1.0 - share) * self.height)
    }
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
        let is_mirrored = self.direction() == gtk::TextDirection::Rtl;

        let marks = plot.marks.each_ref().map(|mark| self.create_pango_layout(Some(mark)));
        let times = plot.times.each_ref().map(|time| self.create_pango_layout(Some(time)));
        let size = |layout: &pango::Layout| {
            let (width, height) = layout.pixel_size();
            (width as f32, height as f32)
        };
        let gutter = marks.iter().map(|mark| size(mark).0).fold(0.0, f32::max) + GAP;
        let line = size(&times[0]).1;
        let (width, height) = (self.width() as f32, self.height() as f32);
        let field = Field {
            left: if is_mirrored { 0.0 } else { gutter },
            top: line / 2.0,
            width: (width - gutter).max(1.0),
            height: (height - line * 1.5 - GAP).max(1.0),
            is_mirrored,
        };

        let words = faded(&text, WORDS_SHARE);
        let write = |layout: &pango::Layout, x: f32, y: f32| {
            snapshot.save();
            snapshot.translate(&graphene::Point::new(x, y));
            snapshot.append_layout(layout, &words);
            snapshot.restore();
        };
        for (mark, share) in marks.iter().zip([1.0, 0.5]) {
            let (length, height) = size(mark);
            let x = if is_mirrored { width - length } else { gutter - GAP - length };
            write(mark, x, field.y(share) as f32 - height / 2.0);
        }
        for (time, is_end) in times.iter().zip([false, true]) {
            let is_right = is_end != is_mirrored;
            let x = if is_right { field.left + field.width - size(time).0 } else { field.left };
            write(time, x, height - line);
        }
        let area = graphene::Rect::new(0.0, 0.0, width, height);
        if let Err(error) = stroke(&snapshot.append_cairo(&area), plot, field, [text, curve, limit]) {
            tracing::warn!(%error, "the speed can not be drawn");
        }
    }
}

fn stroke(to: &cairo::Context, plot: &Plot, field: Field, colours: [gdk::RGBA; 3]) -> Result<(), cairo::Error> {
    let [text, curve, limit] = colours;
    let (left, right) = (f64::from(field.left), f64::from(field.left + field.width));
    let source = |colour: &gdk::RGBA| {
        let [red, green, blue, alpha] = [colour.red(), colour.green(), colour.blue(), colour.alpha()].map(f64::from);
        to.set_source_rgba(red, green, blue, alpha);
    };
    source(&faded(&text, GRID_SHARE));
    to.set_line_width(GRID);
    for share in [0.0, 0.5, 1.0] {
        // On whole pixels, or it would be blurred.
        let y = field.y(share).round() + GRID / 2.0;
        to.move_to(left, y);
        to.line_to(right, y);
    }
    to.stroke()?;

    to.save()?;
    to.rectangle(left, 0.0, right - left, field.y(0.0) + CURVE);
    to.clip();
    to.set_line_join(cairo::LineJoin::Round);
    to.set_line_width(CURVE);
    for line in &plot.lines {
        let (Some((first, _)), Some((last, _))) = (line.first(), line.last()) else { continue };
        for (x, y) in line {
            to.line_to(field.x(*x), field.y(*y));
        }
        let path = to.copy_path()?;
        to.line_to(field.x(*last), field.y(0.0));
        to.line_to(field.x(*first), field.y(0.0));
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
        to.move_to(left, field.y(share));
        to.line_to(right, field.y(share));
        to.stroke()?;
    }
    Ok(())
}

fn faded(colour: &gdk::RGBA, share: f32) -> gdk::RGBA {
    colour.with_alpha(colour.alpha() * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_as_the_reader_reads_and_speed_goes_up() {
        let field = |is_mirrored| Field { left: 50.0, top: 10.0, width: 200.0, height: 80.0, is_mirrored };
        assert_eq!((field(false).x(0.0), field(false).x(1.0)), (50.0, 250.0));
        assert_eq!((field(true).x(0.0), field(true).x(1.0)), (250.0, 50.0));
        assert_eq!((field(false).y(0.0), field(false).y(1.0)), (90.0, 10.0));
    }

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
