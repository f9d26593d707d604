// SPDX-License-Identifier: GPL-3.0-or-later
//! What becomes of addresses: new downloads, looks at what they lead to, and new ways for what is stuck.

use super::{Place, Session};
use crate::engine::download::spec::DownloadSpec;
use crate::engine::error::Failure;
use crate::engine::event::Probed;
use crate::engine::import::list::Entry;
use crate::engine::types::ProbeId;
use crate::model::addresses::Addresses;
use crate::model::listener::Once;
use crate::model::{Command, DownloadId};

impl Session {
    /// Takes apart what is new and what has the address of a download in the list, with that download.
    pub fn known(&self, addresses: &Addresses) -> (Addresses, Vec<DownloadId>) {
        let first = |entry: &Entry| entry.urls.first().cloned();
        let urls: Vec<_> = addresses.found.iter().filter_map(first).collect();
        let known = self.0.engine.at_addresses(&urls);
        let is_new = |entry: &&Entry| entry.urls.first().is_none_or(|url| !known.contains_key(url));
        let found = addresses.found.iter().filter(is_new).cloned().collect();
        let ids = urls.iter().filter_map(|url| known.get(url).copied()).collect();
        (Addresses { found, ..addresses.clone() }, ids)
    }

    /// Queues a download of each file that was found. A name is given only to a single one.
    pub fn add(&self, addresses: &Addresses, place: &Place) -> Vec<DownloadId> {
        let add = |spec: DownloadSpec| {
            let login = place.terms.login_to_remember(&spec);
            let id = self.0.engine.add_at(spec, place.start);
            login.into_iter().for_each(|(asker, credentials)| self.0.logins.remember(id, asker, credentials));
            id
        };
        self.specs(addresses, place).map(add).collect()
    }

    /// The downloads that they would be, each made when it is asked for: of ten thousand some may be enough.
    pub(in crate::model) fn specs(&self, addresses: &Addresses, place: &Place) -> impl Iterator<Item = DownloadSpec> {
        let usual = self.folder();
        let name = place.name.clone().filter(|_| addresses.found.len() == 1);
        addresses.found.iter().filter_map(move |entry| {
            let (url, mirrors) = entry.urls.split_first()?;
            let chosen = place.folder.as_ref().or(entry.folder.as_ref());
            let mut spec = DownloadSpec {
                mirrors: mirrors.to_vec(),
                name: name.clone().or_else(|| entry.name.clone()),
                checksum: entry.checksum.clone(),
                size: entry.size,
                pieces: entry.pieces.clone(),
                ..DownloadSpec::new(url.clone(), chosen.unwrap_or(&usual).clone())
            };
            self.0.settings.apply(&mut spec);
            entry.clone().apply(&mut spec);
            place.terms.apply(&mut spec);
            // Where none was chosen, the rules do.
            spec.otherwise = chosen.is_none().then(|| usual.clone());
            Some(spec)
        })
    }

    pub(in crate::model) fn new_probe(&self) -> ProbeId {
        self.0.engine.new_probe()
    }

    /// Asks what an address leads to; `told` is called at most once.
    pub(in crate::model) fn probe(
        &self,
        id: ProbeId,
        spec: DownloadSpec,
        told: impl FnOnce(Result<Probed, Failure>) + 'static,
    ) {
        self.0.probes.borrow_mut().insert(id, Once(Box::new(told)));
        self.send(Command::Probe { id, spec: Box::new(spec) });
    }

    pub(in crate::model) fn end_probe(&self, id: ProbeId) {
        self.0.probes.borrow_mut().remove(&id);
        self.send(Command::EndProbe(id));
    }

    /// Lets a download that is stuck go on from another address, with what it has.
    pub fn renew(&self, id: DownloadId, address: &Addresses) {
        if let Some(url) = address.only() {
            self.send(Command::Renew { id, url: url.clone() });
        }
    }
}
