// SPDX-License-Identifier: GPL-3.0-or-later
//! The servers of a world, their files, and what they tell of them.

use std::cell::RefCell;
use std::time::Duration;

use url::Url;

use super::{KIB, MIB};
use crate::random::Random;
use crate::remote::{Fault, Host, Remote, RemoteFile, Said, Site, Tells};

pub(super) fn servers(random: &mut Random, is_calm: bool) -> Remote {
    let refusals = [
        Fault::Refused,
        Fault::Status(403, None),
        Fault::Status(429, Some(5)),
        Fault::Status(503, None),
        Fault::Dropped,
    ];
    let hosts: Vec<_> = (0..random.between(1, 3))
        .map(|number| {
            let rate = random.magnitude(30_000, 20_000_000);
            Host {
                name: format!("h{number}.test"),
                latency: random.millis(1, 300),
                rate,
                most: if is_calm || random.percent(60) { usize::MAX } else { random.between(1, 6) as usize },
                refusal: random.pick(&refusals),
                trouble: if is_calm { 0 } else { random.pick(&[0, 5, 20, 50]) },
                piece: (rate / 20).clamp(1 + random.below(4000), 16 * KIB) as usize,
            }
        })
        .collect();
    let mut files = Vec::new();
    let mut sites = Vec::new();
    for number in 0..random.between(1, 4) as usize {
        let versions = if is_calm || random.percent(45) { 1 } else { random.between(2, 4) };
        let first = length(random);
        let is_same_length = random.percent(75);
        let lengths = (0..versions).map(|_| if is_same_length { first } else { length(random) }).collect();
        let is_forged = versions > 1 && random.percent(10);
        let count = if random.percent(60) { 1 } else { random.between(2, 4) };
        let tells = tells(random);
        let has_liars = !is_calm && random.percent(20);
        files.push(RemoteFile {
            lengths,
            current: 0,
            is_forged,
            is_doubted: is_forged || has_liars,
            has_pieces: false,
        });
        for site in 0..count {
            let tells = if site > 0 { tells_too(random, tells) } else { tells };
            let mut site = site_of(random, &hosts, number, site, tells, is_calm);
            site.lies = has_liars && random.percent(40);
            sites.push(site);
        }
    }
    for at in 0..sites.len() {
        said(random, &mut sites, at, is_calm);
    }
    if random.percent(40) {
        let gone = site_of(random, &hosts, 0, 9, Tells::Nothing, is_calm);
        sites.push(Site { is_dead: true, ..gone });
    }
    let healthy_since = is_calm.then_some(Duration::ZERO);
    Remote { hosts, files, sites, healthy_since, random: random.fork(), sums: RefCell::default() }
}

fn length(random: &mut Random) -> u64 {
    match random.below(100) {
        0..=3 => 0,
        4..=9 => random.between(1, 100),
        10..=64 => random.magnitude(100, 200 * KIB),
        65..=94 => random.magnitude(100 * KIB, 2 * MIB),
        _ => random.magnitude(MIB, 8 * MIB),
    }
}

fn tells(random: &mut Random) -> Tells {
    match random.below(20) {
        0..=8 => Tells::StrongTag,
        9 | 10 => Tells::OwnTag,
        11 => Tells::WeakTag,
        12 => Tells::WeakTagAndDate,
        13..=15 => Tells::Date,
        16 => Tells::FreshDate,
        17 => Tells::Nothing,
        _ => Tells::FileTime,
    }
}

fn site_of(random: &mut Random, hosts: &[Host], file: usize, number: u64, tells: Tells, is_calm: bool) -> Site {
    let host = random.below(hosts.len() as u64) as usize;
    let scheme = if tells == Tells::FileTime { "ftp" } else { "http" };
    let name = if number == 0 { format!("f{file}.bin") } else { format!("m{number}/f{file}.bin") };
    Site {
        url: Url::parse(&format!("{scheme}://{}/{name}", hosts[host].name)).expect("an address"),
        host,
        file,
        tells,
        has_ranges: random.percent(80),
        has_length: random.percent(85),
        compresses: tells != Tells::FileTime && random.percent(5),
        is_stale: !is_calm && number > 0 && random.percent(20),
        ignores_condition: random.percent(30),
        lies: false,
        is_dead: false,
        links: None,
        digest: Said::Nothing,
        beside: Said::Nothing,
        is_listed: random.percent(50),
    }
}

/// What else a site tells of its file, and of where that also is.
fn said(random: &mut Random, sites: &mut [Site], at: usize, is_calm: bool) {
    let other = sites[random.below(sites.len() as u64) as usize].file;
    let site = &mut sites[at];
    if random.percent(20) {
        site.links = Some(if is_calm || random.percent(70) { site.file } else { other });
    }
    let wrong = [Said::Right, Said::Right, Said::Right, Said::Stale, Said::Wrong];
    let right = [Said::Right];
    if random.percent(20) {
        site.digest = random.pick(if is_calm { &right[..] } else { &wrong[..] });
    }
    if random.percent(60) {
        site.beside = random.pick(if is_calm { &right[..] } else { &wrong[..] });
        if random.percent(10) {
            site.beside = Said::StaleForGood;
        }
    }
}

/// How a mirror tells: mostly as the first site does, sometimes by another protocol.
fn tells_too(random: &mut Random, first: Tells) -> Tells {
    match random.below(10) {
        0 | 1 if first == Tells::FileTime => random.pick(&[Tells::StrongTag, Tells::Date, Tells::Nothing]),
        0 | 1 => Tells::FileTime,
        2 => tells(random),
        3 => Tells::Nothing,
        _ => first,
    }
}
