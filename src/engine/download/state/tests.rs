// SPDX-License-Identifier: GPL-3.0-or-later
//! The state machine as a full table of states and inputs, and random walks through it.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::*;
use crate::engine::error::FailureKind;

const NOW: Moment = Moment(Duration::from_secs(100));

fn lost() -> Failure {
    Failure::new(FailureKind::ConnectionLost, "reset")
}

fn gone() -> Failure {
    Failure::new(FailureKind::HttpStatus(404), "gone")
}

fn waiting() -> State {
    State::Waiting { reason: WaitReason::Retry { failure: lost(), attempt: 1 }, until: NOW + Duration::from_secs(1) }
}

/// Every state once, in the order of the table's rows.
fn states() -> [State; 9] {
    [
        State::Queued,
        State::Scheduled { at: SystemTime::UNIX_EPOCH },
        State::Connecting,
        State::Downloading,
        State::Paused,
        waiting(),
        State::Verifying,
        State::Completed,
        State::Failed(gone()),
    ]
}

/// Every input once, in the order of the table's columns; failures both temporary and permanent.
fn inputs() -> [Input; 12] {
    [
        Input::Admit,
        Input::Pause,
        Input::Resume,
        Input::Due,
        Input::Prepared,
        Input::Responded,
        Input::Advanced,
        Input::Delivered,
        Input::Broke(lost()),
        Input::Broke(gone()),
        Input::Finished,
        Input::Hold(Hold::Offline),
    ]
}

/// What a cell of the table says: `-` is ignored; a letter is the state that follows
/// (Q)ueued (S)cheduled (C)onnecting (D)ownloading (P)aused (W)aiting (V)erifying c(O)mpleted (F)ailed,
/// then the effects: + enqueue, - dequeue, p prepare, c connect, s stop, f finish, r release, w wake.
const TABLE: [(&str, [&str; 12]); 9] = [
    //               Admit  Pause  Resume Due    Prep.  Resp.  Adv.   Deliv. lost    gone   Finished Hold
    ("Queued", ["C p", "P -", "-", "-", "-", "-", "-", "-", "F -", "F -", "-", "W -"]),
    ("Scheduled", ["-", "P ", "Q +", "Q +", "-", "-", "-", "-", "F ", "F ", "-", "-"]),
    ("Connecting", ["-", "P s", "-", "-", "C c", "D ", "-", "V f", "W sw", "F s", "-", "W s"]),
    ("Downloading", ["-", "P s", "-", "-", "C c", "-", "-", "V f", "W sw", "F s", "-", "W s"]),
    ("Paused", ["-", "-", "Q +", "-", "-", "-", "-", "-", "F ", "F ", "-", "-"]),
    ("Waiting", ["-", "P ", "Q +", "Q +", "-", "-", "-", "-", "-", "-", "-", "W "]),
    ("Verifying", ["-", "-", "-", "-", "C c", "-", "-", "-", "W sw", "F s", "O r", "-"]),
    ("Completed", ["-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"]),
    ("Failed", ["-", "-", "Q +", "-", "-", "-", "-", "-", "-", "-", "-", "-"]),
];

fn letter(state: &State) -> char {
    match state {
        State::Queued => 'Q',
        State::Scheduled { .. } => 'S',
        State::Connecting => 'C',
        State::Downloading => 'D',
        State::Paused => 'P',
        State::Waiting { .. } => 'W',
        State::Verifying => 'V',
        State::Completed => 'O',
        State::Failed(_) => 'F',
    }
}

fn cell(step: &Step) -> String {
    let Step::Next(life, effects) = step else { return "-".to_owned() };
    let effects = effects.iter().map(|effect| match effect {
        Effect::Enqueue => '+',
        Effect::Dequeue => '-',
        Effect::Prepare => 'p',
        Effect::Connect => 'c',
        Effect::Stop => 's',
        Effect::Finish => 'f',
        Effect::Release => 'r',
        Effect::WakeAt(_) => 'w',
    });
    format!("{} {}", letter(&life.state), effects.collect::<String>())
}

#[test]
fn every_state_answers_every_input_as_the_table_says() {
    for (state, (name, row)) in states().into_iter().zip(TABLE) {
        for (input, wanted) in inputs().into_iter().zip(row) {
            let step = step(&Life::new(state.clone()), input.clone(), &Patience::default(), NOW);
            assert_eq!(cell(&step), wanted, "{name} on {input:?}");
        }
    }
}

#[test]
fn temporary_failures_count_up_to_the_end_and_progress_sets_them_back() {
    let patience = Patience { retries: 2, ..Patience::default() };
    let mut life = Life::new(State::Downloading);
    for attempt in 1..=2 {
        let Step::Next(next, _) = step(&life, Input::Broke(lost()), &patience, NOW) else { panic!("ignored") };
        let State::Waiting { reason: WaitReason::Retry { attempt: told, .. }, until } = next.state else {
            panic!("{next:?}")
        };
        assert_eq!((told, until), (attempt, NOW + Duration::from_secs(u64::from(attempt))));
        life = Life { state: State::Downloading, failures: next.failures };
    }
    let Step::Next(after_bytes, _) = step(&life, Input::Advanced, &patience, NOW) else { panic!("ignored") };
    assert_eq!(after_bytes.failures, 0);
    let Step::Next(end, _) = step(&life, Input::Broke(lost()), &patience, NOW) else { panic!("ignored") };
    assert_eq!(end.state, State::Failed(lost()));
}

#[test]
fn a_full_disk_waits_without_counting_and_the_command_line_does_not_wait() {
    let full = Failure::new(FailureKind::DiskFull { needed: Some(5) }, "full");
    let life = Life { state: State::Downloading, failures: 3 };
    let Step::Next(next, _) = step(&life, Input::Broke(full.clone()), &Patience::default(), NOW) else {
        panic!("ignored")
    };
    assert!(matches!(next.state, State::Waiting { reason: WaitReason::Space { .. }, .. }));
    assert_eq!(next.failures, 3);
    let hasty = Patience { wait_for_space: false, ..Patience::default() };
    let Step::Next(next, _) = step(&life, Input::Broke(full.clone()), &hasty, NOW) else { panic!("ignored") };
    assert_eq!(next.state, State::Failed(full));
}

#[test]
fn what_is_held_goes_on_when_it_is_allowed_and_a_full_disk_is_waited_for_all_the_same() {
    let after = |state: &State, input: Input| match step(&Life::new(state.clone()), input, &Patience::default(), NOW) {
        Step::Next(life, _) => Some(life.state),
        Step::Ignored => None,
    };
    let (later, offline) = (Hold::Hours { until: Some(SystemTime::UNIX_EPOCH) }, Hold::Offline);
    let held = after(&State::Downloading, Input::Hold(offline)).unwrap();
    assert_eq!(after(&held, Input::Hold(offline)), None);
    let told = after(&held, Input::Hold(later)).unwrap();
    assert!(matches!(told, State::Waiting { reason: WaitReason::Held(hold), .. } if hold == later));
    assert_eq!(after(&told, Input::Due), Some(State::Queued));
    let full = WaitReason::Space { failure: Failure::new(FailureKind::DiskFull { needed: None }, "") };
    assert_eq!(after(&State::Waiting { reason: full, until: NOW }, Input::Hold(offline)), None);
}

fn input() -> impl Strategy<Value = Input> {
    proptest::sample::select(inputs().to_vec())
}

proptest! {
    /// Whatever happens in whatever order: a slot is taken once and given back once, nothing is
    /// in the queue twice, and nothing leaves Completed.
    #[test]
    fn slots_and_places_balance_on_any_walk(walk in proptest::collection::vec(input(), 0..60)) {
        let mut life = Life::new(State::Queued);
        let (mut has_slot, mut in_queue) = (false, true);
        for input in walk {
            let was_completed = life.state == State::Completed;
            let admitted = input == Input::Admit;
            let Step::Next(next, effects) = step(&life, input, &Patience::default(), NOW) else { continue };
            prop_assert!(!was_completed, "{next:?}");
            if admitted {
                prop_assert!(in_queue && !has_slot);
                (in_queue, has_slot) = (false, true);
            }
            for effect in effects {
                match effect {
                    Effect::Enqueue => { prop_assert!(!in_queue && !has_slot); in_queue = true; }
                    Effect::Dequeue => { prop_assert!(in_queue); in_queue = false; }
                    Effect::Stop | Effect::Release => { prop_assert!(has_slot); has_slot = false; }
                    Effect::Prepare | Effect::Connect | Effect::Finish => prop_assert!(has_slot),
                    Effect::WakeAt(at) => prop_assert!(at > NOW),
                }
            }
            let needs_slot = matches!(next.state, State::Connecting | State::Downloading | State::Verifying);
            prop_assert_eq!(needs_slot, has_slot, "{:?}", next);
            prop_assert_eq!(next.state == State::Queued, in_queue, "{:?}", next);
            life = next;
        }
    }
}
