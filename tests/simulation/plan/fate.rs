// SPDX-License-Identifier: GPL-3.0-or-later
//! What users and fate do, and when.

use freshet::engine::download::spec::OnExists;

use super::wishes::rate;
use super::{Deed, MIB, Plan, ROOM, limits};
use crate::random::Random;
use crate::remote::Site;

impl Plan {
    pub(super) fn fate(&mut self, random: &mut Random) {
        let before = self.heal_at.as_millis() as u64;
        let downloads = self.downloads.len() as u64;
        let most_deeds = random.pick(&[0, 4, 12, 30]);
        for _ in 0..random.between(0, most_deeds) {
            let index = random.below(downloads) as usize;
            let deed = match random.below(23) {
                0..=3 => Deed::Pause(index),
                4..=6 => Deed::Resume(index),
                7 => Deed::PauseAll,
                8 => Deed::ResumeAll,
                9 => Deed::Remove(index),
                10 | 11 => Deed::Restore(index),
                12 => Deed::Purge(index),
                13 => Deed::Limit(limits(random)),
                14 | 15 => Deed::Keep(index),
                16 | 17 => Deed::Rate(index, rate(random)),
                18 => Deed::StartNow(index),
                19 | 20 => Deed::Move(index, random.percent(80).then(|| random.below(downloads) as usize)),
                _ => Deed::Renew(index, self.new_address(random, self.downloads[index].file)),
            };
            let at = random.millis(0, before);
            // What follows at once is what finds races.
            if random.percent(30) {
                let next = random.pick(&[
                    Deed::Resume(index),
                    Deed::Pause(index),
                    Deed::Remove(index),
                    Deed::Restore(index),
                    Deed::Purge(index),
                ]);
                self.deeds.push((at + random.micros(0, 20_000), next));
            }
            self.deeds.push((at, deed));
        }
        for _ in 0..random.pick(&[0, 0, 1, 4]) {
            let index = random.below(downloads) as usize;
            let device = random.below(self.devices.len() as u64);
            let folder = format!("/disk{device}/{}", random.pick(&["a", "b"]));
            // Whose file it may replace is known by its first folder.
            if self.downloads[index].spec.on_exists != OnExists::Overwrite {
                let at = random.millis(0, before);
                self.deeds.push((at, Deed::Relocate(index, folder.into())));
                if random.percent(30) {
                    let next = random.pick(&[Deed::Resume(index), Deed::Pause(index), Deed::Purge(index), Deed::Kill]);
                    self.deeds.push((at + random.micros(0, 20_000), next));
                }
            }
        }
        let most_ends = random.pick(&[0, 0, 1, 3]);
        for _ in 0..random.between(0, most_ends) {
            let deed = random.pick(&[Deed::Stop, Deed::Kill, Deed::CutPower, Deed::CutPower]);
            self.deeds.push((random.millis(0, before), deed));
        }
        for file in 0..self.remote.files.len() {
            for _ in 1..self.remote.files[file].lengths.len() {
                self.deeds.push((random.millis(0, before), Deed::NewVersion(file)));
            }
        }
        for device in 0..self.devices.len() {
            if random.percent(25) {
                let at = random.millis(0, before);
                self.deeds.push((at, Deed::Space(device, random.magnitude(1, 2 * MIB))));
                self.deeds.push((at + random.millis(0, 30_000), Deed::Space(device, ROOM)));
            }
            if random.percent(15) {
                let at = random.millis(0, before);
                self.deeds.push((at, Deed::Errors(device, random.pick(&[5, 50, 500]))));
                self.deeds.push((at + random.millis(0, 10_000), Deed::Errors(device, 0)));
            }
            if random.percent(15) {
                let at = random.millis(0, before);
                self.deeds.push((at, Deed::Pace(device, (10_000, 1_500_000))));
                self.deeds.push((at + random.millis(0, 10_000), Deed::Pace(device, (20, 300))));
            }
        }
    }

    /// What a user takes for a better address: right ones, such of another file, and dead ones.
    fn new_address(&self, random: &mut Random, file: usize) -> usize {
        let fits: fn(&Site, usize) -> bool = match random.below(4) {
            0 | 1 => |site, file| site.file == file && !site.is_dead,
            2 => |site, file| site.file != file && !site.is_dead,
            _ => |site, _| site.is_dead,
        };
        let sites = self.remote.sites.iter().enumerate();
        let fitting: Vec<_> = sites.filter(|(_, site)| fits(site, file)).map(|(at, _)| at).collect();
        if fitting.is_empty() { 0 } else { random.pick(&fitting) }
    }
}
