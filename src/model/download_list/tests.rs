// SPDX-License-Identifier: GPL-3.0-or-later
//! The list as what shows it sees it: what is there, and that what is told of changes leads to it.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::engine::download::state::State;
use crate::engine::event::Progress;
use crate::engine::types::Speed;
use crate::model::download_object::tests::{alone, snapshot};
use crate::model::filter::Group;
use crate::model::order::SortKey;

fn ids(list: &DownloadList) -> Vec<u64> {
    list.iter::<DownloadObject>().map(|object| object.unwrap().id()).collect()
}

fn add(list: &DownloadList, id: u64) {
    list.insert(DownloadObject::new(snapshot(id)));
}

fn remove(list: &DownloadList, id: u64) {
    list.remove(DownloadId(id));
}

#[test]
fn rows_are_in_the_order_of_their_ids_and_found_by_them() {
    alone(|_| {
        let list = DownloadList::default();
        [3, 5, 9].iter().for_each(|id| add(&list, *id));
        assert_eq!(list.get(DownloadId(5)).map(|object| object.id()), Some(5));
        assert_eq!(list.position(DownloadId(9)), None);
        list.tell();
        assert_eq!(ids(&list), [3, 5, 9]);
        assert_eq!(list.position(DownloadId(9)), Some(2));
        assert_eq!(list.position(DownloadId(4)), None);
    });
}

#[test]
fn an_undone_removal_puts_the_row_back_where_it_was() {
    alone(|_| {
        let list = DownloadList::default();
        (1..=4).for_each(|id| add(&list, id));
        remove(&list, 2);
        assert!(list.get(DownloadId(2)).is_none());
        list.tell();
        assert_eq!(ids(&list), [1, 3, 4]);
        add(&list, 2);
        list.tell();
        assert_eq!(ids(&list), [1, 2, 3, 4]);
        remove(&list, 4);
        add(&list, 4);
        list.tell();
        assert_eq!(ids(&list), [1, 2, 3, 4]);
    });
}

#[test]
fn an_undone_removal_finds_its_place_after_a_sweep_too() {
    alone(|_| {
        let list = DownloadList::default();
        (0..300).for_each(|id| add(&list, id));
        (0..299).for_each(|id| remove(&list, id));
        list.tell();
        add(&list, 7);
        add(&list, 300);
        list.tell();
        assert_eq!(ids(&list), [7, 299, 300]);
        remove(&list, 7);
        list.tell();
        assert_eq!(ids(&list), [299, 300]);
    });
}

#[test]
fn at_midnight_the_rows_that_were_looked_at_are_read_again() {
    alone(|_| {
        let list = DownloadList::default();
        list.fill(vec![], vec![DownloadId(1), DownloadId(2)], |id: DownloadId| Some(snapshot(id.0)));
        let told = Rc::new(RefCell::new(Vec::new()));
        let heard = told.clone();
        let seen = list.get(DownloadId(2)).unwrap();
        seen.connect_notify_local(Some("status"), move |object, _| heard.borrow_mut().push(object.id()));
        list.begin_day();
        assert_eq!(*told.borrow(), [2]);
        assert!(list.looked_at(DownloadId(1)).is_none());
    });
}

#[test]
fn many_changes_of_a_turn_are_told_as_few() {
    alone(|_| {
        let list = DownloadList::default();
        let told = Rc::new(RefCell::new(Vec::new()));
        let heard = told.clone();
        list.connect_items_changed(move |list, position, removed, added| {
            assert_eq!(list.n_items() as usize, ids(list).len());
            heard.borrow_mut().push((position, removed, added));
        });
        (0..6).for_each(|id| add(&list, id));
        assert_eq!(ids(&list), [0; 0]);
        list.tell();
        [1, 2, 4].iter().for_each(|id| remove(&list, *id));
        remove(&list, 4);
        add(&list, 9);
        list.tell();
        [10, 4, 2, 1].iter().for_each(|id| add(&list, *id));
        assert_eq!(ids(&list), [0, 3, 5, 9], "not at once");
        list.tell();
        assert_eq!(ids(&list), [0, 1, 2, 3, 4, 5, 9, 10]);
        let back = [(1, 0, 2), (4, 0, 1), (7, 0, 1)];
        assert_eq!(*told.borrow(), [&[(0, 0, 6), (4, 1, 0), (1, 2, 0), (3, 0, 1)], &back[..]].concat());
    });
}

#[test]
fn a_list_tells_by_itself_when_the_main_loop_turns() {
    alone(|context| {
        let list = DownloadList::default();
        add(&list, 1);
        while list.n_items() == 0 {
            assert!(context.iteration(false), "nothing is going to tell");
        }
        assert_eq!(ids(&list), [1]);
    });
}

#[test]
fn a_filter_shows_some_rows_in_any_order() {
    alone(|_| {
        let list = DownloadList::default();
        let source = |id: DownloadId| Some(Snapshot { state: State::Completed, ..snapshot(id.0) });
        let live = [3, 12].map(|id| DownloadObject::new(snapshot(id)));
        list.fill(live.to_vec(), (13..=15).map(DownloadId).collect(), source);
        list.set_filter(Filter::new(Group::All, "file-1"));
        assert_eq!(ids(&list), [12, 13, 14, 15]);
        list.set_filter(Filter::new(Group::Completed, "file-1"));
        assert_eq!((ids(&list), list.count(), list.total()), (vec![13, 14, 15], 3, 5));
        list.set_order(by(SortKey::Name, true));
        assert_eq!(ids(&list), [15, 14, 13]);
        remove(&list, 14);
        list.tell();
        assert_eq!((ids(&list), list.total()), (vec![15, 13], 4));
        list.set_filter(Filter::default());
        assert_eq!(ids(&list), [15, 13, 12, 3]);
        list.set_order(Order::default());
        assert_eq!(ids(&list), [3, 12, 13, 15]);
    });
}

#[test]
fn what_changes_comes_and_goes_with_the_filter() {
    alone(|_| {
        let list = DownloadList::default();
        (1..=3).for_each(|id| add(&list, id));
        list.set_filter(Filter::new(Group::Waiting, ""));
        list.get(DownloadId(2)).unwrap().apply(&Snapshot { state: State::Completed, ..snapshot(2) });
        list.touch(false);
        list.sort();
        assert_eq!(ids(&list), [1, 3]);
        list.set_held(true);
        add(&list, 4);
        list.insert(DownloadObject::new(Snapshot { state: State::Completed, ..snapshot(5) }));
        list.tell();
        assert_eq!(ids(&list), [1, 3, 4], "what the filter keeps out comes no more while rows are held");
    });
}

#[test]
fn rows_that_are_moved_in_the_queue_move_at_once_and_only_where_it_is_seen() {
    alone(|_| {
        let list = DownloadList::default();
        (1..=4).for_each(|id| add(&list, id));
        list.tell();
        let shadow = shadow_of(&list);
        shadow.replace(ids(&list));
        list.set_held(true);
        list.set_turns(&[(DownloadId(4), Turn(0))]);
        assert_eq!(ids(&list), [4, 1, 2, 3]);
        list.set_held(false);
        list.touch(false);
        assert!(!list.imp().will_sort.get(), "what happens to a download does not change the order");
        list.set_order(by(SortKey::Added, false));
        list.set_turns(&[(DownloadId(2), Turn(-1))]);
        assert_eq!(ids(&list), [1, 2, 3, 4]);
        list.set_order(by(SortKey::Queue, true));
        assert_eq!(ids(&list), [2, 4, 1, 3], "the queue has one direction");
        list.set_filter(Filter::new(Group::Waiting, ""));
        list.get(DownloadId(4)).unwrap().apply(&Snapshot { state: State::Completed, ..snapshot(4) });
        list.touch(false);
        list.sort();
        add(&list, 5);
        list.tell();
        assert_eq!((ids(&list), list.ids().len()), (vec![2, 1, 3, 5], 4));
        assert_eq!(*shadow.borrow(), [2, 1, 3, 5]);
    });
}

fn by(by: SortKey, is_descending: bool) -> Order {
    Order { by, is_descending }
}

fn speed(list: &DownloadList, id: u64, speed: u64) {
    let progress = Progress { speed: Speed(speed), ..Progress::default() };
    list.get(DownloadId(id)).unwrap().apply_progress(progress);
    list.touch(true);
}

/// A list of running downloads with the ids from 1 to `count`, the fastest first.
fn fastest_first(count: u64) -> DownloadList {
    let list = DownloadList::default();
    for id in 1..=count {
        list.insert(DownloadObject::new(Snapshot { state: State::Downloading, ..snapshot(id) }));
    }
    list.set_order(by(SortKey::Speed, true));
    list
}

#[test]
fn rows_of_one_rank_stay_in_the_order_of_their_ids() {
    alone(|_| {
        let list = fastest_first(5);
        assert_eq!(ids(&list), [1, 2, 3, 4, 5]);
        speed(&list, 4, 7);
        speed(&list, 2, 9);
        assert_eq!(ids(&list), [1, 2, 3, 4, 5], "not at once");
        list.sort();
        assert_eq!(ids(&list), [2, 4, 1, 3, 5]);
        assert_eq!(list.position(DownloadId(4)), Some(1));
        list.set_order(by(SortKey::Added, true));
        assert_eq!(ids(&list), [5, 4, 3, 2, 1]);
        list.set_order(Order::default());
        assert_eq!(ids(&list), [1, 2, 3, 4, 5]);
    });
}

#[test]
fn only_the_stretch_that_moved_is_told() {
    alone(|_| {
        let list = fastest_first(100);
        let told = Rc::new(RefCell::new(Vec::new()));
        let heard = told.clone();
        list.connect_items_changed(move |_, position, removed, added| {
            heard.borrow_mut().push((position, removed, added));
        });
        list.sort();
        assert_eq!(*told.borrow(), []);
        speed(&list, 1, 9);
        speed(&list, 4, 5);
        list.sort();
        assert_eq!(*told.borrow(), [(1, 3, 3)]);
    });
}

#[test]
fn while_it_is_held_no_row_moves_and_new_ones_come_last() {
    alone(|_| {
        let list = fastest_first(3);
        list.set_held(true);
        speed(&list, 3, 9);
        assert!(!list.imp().will_sort.get(), "it would wake up for nothing");
        add(&list, 4);
        remove(&list, 2);
        list.tell();
        assert_eq!(ids(&list), [1, 3, 4]);
        list.set_held(false);
        assert!(list.imp().will_sort.get());
        list.sort();
        assert_eq!(ids(&list), [3, 1, 4]);
    });
}

#[test]
fn what_does_not_change_the_order_does_not_wake_anybody() {
    alone(|_| {
        let list = fastest_first(2);
        list.set_order(by(SortKey::Name, false));
        speed(&list, 1, 5);
        assert!(!list.imp().will_sort.get());
        list.set_order(Order::default());
        list.touch(false);
        assert!(!list.imp().will_sort.get());
    });
}

#[test]
fn what_was_complete_at_the_start_is_made_when_it_is_looked_at() {
    alone(|_| {
        let list = DownloadList::default();
        let looks = Rc::new(RefCell::new(Vec::new()));
        let looked = looks.clone();
        list.fill(vec![DownloadObject::new(snapshot(3))], [1, 2, 4].map(DownloadId).to_vec(), move |id: DownloadId| {
            looked.borrow_mut().push(id.0);
            Some(snapshot(id.0))
        });
        assert_eq!((list.n_items(), list.position(DownloadId(4))), (4, Some(3)));
        assert_eq!(*looks.borrow(), [0; 0]);
        let first = list.item(1);
        assert_eq!(first, list.item(1), "it is made once");
        assert_eq!(*looks.borrow(), [2]);
        list.set_order(by(SortKey::Name, true));
        assert_eq!(ids(&list), [4, 3, 2, 1]);
    });
}

/// The ids of the rows as somebody knows them who goes by what is told alone.
fn shadow_of(list: &DownloadList) -> Rc<RefCell<Vec<u64>>> {
    let shadow = Rc::new(RefCell::new(Vec::new()));
    let copy = shadow.clone();
    list.connect_items_changed(move |list, position, removed, added| {
        let id = |at| list.item(at).and_downcast::<DownloadObject>().unwrap().id();
        let start = position as usize;
        copy.borrow_mut().splice(start..start + removed as usize, (position..position + added).map(id));
    });
    shadow
}

proptest! {
    #[test]
    fn what_is_told_always_leads_to_what_is_there(changes in prop::collection::vec((0_u64..12, any::<bool>()), 0..60)) {
        alone(|_| {
            let list = DownloadList::default();
            let shadow = shadow_of(&list);
            let mut plain = std::collections::BTreeSet::new();
            for (id, tells) in changes {
                if plain.remove(&id) {
                    remove(&list, id);
                } else {
                    plain.insert(id);
                    add(&list, id);
                }
                assert_eq!(list.get(DownloadId(id)).is_some(), plain.contains(&id));
                if tells {
                    list.tell();
                    assert_eq!(ids(&list), plain.iter().copied().collect::<Vec<_>>());
                }
                assert_eq!(&*shadow.borrow(), &ids(&list));
            }
        });
    }

    /// A change: an id that comes or goes, or gets another speed; whether the list is told; 0 and 1 hold
    /// and let go, 2 to 4 choose an order.
    #[test]
    fn what_is_told_of_a_sorted_list_leads_to_what_is_there(
        changes in prop::collection::vec((0_u64..12, 0_u64..4, any::<bool>(), 0_u8..12), 0..60),
    ) {
        alone(|_| {
            let list = DownloadList::default();
            let shadow = shadow_of(&list);
            let mut plain = std::collections::BTreeMap::new();
            let mut order = Order::default();
            for (id, new, tells, turn) in changes {
                match (plain.get(&id), new) {
                    (Some(_), 0) => {
                        plain.remove(&id);
                        remove(&list, id);
                    }
                    (Some(_), _) => {
                        plain.insert(id, new);
                        speed(&list, id, new);
                    }
                    (None, _) => {
                        plain.insert(id, 0);
                        list.insert(DownloadObject::new(Snapshot { state: State::Downloading, ..snapshot(id) }));
                    }
                }
                match turn {
                    0 | 1 => list.set_held(turn == 0),
                    2 => order = by(SortKey::Speed, true),
                    3 => order = by(SortKey::Added, true),
                    4 => order = Order::default(),
                    _ => {}
                }
                if (2..=4).contains(&turn) {
                    list.set_order(order);
                }
                if tells {
                    list.tell();
                    let mut there = ids(&list);
                    there.sort_unstable();
                    assert_eq!(there, plain.keys().copied().collect::<Vec<_>>());
                    if order.by == SortKey::Speed && !list.imp().is_held.get() {
                        let speeds: Vec<_> = ids(&list).iter().map(|id| plain[id]).collect();
                        assert!(speeds.is_sorted_by(|one, other| one >= other), "{speeds:?}");
                    }
                }
                assert_eq!(&*shadow.borrow(), &ids(&list));
            }
        });
    }
}
