// SPDX-License-Identifier: GPL-3.0-or-later
//! What a later process makes of what an earlier one has left beside its part files, with no list: as
//! `freshet get` when the same command is given again.

mod support;

use freshet::engine::FailureKind;
use freshet::engine::engine::Config;
use support::engine::Running;
use support::faulty::{Answer, Faulty, Resource};

const MIB: u64 = 1 << 20;

#[test]
fn a_message_in_place_of_a_file_that_an_earlier_process_began_is_not_taken_for_it() {
    let (server, mut running) = (Faulty::start(), Running::start());
    let file = Resource::new(1, 4 * MIB);
    server.on("/f", move |request| match request.number {
        0 => file.answer(request).rate(4 * MIB),
        _ => Answer::status(200).header("Content-Type", "application/json").bytes("{\"error\": \"expired\"}"),
    });
    let id = running.engine.add(running.single(server.url("/f")));
    running.until(id, "some of it is there", |now| now.progress.received > MIB);
    running.restart(Config::default());
    let id = running.engine.add(running.single(server.url("/f")));
    running.fails_with(id, &FailureKind::ChangedOnServer);
    assert_eq!(running.names(), ["f.part", "f.part.journal"], "what came is kept, and nothing is beside it");
}
