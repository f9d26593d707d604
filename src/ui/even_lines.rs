// SPDX-License-Identifier: GPL-3.0-or-later
//! Widgets of the same width, side by side in as few lines as have room for them, and about as many in each.

use gtk::glib;
use gtk::prelude::*;
use gtk::subclass::prelude::*;

use super::children::laid_out;

const SPACING: i32 = 4;

mod imp {
    use super::*;

    #[derive(Debug, Default)]
    pub struct EvenLines;

    #[glib::object_subclass]
    impl ObjectSubclass for EvenLines {
        const NAME: &'static str = "FreshetEvenLines";
        type Type = super::EvenLines;
        type ParentType = gtk::LayoutManager;
    }

    impl ObjectImpl for EvenLines {}

    impl LayoutManagerImpl for EvenLines {
        fn request_mode(&self, _: &gtk::Widget) -> gtk::SizeRequestMode {
            gtk::SizeRequestMode::HeightForWidth
        }

        fn measure(&self, widget: &gtk::Widget, orientation: gtk::Orientation, room: i32) -> (i32, i32, i32, i32) {
            let children = laid_out(widget);
            let (least, natural) = if orientation == gtk::Orientation::Horizontal {
                (widest(&children).0, stretch(widest(&children).1, children.len()))
            } else {
                let lines = children.len().div_ceil(in_a_line(&children, room));
                let height = stretch(height(&children), lines);
                (height, height)
            };
            (least, natural, -1, -1)
        }

        fn allocate(&self, widget: &gtk::Widget, width: i32, _: i32, _: i32) {
            let children = laid_out(widget);
            let most = in_a_line(&children, width);
            let own = share(width, most);
            let height = height(&children);
            let from_right = widget.direction() == gtk::TextDirection::Rtl;
            let mut y = 0;
            for line in children.chunks(most) {
                let mut used = 0;
                for child in line {
                    let x = if from_right { width - used - own } else { used };
                    child.size_allocate(&gtk::Allocation::new(x, y, own, height), -1);
                    used += own + SPACING;
                }
                y += height + SPACING;
            }
        }
    }
}

glib::wrapper! {
    pub struct EvenLines(ObjectSubclass<imp::EvenLines>) @extends gtk::LayoutManager;
}

/// What each of them needs at least, and likes to have.
fn widest(children: &[gtk::Widget]) -> (i32, i32) {
    let widths = children.iter().map(|child| child.measure(gtk::Orientation::Horizontal, -1));
    widths.fold((0, 0), |most, width| (most.0.max(width.0), most.1.max(width.1)))
}

fn height(children: &[gtk::Widget]) -> i32 {
    let heights = children.iter().map(|child| child.measure(gtk::Orientation::Vertical, -1).1);
    heights.max().unwrap_or_default()
}

/// So many of this size with what is between them.
fn stretch(size: i32, count: usize) -> i32 {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    size.saturating_add(SPACING).saturating_mul(count) - if count > 0 { SPACING } else { 0 }
}

/// What each of so many has of a line.
fn share(width: i32, count: usize) -> i32 {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    (width + SPACING) / count - SPACING
}

/// How many come to stand in one line of this width; without a width there is room for all.
fn in_a_line(children: &[gtk::Widget], width: i32) -> usize {
    let all = children.len().max(1);
    let least = widest(children).0;
    let fits = |count: &usize| width < 0 || share(width, *count) >= least;
    let most = (1..=all).rev().find(fits).unwrap_or(1);
    all.div_ceil(all.div_ceil(most))
}
