// SPDX-License-Identifier: GPL-3.0-or-later
//! Words and what belongs to them: side by side where the words then have room, else one below the other. It goes
//! by the width that there is, wherever it stands.

use gtk::glib;
use gtk::prelude::*;
use gtk::subclass::prelude::*;

use super::children::laid_out;

const SPACING: i32 = 6;

/// With less room, or less than all the words in one line, the words get a line of their own.
const ROOM: i32 = 300;

mod imp {
    use super::*;

    #[derive(Debug, Default)]
    pub struct SideBySide;

    #[glib::object_subclass]
    impl ObjectSubclass for SideBySide {
        const NAME: &'static str = "FreshetSideBySide";
        type Type = super::SideBySide;
        type ParentType = gtk::LayoutManager;
    }

    impl ObjectImpl for SideBySide {}

    impl LayoutManagerImpl for SideBySide {
        fn request_mode(&self, _: &gtk::Widget) -> gtk::SizeRequestMode {
            gtk::SizeRequestMode::HeightForWidth
        }

        fn measure(&self, widget: &gtk::Widget, orientation: gtk::Orientation, room: i32) -> (i32, i32, i32, i32) {
            let children = laid_out(widget);
            let (least, natural) = if orientation == gtk::Orientation::Horizontal {
                let widths: Vec<_> = children.iter().map(|child| child.measure(orientation, -1)).collect();
                let natural = widths.iter().map(|width| width.1).sum::<i32>() + gaps(&children);
                (widths.iter().map(|width| width.0).max().unwrap_or_default(), natural)
            } else if let Some(widths) = widths(&children, room) {
                let heights = children.iter().zip(widths).map(|(child, width)| child.measure(orientation, width));
                heights.fold((0, 0), |most, height| (most.0.max(height.0), most.1.max(height.1)))
            } else {
                let heights = children.iter().map(|child| child.measure(orientation, room));
                let sum = heights.fold((0, 0), |sum, height| (sum.0 + height.0, sum.1 + height.1));
                (sum.0 + gaps(&children), sum.1 + gaps(&children))
            };
            (least, natural, -1, -1)
        }

        fn allocate(&self, widget: &gtk::Widget, width: i32, height: i32, _: i32) {
            let children = laid_out(widget);
            if let Some(widths) = widths(&children, width) {
                let from_right = widget.direction() == gtk::TextDirection::Rtl;
                let mut used = 0;
                for (child, own) in children.iter().zip(widths) {
                    let x = if from_right { width - used - own } else { used };
                    child.size_allocate(&gtk::Allocation::new(x, 0, own, height), -1);
                    used += own + SPACING;
                }
                return;
            }
            let mut y = 0;
            for child in &children {
                let own = child.measure(gtk::Orientation::Vertical, width).1;
                child.size_allocate(&gtk::Allocation::new(0, y, width, own), -1);
                y += own + SPACING;
            }
        }
    }
}

glib::wrapper! {
    pub struct SideBySide(ObjectSubclass<imp::SideBySide>) @extends gtk::LayoutManager;
}

fn gaps(children: &[gtk::Widget]) -> i32 {
    SPACING * i32::try_from(children.len()).unwrap_or(i32::MAX).saturating_sub(1)
}

/// How wide each is side by side; `None` where that leaves the words too little. Without a width there is enough.
fn widths(children: &[gtk::Widget], room: i32) -> Option<Vec<i32>> {
    let mut widths: Vec<_> = children.iter().map(|child| child.measure(gtk::Orientation::Horizontal, -1).1).collect();
    let others = widths.iter().skip(1).sum::<i32>() + gaps(children);
    let words = widths.first_mut()?;
    if room >= 0 {
        let left = room - others;
        if left < ROOM.min(*words) {
            return None;
        }
        *words = left;
    }
    Some(widths)
}
