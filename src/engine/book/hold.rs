// SPDX-License-Identifier: GPL-3.0-or-later
//! No downloads run for a while: there is no network, it costs money, or it is not the hour for them.

use url::{Host, Url};

use super::Book;
use crate::engine::download::state::{Hold, Input, State, WaitReason};
use crate::engine::types::DownloadId;

impl Book {
    /// Holds what runs from now on, or lets all go on that was held.
    pub(super) fn hold(&mut self, hold: Option<Hold>) {
        let before = std::mem::replace(&mut self.held, hold);
        if before == hold {
            return;
        }
        let is_other = !matches!((&before, &hold), (Some(before), Some(now)) if before.is_like(now));
        let ids: Vec<_> = self.items.keys().copied().collect();
        for id in ids {
            let Some(item) = self.items.get_mut(&id) else { continue };
            // It was this hold that the user did not care for.
            item.defies &= !is_other;
            let is_held = matches!(item.life.state, State::Waiting { reason: WaitReason::Held(_), .. });
            match self.hold_of(id) {
                Some(hold) => self.input(id, Input::Hold(hold)),
                None if is_held => self.input(id, Input::Due),
                None => {}
            }
        }
    }

    /// The same for what joined the queue meanwhile.
    pub(super) fn hold_queued(&mut self) {
        if self.held.is_none() {
            return;
        }
        let mut ids: Vec<_> = self.queue.waiting().collect();
        ids.sort_unstable();
        for id in ids {
            if let Some(hold) = self.hold_of(id) {
                self.input(id, Input::Hold(hold));
            }
        }
    }

    /// The user wants a download to go on that is held.
    pub(super) fn defy(&mut self, id: DownloadId) {
        if let Some(item) = self.items.get_mut(&id)
            && matches!(item.life.state, State::Waiting { reason: WaitReason::Held(_), .. })
        {
            item.defies = true;
        }
    }

    /// What keeps this download from running.
    fn hold_of(&self, id: DownloadId) -> Option<Hold> {
        let hold = self.held?;
        let item = self.items.get(&id).filter(|item| item.removed.is_none() && !item.defies)?;
        let is_free = match hold {
            Hold::Offline => is_near(&item.spec.url),
            Hold::Metered => is_near(&item.spec.url),
            Hold::Hours { .. } => false,
        };
        (!is_free).then_some(hold)
    }
}

/// Whether a host is this machine or its neighbour: it is reached, at no cost, also where the network leads
/// nowhere else.
fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            !name.contains('.') || [".localhost", ".local", ".lan", ".home.arpa"].iter().any(|end| name.ends_with(end))
        }
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_needs_no_way_out() {
        let near = |url: &str| is_near(&Url::parse(url).unwrap());
        for url in [
            "http://127.0.0.1:80/f",
            "http://localhost/f",
            "http://[::1]/f",
            "http://192.168.1.5/f",
            "ftp://nas.local/f",
        ] {
            assert!(near(url), "{url}");
        }
        for url in ["http://example.org/f", "http://9.9.9.9/f", "http://[2001:db8::1]/f", "sftp://localhost.org/f"] {
            assert!(!near(url), "{url}");
        }
    }
}
