// SPDX-License-Identifier: GPL-3.0-or-later
//! THE state machine of a download: states, inputs, effects and the pure function [`step`].
//! Only `engine.rs` calls it and runs its effects.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::retry::{self, Verdict};
use super::spec::Patience;
use crate::engine::error::Failure;
use crate::engine::types::Moment;

/// The states of a download; there are no others, and no flag beside them says part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for its turn.
    Queued,
    /// Joins the queue at a time.
    Scheduled {
        at: SystemTime,
    },
    /// Has a slot; looks at what is on disk, then asks the server. No byte of this session yet.
    Connecting,
    Downloading,
    /// Stopped by the user.
    Paused,
    /// Continues by itself at a moment.
    Waiting {
        reason: WaitReason,
        until: Moment,
    },
    /// All bytes are written; they are synced, checked and moved into place.
    Verifying,
    Completed,
    Failed(Failure),
}

/// Why a download waits, told with its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WaitReason {
    /// A temporary failure; `attempt` is the number of the retry to come, from 1.
    Retry { failure: Failure, attempt: u32 },
    /// The disk is full.
    Space { failure: Failure },
    /// Nothing is wrong with it: what is around allows no downloads now.
    Held(Hold),
}

/// Why no downloads run at present. Each goes on as soon as that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// There is no network.
    Offline,
    /// What is downloaded may cost money.
    Metered,
    /// It is not an hour for downloads; the next one begins then, if ever.
    Hours { until: Option<SystemTime> },
}

impl Hold {
    /// Whether both are of one kind, whatever their times.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// The end of a wait that no clock ends.
const NEVER: Moment = Moment(std::time::Duration::MAX);

/// A state with the one count that outlives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    pub state: State,
    /// Failures in a row without a new byte between them.
    pub failures: u32,
}

impl Life {
    pub fn new(state: State) -> Self {
        Self { state, failures: 0 }
    }
}

/// What can happen to a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The queue grants a slot.
    Admit,
    /// The user's wishes.
    Pause,
    Resume,
    /// A wait or a schedule has run out.
    Due,
    /// The disk has told what is there; the server can be asked.
    Prepared,
    /// The server's answer has proven itself.
    Responded,
    /// Bytes of this session are on disk.
    Advanced,
    /// Every byte is there.
    Delivered,
    /// The transfer or the disk failed.
    Broke(Failure),
    /// No downloads may run at present.
    Hold(Hold),
    /// The server wants no further connection while others have theirs: not a failure of this one.
    TurnedAway,
    /// The file is in its place.
    Finished,
}

/// What has to be done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Join the queue.
    Enqueue,
    /// Leave the queue.
    Dequeue,
    /// Ask the disk what there is of it.
    Prepare,
    /// Ask the server.
    Connect,
    /// End its transfers, write what came, save the journal, give the slot back.
    Stop,
    /// Verify and move into place, then give the slot back.
    Finish,
    /// Give the slot back: it came to its end.
    Release,
    /// Send `Due` at this moment.
    WakeAt(Moment),
}

/// What a step comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The state it has now (maybe the same) and what follows.
    Next(Life, Vec<Effect>),
    /// The input does not fit the state; nothing changes. Not an error: a click may come late.
    Ignored,
}

/// The next state. Pure and total: the same arguments always give the same answer, and every pair
/// of state and input has one.
pub fn step(life: &Life, input: Input, patience: &Patience, now: Moment) -> Step {
    use Effect::{Connect, Dequeue, Enqueue, Finish, Prepare, Release, Stop};
    let keep = |state: State, effects: &[Effect]| Step::Next(Life { state, failures: life.failures }, effects.to_vec());
    // The user, or time that has passed, starts a fresh count.
    let fresh = |state: State, effects: &[Effect]| Step::Next(Life::new(state), effects.to_vec());

    let held =
        |hold: Hold, effects: &[Effect]| keep(State::Waiting { reason: WaitReason::Held(hold), until: NEVER }, effects);

    match (&life.state, input) {
        (State::Queued, Input::Hold(hold)) => held(hold, &[Dequeue]),
        (State::Connecting | State::Downloading, Input::Hold(hold)) => held(hold, &[Stop]),
        (State::Waiting { reason: WaitReason::Retry { .. }, .. }, Input::Hold(hold)) => held(hold, &[]),
        (State::Waiting { reason: WaitReason::Held(known), .. }, Input::Hold(hold)) if *known != hold => {
            held(hold, &[])
        }
        (
            State::Scheduled { .. }
            | State::Paused
            | State::Waiting { .. }
            | State::Verifying
            | State::Completed
            | State::Failed(_),
            Input::Hold(_),
        ) => Step::Ignored,

        (State::Queued, Input::Admit) => keep(State::Connecting, &[Prepare]),
        (State::Queued, Input::Pause) => keep(State::Paused, &[Dequeue]),
        // It can never be made: an address that is none.
        (State::Queued, Input::Broke(failure)) => keep(State::Failed(failure), &[Dequeue]),
        (
            State::Queued,
            Input::Resume
            | Input::Due
            | Input::Prepared
            | Input::Responded
            | Input::Advanced
            | Input::Delivered
            | Input::TurnedAway
            | Input::Finished,
        ) => Step::Ignored,

        (State::Scheduled { .. }, Input::Due | Input::Resume) => keep(State::Queued, &[Enqueue]),
        (State::Scheduled { .. }, Input::Pause) => keep(State::Paused, &[]),
        (State::Scheduled { .. }, Input::Broke(failure)) => keep(State::Failed(failure), &[]),
        (
            State::Scheduled { .. },
            Input::Admit
            | Input::Prepared
            | Input::Responded
            | Input::Advanced
            | Input::Delivered
            | Input::TurnedAway
            | Input::Finished,
        ) => Step::Ignored,

        (State::Connecting, Input::TurnedAway) => keep(State::Queued, &[Stop, Enqueue]),
        (State::Connecting, Input::Prepared) => keep(State::Connecting, &[Connect]),
        (State::Connecting, Input::Responded) => keep(State::Downloading, &[]),
        (State::Connecting | State::Downloading, Input::Delivered) => keep(State::Verifying, &[Finish]),
        (State::Connecting | State::Downloading, Input::Pause) => keep(State::Paused, &[Stop]),
        (State::Connecting | State::Downloading, Input::Broke(failure)) => broke(life, failure, patience, now, Stop),
        (State::Connecting, Input::Admit | Input::Resume | Input::Due | Input::Advanced | Input::Finished) => {
            Step::Ignored
        }

        (State::Downloading, Input::Advanced) if life.failures > 0 => fresh(State::Downloading, &[]),
        // Its part file had become another's when it was opened with the first bytes: asked again from the start.
        (State::Downloading | State::Verifying, Input::Prepared) => keep(State::Connecting, &[Connect]),
        (
            State::Downloading,
            Input::Advanced
            | Input::Admit
            | Input::Resume
            | Input::Due
            | Input::Responded
            | Input::TurnedAway
            | Input::Finished,
        ) => Step::Ignored,

        (State::Paused | State::Failed(_), Input::Resume) => fresh(State::Queued, &[Enqueue]),
        (
            State::Paused,
            Input::Admit
            | Input::Pause
            | Input::Due
            | Input::Prepared
            | Input::Responded
            | Input::Advanced
            | Input::Delivered
            | Input::TurnedAway
            | Input::Finished,
        ) => Step::Ignored,
        // What was written last could not be synced: better told than kept.
        (State::Paused, Input::Broke(failure)) => keep(State::Failed(failure), &[]),

        (State::Waiting { .. }, Input::Due) => keep(State::Queued, &[Enqueue]),
        (State::Waiting { .. }, Input::Resume) => fresh(State::Queued, &[Enqueue]),
        (State::Waiting { .. }, Input::Pause) => keep(State::Paused, &[]),
        (
            State::Waiting { .. },
            Input::Admit
            | Input::Prepared
            | Input::Responded
            | Input::Advanced
            | Input::Delivered
            | Input::Broke(_)
            | Input::TurnedAway
            | Input::Finished,
        ) => Step::Ignored,

        (State::Verifying, Input::Finished) => fresh(State::Completed, &[Release]),
        // The part file stays, with a journal that says so.
        (State::Verifying, Input::Broke(failure)) => broke(life, failure, patience, now, Stop),
        // It is nearly there; a half-finished move is no state to stop in.
        (
            State::Verifying,
            Input::Admit
            | Input::Pause
            | Input::Resume
            | Input::Due
            | Input::Responded
            | Input::Advanced
            | Input::TurnedAway
            | Input::Delivered,
        ) => Step::Ignored,

        (
            State::Completed,
            Input::Admit
            | Input::Pause
            | Input::Resume
            | Input::Due
            | Input::Prepared
            | Input::Responded
            | Input::Advanced
            | Input::Delivered
            | Input::Broke(_)
            | Input::TurnedAway
            | Input::Finished,
        ) => Step::Ignored,

        (
            State::Failed(_),
            Input::Admit
            | Input::Pause
            | Input::Due
            | Input::Prepared
            | Input::Responded
            | Input::Advanced
            | Input::Delivered
            | Input::Broke(_)
            | Input::TurnedAway
            | Input::Finished,
        ) => Step::Ignored,
    }
}

/// A failure while it has a slot: `give_back` is how the slot returns.
fn broke(life: &Life, failure: Failure, patience: &Patience, now: Moment, give_back: Effect) -> Step {
    match retry::verdict(&failure, life.failures, patience) {
        Verdict::Again(wait) => {
            let until = now + wait;
            let attempt = life.failures + 1;
            let reason = WaitReason::Retry { failure, attempt };
            Step::Next(
                Life { state: State::Waiting { reason, until }, failures: attempt },
                vec![give_back, Effect::WakeAt(until)],
            )
        }
        Verdict::WhenSpace(wait) => {
            let until = now + wait;
            let state = State::Waiting { reason: WaitReason::Space { failure }, until };
            Step::Next(Life { state, failures: life.failures }, vec![give_back, Effect::WakeAt(until)])
        }
        Verdict::GiveUp => Step::Next(Life { state: State::Failed(failure), failures: 0 }, vec![give_back]),
    }
}

#[cfg(test)]
mod tests;
