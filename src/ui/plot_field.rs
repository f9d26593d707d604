// SPDX-License-Identifier: GPL-3.0-or-later
//! What the plots have in common: the field in which values are drawn, and what is written beside and below it.

use gtk::prelude::*;
use gtk::{gdk, graphene, pango};

/// Between what is written and what is drawn.
const GAP: f32 = 6.0;

/// Shares of the text's colour.
const GRID_SHARE: f32 = 0.15;
const WORDS_SHARE: f32 = 0.75;

/// Where lines are drawn across the field.
pub const GRID: [f32; 3] = [0.0, 0.5, 1.0];

/// What is written around a field.
#[derive(Debug)]
pub struct Words<'a> {
    /// Beside the top and beside the middle.
    pub marks: &'a [String; 2],
    /// Below the begin and below the end.
    pub ends: &'a [String; 2],
}

/// The part of a widget in which the values are, in pixels; time goes as the reader reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
    pub is_mirrored: bool,
}

impl Field {
    /// What the words leave of the widget.
    pub fn of(widget: &impl IsA<gtk::Widget>, words: &Words<'_>) -> Self {
        let is_mirrored = widget.direction() == gtk::TextDirection::Rtl;
        let gutter = layouts(widget, words.marks).iter().map(|mark| size(mark).0).fold(0.0, f32::max) + GAP;
        let line = size(&widget.create_pango_layout(Some(&words.ends[0]))).1;
        Self {
            left: if is_mirrored { 0.0 } else { gutter },
            top: line / 2.0,
            width: (widget.width() as f32 - gutter).max(1.0),
            height: (widget.height() as f32 - line * 1.5 - GAP).max(1.0),
            is_mirrored,
        }
    }

    /// Where a time is, from the begin at 0 to the end at 1.
    pub fn x(&self, share: f32) -> f32 {
        self.left + if self.is_mirrored { 1.0 - share } else { share } * self.width
    }

    /// The height of a value, which is such a share of the top.
    pub fn y(&self, share: f32) -> f32 {
        self.top + (1.0 - share) * self.height
    }

    pub fn write(&self, widget: &impl IsA<gtk::Widget>, snapshot: &gtk::Snapshot, words: &Words<'_>) {
        let colour = faded(&widget.style_context().color(), WORDS_SHARE);
        let write = |layout: &pango::Layout, x: f32, y: f32| {
            snapshot.save();
            snapshot.translate(&graphene::Point::new(x, y));
            snapshot.append_layout(layout, &colour);
            snapshot.restore();
        };
        for (mark, share) in layouts(widget, words.marks).iter().zip([1.0, 0.5]) {
            let (length, height) = size(mark);
            let x = if self.is_mirrored { widget.width() as f32 - length } else { self.left - GAP - length };
            write(mark, x, self.y(share) - height / 2.0);
        }
        let ends = layouts(widget, words.ends);
        // Where there is no room for both the last one says it.
        let fits = ends.iter().map(|end| size(end).0).sum::<f32>() + GAP <= self.width;
        for (end, is_last) in ends.iter().zip([false, true]).filter(|(_, is_last)| fits || *is_last) {
            let is_right = is_last != self.is_mirrored;
            let x = if is_right { self.left + self.width - size(end).0 } else { self.left };
            write(end, x, widget.height() as f32 - size(end).1);
        }
    }
}

/// The colour of the lines across the field, where text has this one.
pub fn grid_colour(text: &gdk::RGBA) -> gdk::RGBA {
    faded(text, GRID_SHARE)
}

pub fn faded(colour: &gdk::RGBA, share: f32) -> gdk::RGBA {
    colour.with_alpha(colour.alpha() * share)
}

fn layouts(widget: &impl IsA<gtk::Widget>, texts: &[String; 2]) -> [pango::Layout; 2] {
    texts.each_ref().map(|text| widget.create_pango_layout(Some(text)))
}

fn size(layout: &pango::Layout) -> (f32, f32) {
    let (width, height) = layout.pixel_size();
    (width as f32, height as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_as_the_reader_reads_and_values_go_up() {
        let field = |is_mirrored| Field { left: 50.0, top: 10.0, width: 200.0, height: 80.0, is_mirrored };
        assert_eq!((field(false).x(0.0), field(false).x(1.0)), (50.0, 250.0));
        assert_eq!((field(true).x(0.0), field(true).x(1.0)), (250.0, 50.0));
        assert_eq!((field(false).y(0.0), field(false).y(1.0)), (90.0, 10.0));
    }
}
