// SPDX-License-Identifier: GPL-3.0-or-later
//! What servers say of a file besides its bytes: where it also is (RFC 6249), what its bytes amount to
//! (RFC 9530, RFC 3230), and the lists of checksums beside it. All of it may be wrong or old.

use std::rc::Rc;

use freshet::engine::download::spec::Algorithm;
use freshet::engine::net::proof::Head;
use url::Url;

use super::names::field;
use super::{Body, Ending, Fault, Remote, Said, Script, Site, Tells};
use crate::content::Version;
use crate::disk::checksum;

impl Remote {
    /// The site of an address, and whether it is that of a list of checksums beside its file.
    pub fn place_of(&self, url: &Url) -> (usize, bool) {
        if let Some(site) = self.sites.iter().position(|site| site.url == *url) {
            return (site, false);
        }
        let beside = |site: &Site| lists(&site.url).contains(url);
        let site = self.sites.iter().position(beside);
        (site.unwrap_or_else(|| panic!("{url} was never told to the engine")), true)
    }

    /// The header fields.
    pub(super) fn said(&self, site: &Site, at: usize, version: Version) -> Vec<(String, Vec<u8>)> {
        let mut fields = Vec::new();
        if let Some(sum) = self.sum_said(site.digest, version) {
            let bytes = sum.as_bytes().chunks(2).map(|pair| {
                let digits = std::str::from_utf8(pair).expect("hexadecimal digits");
                u8::from_str_radix(digits, 16).expect("hexadecimal digits")
            });
            let base64 = glib::base64_encode(&bytes.collect::<Vec<_>>());
            // Old servers and new ones.
            let is_new = at.is_multiple_of(2);
            fields.push(if is_new {
                field("repr-digest", &format!("sha-256=:{base64}:"))
            } else {
                field("digest", &format!("SHA-256={base64}"))
            });
        }
        let is_healthy = self.healthy_since.is_some();
        if let Some(file) = site.links.filter(|file| !is_healthy || *file == site.file) {
            let others =
                self.sites.iter().filter(|other| other.file == file && other.url != site.url && !other.is_dead);
            fields.extend(others.map(|other| field("link", &format!("<{}>; rel=duplicate", other.url))));
        }
        fields
    }

    /// A list of checksums, or that there is none.
    pub fn beside(&mut self, at: usize, url: &Url, fault: Option<Fault>) -> Script {
        let asked = self.sites[at].clone();
        if let Some(Fault::Status(status, wait)) = fault {
            return self.refuse(&asked, status, wait);
        }
        let is_of_folder = url.path().ends_with("/SHA256SUMS");
        let listed = self
            .sites
            .iter()
            .enumerate()
            .filter(|(_, site)| site.is_listed == is_of_folder && !site.is_dead && lists(&site.url).contains(url));
        let lines = listed.filter_map(|(at, site)| {
            let sum = self.sum_said(site.beside, self.version(at))?;
            Some(format!("{sum}  {}\n", site.url.path().rsplit('/').next().unwrap_or_default()))
        });
        let text: String = lines.collect();
        if text.is_empty() {
            return self.refuse(&asked, 404, None);
        }
        let length = text.len() as u64;
        let status = if asked.tells == Tells::FileTime { 0 } else { 200 };
        let head = Head { status, length: Some(length), url: Some(url.clone()), ..Head::default() };
        let script = Script { head, body: Body::Text(Rc::from(text.as_bytes())), length, ending: Ending::Clean };
        self.spoil(script, fault)
    }

    /// What is said to be the SHA-256 of a version.
    fn sum_said(&self, said: Said, version: Version) -> Option<String> {
        let older = Version { number: version.number.checked_sub(1).unwrap_or(OF_NOBODY), ..version };
        match said {
            Said::Nothing => None,
            Said::StaleForGood => Some(self.sum(older)),
            // Who is healthy is right.
            Said::Stale if self.healthy_since.is_none() => Some(self.sum(older)),
            Said::Wrong if self.healthy_since.is_none() => Some(checksum(Algorithm::Sha256, b"others")),
            Said::Right | Said::Stale | Said::Wrong => Some(self.sum(version)),
        }
    }

    fn sum(&self, version: Version) -> String {
        let known = self.sums.borrow().get(&version).cloned();
        known.unwrap_or_else(|| {
            let length = if version.number == OF_NOBODY { 100 } else { self.length(version) };
            let sum = checksum(Algorithm::Sha256, &version.whole(length));
            self.sums.borrow_mut().insert(version, sum.clone());
            sum
        })
    }
}

/// The number of a version that nobody has.
const OF_NOBODY: u32 = u32::MAX;

/// Where checksums may lie beside the file of an address.
fn lists(url: &Url) -> Vec<Url> {
    freshet::engine::import::checksum_list::places(url)
}
